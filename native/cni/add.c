/* ADD: connects a pod. Whatever was done is taken back when a later step fails. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "fail.h"
#include "json-write.h"
#include "masquerade.h"

/* How long ADD waits for the bridge to forward; it takes well under a millisecond when nobody holds
 * the kernel up. */
#define FORWARDING_TRIES 2000
#define FORWARDING_PAUSE_NS 50000
#define LEAVING_TRIES 100
#define LEAVING_PAUSE_NS 2000000

struct attachment {
    struct call *call;
    struct pool pool;
    struct netlink route; /* of the host */
    struct netlink pod;   /* of the pod */
    struct link bridge;
    struct link host_end;
    uint32_t address;
    char host_name[IFNAMSIZ];
    uint8_t host_mac[MAC_SIZE];
    uint8_t pod_mac[MAC_SIZE];
};

static void take_back(void *argument)
{
    struct attachment *a = argument;
    delete_veth_of(&a->route, a->call, a->call->owner);
    lease_release(&a->pool, a->call->owner);
    (void)remove_unused_network(&a->route, &a->pool, a->call);
}

/* A locally administered address with the IPv4 address in it: who gets an address anew gets its
 * neighbours' entries too. */
static void mac_for(uint8_t mac[MAC_SIZE], uint8_t kind, uint32_t address)
{
    const uint8_t bytes[MAC_SIZE] = {0x0a,
                                     kind,
                                     (uint8_t)(address >> 24),
                                     (uint8_t)(address >> 16),
                                     (uint8_t)(address >> 8),
                                     (uint8_t)address};
    memcpy(mac, bytes, MAC_SIZE);
}

/* Writes a value of /proc/sys/net of the namespace the caller is in. Not there means not built in:
 * fine. */
static void set_sysctl(const char *folder, const char *link, const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/%s/%s/%s", folder, link, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    char now[16] = "";
    ssize_t length = read(fd, now, sizeof now - 1);
    if (length <= 0 || strncmp(now, value, strlen(value)) != 0) {
        ssize_t ignored = pwrite(fd, value, strlen(value), 0);
        (void)ignored;
    }
    close(fd);
}

static void ensure_bridge(struct attachment *a)
{
    struct call *call = a->call;
    if (!find_link(&a->route, call->bridge, &a->bridge)) {
        uint8_t mac[MAC_SIZE];
        mac_for(mac, 0x57, call->gateway);
        create_bridge(&a->route, call->bridge, BRIDGE_ALIAS, mac, call->mtu);
        /* A router does not take advertisements of other routers, least of all from pods
         * (CVE-2020-10749). */
        set_sysctl("ipv6/conf", call->bridge, "accept_ra", "0");
        if (!find_link(&a->route, call->bridge, &a->bridge))
            fail(CNI_TRY_LATER, "bridge %s went away while it was made", call->bridge);
    }
    if (!a->bridge.is_bridge)
        fail(CNI_INVALID_CONFIG, "link %s is there and is no bridge", call->bridge);
    add_address(&a->route, a->bridge.index, call->gateway, call->prefix);
    set_sysctl("ipv4", ".", "ip_forward", "1");
    if (call->ip_masq)
        masquerade(call->bridge, call->network, call->prefix);
}

/* Opens a netlink socket inside the pod's namespace; this process stays in it. Returns the
 * namespace's fd. */
static int enter_pod(struct attachment *a)
{
    struct call *call = a->call;
    int fd = open(call->netns, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail(errno == ENOENT ? CNI_UNKNOWN_CONTAINER : CNI_IO_FAILURE,
             "cannot open the network namespace %s: %s", call->netns, strerror(errno));
    if (setns(fd, CLONE_NEWNET) < 0)
        fail(CNI_INVALID_ENVIRONMENT, "CNI_NETNS %s is no network namespace: %s", call->netns,
             strerror(errno));
    netlink_open(&a->pod, NETLINK_ROUTE);
    return fd;
}

static void connect_pod(struct attachment *a)
{
    struct call *call = a->call;
    delete_veth_of(&a->route, call, call->owner); /* of an ADD that was cut short */
    int netns = enter_pod(a);
    struct link pod_end;
    /* The end of an attachment that was just deleted may still be on its way out. */
    for (int i = 0; find_link(&a->pod, call->ifname, &pod_end); i++) {
        if (i == LEAVING_TRIES)
            fail(CNI_INVALID_ENVIRONMENT, "interface %s is already there in %s", call->ifname,
                 call->netns);
        nanosleep(&(struct timespec){.tv_nsec = LEAVING_PAUSE_NS}, NULL);
    }
    struct veth veth = {.host_name = a->host_name,
                        .pod_name = call->ifname,
                        .host_mac = a->host_mac,
                        .pod_mac = a->pod_mac,
                        .mtu = call->mtu,
                        .netns_fd = netns};
    create_veth(&a->route, &veth);
    close(netns);
    if (!find_link(&a->route, a->host_name, &a->host_end) ||
        !find_link(&a->pod, call->ifname, &pod_end))
        fail(CNI_TRY_LATER, "the veth pair went away while it was set up");
    set_sysctl("ipv6/conf", call->ifname, "accept_ra", "0");
    set_up_pod_end(&a->pod, pod_end.index, a->address, call->prefix, call->gateway);
    join_bridge(&a->route, a->host_end.index, a->bridge.index, call->hairpin);
}

/*
 * Carrier changes are worked off by a kernel thread; until then the bridge drops packets, and a pod
 * that starts at once would lose its first and wait a second to send it again.
 */
static void wait_for_forwarding(struct attachment *a)
{
    for (int i = 0; i < FORWARDING_TRIES; i++) {
        struct link host_end, pod_end, bridge;
        if (find_link(&a->route, a->host_name, &host_end) &&
            host_end.port_state == PORT_FORWARDING &&
            find_link(&a->pod, a->call->ifname, &pod_end) && pod_end.is_running &&
            find_link(&a->route, a->call->bridge, &bridge) && bridge.is_running)
            return;
        nanosleep(&(struct timespec){.tv_nsec = FORWARDING_PAUSE_NS}, NULL);
    }
}

static void put_interface(struct json_text *out, const char *name, const uint8_t *mac,
                          const char *sandbox)
{
    char text[MAC_TEXT_SIZE];
    mac_text(mac, text);
    put_text(out, "{");
    put_member(out, "name", name);
    put_text(out, ",");
    put_member(out, "mac", text);
    if (sandbox != NULL) {
        put_text(out, ",");
        put_member(out, "sandbox", sandbox);
    }
    put_text(out, "}");
}

static void print_result(const struct attachment *a)
{
    static struct json_text out;
    const struct call *call = a->call;
    char text[64];
    char gateway[INET_ADDRSTRLEN];
    struct in_addr wire = {.s_addr = htonl(call->gateway)};
    inet_ntop(AF_INET, &wire, gateway, sizeof gateway);
    wire.s_addr = htonl(a->address);
    snprintf(text, sizeof text, "%s/%u", inet_ntoa(wire), call->prefix);
    put_text(&out, "{");
    put_member(&out, "cniVersion", call->version);
    put_text(&out, ",\"interfaces\":[");
    put_interface(&out, call->bridge, a->bridge.mac, NULL);
    put_text(&out, ",");
    put_interface(&out, a->host_name, a->host_mac, NULL);
    put_text(&out, ",");
    put_interface(&out, call->ifname, a->pod_mac, call->netns);
    put_text(&out, "],\"ips\":[{");
    if (!speaks(call, "1.0.0"))
        put_text(&out, "\"version\":\"4\",");
    put_text(&out, "\"interface\":2,");
    put_member(&out, "address", text);
    put_text(&out, ",");
    put_member(&out, "gateway", gateway);
    put_text(&out, "}],\"routes\":[{\"dst\":\"0.0.0.0/0\",");
    put_member(&out, "gw", gateway);
    put_text(&out, "}],\"dns\":");
    int dns = json_member(&call->config, 0, "dns");
    if (json_is(&call->config, dns, JSON_OBJECT))
        put_raw(&out, call->config.text + call->config.tokens[dns].start,
                call->config.tokens[dns].length);
    else
        put_text(&out, "{}");
    put_text(&out, "}");
    if (!print_json(&out))
        fail(CNI_IO_FAILURE, "cannot print the result");
}

void command_add(struct call *call)
{
    static struct attachment a;
    a.call = call;
    read_attachment(call, true);
    netlink_open(&a.route, NETLINK_ROUTE);
    (void)pool_open(&a.pool, call, true);
    fail_undo(take_back, &a);
    a.address = lease_take(&a.pool, call);
    host_name_of(call, call->owner, a.host_name);
    mac_for(a.host_mac, 0x56, a.address);
    mac_for(a.pod_mac, 0x58, a.address);
    ensure_bridge(&a);
    connect_pod(&a);
    wait_for_forwarding(&a);
    print_result(&a);
    pool_close(&a.pool);
}
