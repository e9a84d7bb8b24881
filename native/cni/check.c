/* CHECK: whether a pod is still connected as ADD left it. STATUS: whether ADD would work. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "fail.h"

/* Whether prevResult has this address; the runtime and we must speak of the same attachment. */
static bool result_has(const struct call *call, uint32_t address)
{
    const struct json *config = &call->config;
    char expected[64];
    struct in_addr wire = {.s_addr = htonl(address)};
    snprintf(expected, sizeof expected, "%s/%u", inet_ntoa(wire), call->prefix);
    int ips = json_member(config, json_member(config, 0, "prevResult"), "ips");
    for (int ip = json_first(config, ips); ip != JSON_NONE; ip = json_next(config, ips, ip)) {
        char text[64];
        if (json_string(config, json_member(config, ip, "address"), text, sizeof text) &&
            strcmp(text, expected) == 0)
            return true;
    }
    return false;
}

static void check_host_end(const struct call *call, struct netlink *route)
{
    char name[IFNAMSIZ];
    struct link bridge, host_end;
    host_name_of(call, call->owner, name);
    if (!find_link(route, call->bridge, &bridge) || !bridge.is_bridge)
        fail(CNI_NOT_AS_ADDED, "bridge %s is gone", call->bridge);
    if (!find_link(route, name, &host_end))
        fail(CNI_NOT_AS_ADDED, "the host's end %s of the veth pair is gone", name);
    if (host_end.master != bridge.index)
        fail(CNI_NOT_AS_ADDED, "%s is no port of bridge %s", name, call->bridge);
    if (!has_address(route, bridge.index, call->gateway, call->prefix))
        fail(CNI_NOT_AS_ADDED, "bridge %s has lost the gateway's address", call->bridge);
}

static void check_pod_end(const struct call *call, uint32_t address)
{
    struct netlink pod;
    struct link link;
    int fd = open(call->netns, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
        fail(CNI_UNKNOWN_CONTAINER, "cannot enter the network namespace %s: %s", call->netns,
             strerror(errno));
    close(fd);
    netlink_open(&pod, NETLINK_ROUTE);
    if (!find_link(&pod, call->ifname, &link))
        fail(CNI_NOT_AS_ADDED, "interface %s is gone from the pod", call->ifname);
    if (!link.is_up)
        fail(CNI_NOT_AS_ADDED, "interface %s of the pod is down", call->ifname);
    if (!has_address(&pod, link.index, address, call->prefix))
        fail(CNI_NOT_AS_ADDED, "interface %s of the pod has lost its address", call->ifname);
    if (!has_default_route(&pod, link.index, call->gateway))
        fail(CNI_NOT_AS_ADDED, "the pod has lost its default route");
}

void command_check(struct call *call)
{
    if (!speaks(call, "0.4.0"))
        fail(CNI_INCOMPATIBLE_VERSION, "CHECK came with version 0.4.0; the configuration says %s",
             call->version);
    read_attachment(call, true);
    if (json_member(&call->config, 0, "prevResult") == JSON_NONE)
        fail(CNI_INVALID_CONFIG, "CHECK needs prevResult");
    struct netlink route;
    struct pool pool;
    netlink_open(&route, NETLINK_ROUTE);
    uint32_t address = pool_open(&pool, call, false) ? lease_find(&pool, call->owner) : 0;
    if (address == 0)
        fail(CNI_NOT_AS_ADDED, "no address is leased to %s", call->owner);
    if (!result_has(call, address))
        fail(CNI_NOT_AS_ADDED, "prevResult has not the address that is leased to %s", call->owner);
    check_host_end(call, &route);
    check_pod_end(call, address);
}

void command_status(struct call *call)
{
    struct netlink route;
    struct link bridge;
    struct pool pool;
    netlink_open(&route, NETLINK_ROUTE);
    if (find_link(&route, call->bridge, &bridge) && !bridge.is_bridge)
        fail(CNI_NOT_AVAILABLE, "link %s is there and is no bridge", call->bridge);
    if (!pool_open(&pool, call, false))
        return;
    if (lease_count(&pool) >= lease_room(call))
        fail(CNI_NOT_AVAILABLE, "all %u addresses of network %s are taken", lease_room(call),
             call->network_name);
    pool_close(&pool);
}
