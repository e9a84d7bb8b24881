/* Reading and making links (link.h). */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "link.h"

#define OPERSTATE_UP 6 /* IF_OPER_UP of linux/if.h, which does not go together with net/if.h */

void mac_text(const uint8_t *mac, char out[MAC_TEXT_SIZE])
{
    snprintf(out, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
}

static uint32_t u32_of(const struct nlattr *attr)
{
    uint32_t value = 0;
    if (attr != NULL && attr_size(attr) >= sizeof value)
        memcpy(&value, attr_data(attr), sizeof value);
    return value;
}

static uint8_t u8_of(const struct nlattr *attr)
{
    return attr != NULL && attr_size(attr) > 0 ? *(const uint8_t *)attr_data(attr) : 0;
}

/* Its kind, and its state as a port of a bridge. */
static void read_link_info(struct link *link, const struct nlattr *info)
{
    if (info == NULL)
        return;
    const struct nlattr *kind = find_attr(attr_data(info), attr_size(info), IFLA_INFO_KIND);
    link->is_bridge =
        kind != NULL && attr_size(kind) >= 6 && memcmp(attr_data(kind), "bridge", 6) == 0;
    const struct nlattr *port = find_attr(attr_data(info), attr_size(info), IFLA_INFO_SLAVE_DATA);
    if (port != NULL)
        link->port_state = u8_of(find_attr(attr_data(port), attr_size(port), IFLA_BRPORT_STATE));
}

static void read_link(struct link *link, const struct nlmsghdr *message)
{
    const struct ifinfomsg *info =
        (const struct ifinfomsg *)(const void *)((const char *)message + NLMSG_HDRLEN);
    const char *attrs = (const char *)info + NLMSG_ALIGN(sizeof *info);
    size_t length = message->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(sizeof *info);
    *link =
        (struct link){.index = (uint32_t)info->ifi_index, .is_up = (info->ifi_flags & IFF_UP) != 0};
    link->master = u32_of(find_attr(attrs, length, IFLA_MASTER));
    link->mtu = u32_of(find_attr(attrs, length, IFLA_MTU));
    link->is_running = u8_of(find_attr(attrs, length, IFLA_OPERSTATE)) == OPERSTATE_UP;
    const struct nlattr *mac = find_attr(attrs, length, IFLA_ADDRESS);
    if (mac != NULL && attr_size(mac) == MAC_SIZE)
        memcpy(link->mac, attr_data(mac), MAC_SIZE);
    const struct nlattr *alias = find_attr(attrs, length, IFLA_IFALIAS);
    if (alias != NULL && attr_size(alias) > 0)
        snprintf(link->alias, sizeof link->alias, "%.*s", (int)attr_size(alias),
                 (const char *)attr_data(alias));
    read_link_info(link, find_attr(attrs, length, IFLA_LINKINFO));
}

static bool visit_link(const struct nlmsghdr *message, void *argument)
{
    if (message->nlmsg_type == RTM_NEWLINK &&
        message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)))
        read_link(argument, message);
    return false;
}

bool find_link(struct netlink *route, const char *name, struct link *found)
{
    struct requests all = {0};
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
    request_begin(&all, "find a link", RTM_GETLINK, 0, &body, sizeof body);
    request_string(&all, IFLA_IFNAME, name);
    *found = (struct link){0};
    int error = netlink_ask(route, &all, visit_link, found);
    if (error == -ENODEV)
        return false;
    if (error != 0)
        fail(CNI_KERNEL_REFUSED, "cannot look for link %s: %s", name, strerror(-error));
    return found->index != 0;
}

void create_bridge(struct netlink *route, const char *name, const char *alias, const uint8_t *mac,
                   uint32_t mtu)
{
    struct requests all = {0};
    struct ifinfomsg body = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    request_begin(&all, "create the bridge", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body,
                  sizeof body);
    request_string(&all, IFLA_IFNAME, name);
    request_attr(&all, IFLA_ADDRESS, mac, MAC_SIZE);
    if (mtu != 0)
        request_u32(&all, IFLA_MTU, mtu);
    size_t info = request_nest(&all, IFLA_LINKINFO);
    request_string(&all, IFLA_INFO_KIND, "bridge");
    request_nest_end(&all, info);
    /* The alias is how we know the bridge again as ours, which may be removed; creation ignores it.
     */
    struct ifinfomsg named = {.ifi_family = AF_UNSPEC};
    request_begin(&all, "label the bridge", RTM_SETLINK, 0, &named, sizeof named);
    request_string(&all, IFLA_IFNAME, name);
    request_string(&all, IFLA_IFALIAS, alias);
    netlink_demand(route, &all);
}

void create_veth(struct netlink *route, const struct veth *veth)
{
    struct requests all = {0};
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
    request_begin(&all, "create the veth pair", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body,
                  sizeof body);
    request_string(&all, IFLA_IFNAME, veth->host_name);
    request_attr(&all, IFLA_ADDRESS, veth->host_mac, MAC_SIZE);
    if (veth->mtu != 0)
        request_u32(&all, IFLA_MTU, veth->mtu);
    size_t info = request_nest(&all, IFLA_LINKINFO);
    request_string(&all, IFLA_INFO_KIND, "veth");
    size_t data = request_nest(&all, IFLA_INFO_DATA);
    size_t peer = request_nest(&all, VETH_INFO_PEER);
    request_body(&all, &body, sizeof body);
    request_string(&all, IFLA_IFNAME, veth->pod_name);
    request_attr(&all, IFLA_ADDRESS, veth->pod_mac, MAC_SIZE);
    if (veth->mtu != 0)
        request_u32(&all, IFLA_MTU, veth->mtu);
    /* The other end is born in the pod: nothing has to be moved or renamed. */
    request_u32(&all, IFLA_NET_NS_FD, (uint32_t)veth->netns_fd);
    request_nest_end(&all, peer);
    request_nest_end(&all, data);
    request_nest_end(&all, info);
    netlink_demand(route, &all);
}

void join_bridge(struct netlink *route, uint32_t index, uint32_t bridge, bool hairpin)
{
    struct requests all = {0};
    struct ifinfomsg up = {.ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    request_begin(&all, "attach the pod to the bridge", RTM_NEWLINK, 0, &up, sizeof up);
    request_u32(&all, IFLA_MASTER, bridge);
    struct ifinfomsg port = {.ifi_family = AF_BRIDGE, .ifi_index = (int)index};
    request_begin(&all, "set up the bridge port", RTM_SETLINK, 0, &port, sizeof port);
    size_t info = request_nest(&all, IFLA_PROTINFO | NLA_F_NESTED);
    request_u8(&all, IFLA_BRPORT_MODE, hairpin ? BRIDGE_MODE_HAIRPIN : 0);
    request_nest_end(&all, info);
    netlink_demand(route, &all);
}

/* Sends the one request; a link that is gone is what was wanted. */
static void demand_unless_gone(struct netlink *route, struct requests *all)
{
    const char *failed;
    int error = netlink_send(route, all, &failed);
    /* The pod's namespace may have died at the same moment and taken the pair with it. */
    if (error != 0 && error != -ENODEV)
        fail(CNI_KERNEL_REFUSED, "cannot %s: %s", failed, strerror(-error));
}

void leave_bridge(struct netlink *route, uint32_t index)
{
    struct requests all = {0};
    struct ifinfomsg down = {.ifi_index = (int)index, .ifi_change = IFF_UP};
    request_begin(&all, "take the pod off the bridge", RTM_NEWLINK, 0, &down, sizeof down);
    request_u32(&all, IFLA_MASTER, 0);
    demand_unless_gone(route, &all);
}

void delete_link(struct netlink *route, uint32_t index)
{
    struct requests all = {0};
    struct ifinfomsg body = {.ifi_index = (int)index};
    request_begin(&all, "delete the link", RTM_DELLINK, 0, &body, sizeof body);
    demand_unless_gone(route, &all);
}

struct port_search {
    uint32_t bridge;
    bool found;
};

static bool visit_port(const struct nlmsghdr *message, void *argument)
{
    struct port_search *search = argument;
    struct link link = {0};
    visit_link(message, &link);
    search->found = link.master == search->bridge;
    return !search->found;
}

bool has_ports(struct netlink *route, uint32_t bridge)
{
    struct requests all = {0};
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
    request_begin(&all, "list links", RTM_GETLINK, NLM_F_DUMP, &body, sizeof body);
    request_u32(&all, IFLA_MASTER, bridge);
    struct port_search search = {bridge, false};
    int error = netlink_ask(route, &all, visit_port, &search);
    if (error != 0)
        fail(CNI_KERNEL_REFUSED, "cannot list the ports of the bridge: %s", strerror(-error));
    return search.found;
}
