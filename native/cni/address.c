/* Addresses and routes (link.h). */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "link.h"

static void request_address(struct requests *all, uint32_t index, uint32_t address, uint32_t prefix)
{
    struct ifaddrmsg body = {
        .ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)prefix, .ifa_index = index};
    uint32_t wire = htonl(address);
    uint32_t broadcast = htonl(address | (uint32_t)(0xffffffffull >> prefix));
    request_begin(all, "add the address", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body,
                  sizeof body);
    request_attr(all, IFA_LOCAL, &wire, sizeof wire);
    request_attr(all, IFA_ADDRESS, &wire, sizeof wire);
    request_attr(all, IFA_BROADCAST, &broadcast, sizeof broadcast);
}

void add_address(struct netlink *route, uint32_t index, uint32_t address, uint32_t prefix)
{
    struct requests all = {0};
    request_address(&all, index, address, prefix);
    const char *failed;
    int error = netlink_send(route, &all, &failed);
    if (error != 0 && error != -EEXIST)
        fail(CNI_KERNEL_REFUSED, "cannot %s of the bridge: %s", failed, strerror(-error));
}

void set_up_pod_end(struct netlink *route, uint32_t index, uint32_t address, uint32_t prefix,
                    uint32_t gateway)
{
    struct requests all = {0};
    struct ifinfomsg up = {.ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    request_begin(&all, "bring the pod's interface up", RTM_NEWLINK, 0, &up, sizeof up);
    request_address(&all, index, address, prefix);
    struct rtmsg body = {.rtm_family = AF_INET,
                         .rtm_table = RT_TABLE_MAIN,
                         .rtm_protocol = RTPROT_STATIC,
                         .rtm_scope = RT_SCOPE_UNIVERSE,
                         .rtm_type = RTN_UNICAST};
    uint32_t wire = htonl(gateway);
    request_begin(&all, "add the pod's default route", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE,
                  &body, sizeof body);
    request_attr(&all, RTA_GATEWAY, &wire, sizeof wire);
    request_u32(&all, RTA_OIF, index);
    netlink_demand(route, &all);
}

struct search {
    uint32_t index;
    uint32_t wire;
    uint32_t prefix;
    bool found;
};

static bool says(const void *attrs, size_t length, uint16_t type, uint32_t value)
{
    const struct nlattr *attr = find_attr(attrs, length, type);
    return attr != NULL && attr_size(attr) == sizeof value &&
           memcmp(attr_data(attr), &value, sizeof value) == 0;
}

static bool visit_address(const struct nlmsghdr *message, void *argument)
{
    struct search *search = argument;
    const struct ifaddrmsg *body =
        (const struct ifaddrmsg *)(const void *)((const char *)message + NLMSG_HDRLEN);
    size_t fixed = NLMSG_ALIGN(sizeof *body);
    if (message->nlmsg_type != RTM_NEWADDR || message->nlmsg_len < NLMSG_HDRLEN + fixed)
        return true;
    search->found = body->ifa_index == search->index && body->ifa_prefixlen == search->prefix &&
                    says((const char *)body + fixed, message->nlmsg_len - NLMSG_HDRLEN - fixed,
                         IFA_LOCAL, search->wire);
    return !search->found;
}

bool has_address(struct netlink *route, uint32_t index, uint32_t address, uint32_t prefix)
{
    struct requests all = {0};
    struct ifaddrmsg body = {.ifa_family = AF_INET};
    request_begin(&all, "list addresses", RTM_GETADDR, NLM_F_DUMP, &body, sizeof body);
    struct search search = {index, htonl(address), prefix, false};
    int error = netlink_ask(route, &all, visit_address, &search);
    if (error != 0)
        fail(CNI_KERNEL_REFUSED, "cannot list addresses: %s", strerror(-error));
    return search.found;
}

static bool visit_route(const struct nlmsghdr *message, void *argument)
{
    struct search *search = argument;
    const struct rtmsg *body =
        (const struct rtmsg *)(const void *)((const char *)message + NLMSG_HDRLEN);
    size_t fixed = NLMSG_ALIGN(sizeof *body);
    if (message->nlmsg_type != RTM_NEWROUTE || message->nlmsg_len < NLMSG_HDRLEN + fixed)
        return true;
    const char *attrs = (const char *)body + fixed;
    size_t length = message->nlmsg_len - NLMSG_HDRLEN - fixed;
    search->found = body->rtm_dst_len == 0 && body->rtm_table == RT_TABLE_MAIN &&
                    says(attrs, length, RTA_GATEWAY, search->wire) &&
                    says(attrs, length, RTA_OIF, search->index);
    return !search->found;
}

bool has_default_route(struct netlink *route, uint32_t index, uint32_t gateway)
{
    struct requests all = {0};
    struct rtmsg body = {.rtm_family = AF_INET};
    request_begin(&all, "list routes", RTM_GETROUTE, NLM_F_DUMP, &body, sizeof body);
    struct search search = {index, htonl(gateway), 0, false};
    int error = netlink_ask(route, &all, visit_route, &search);
    if (error != 0)
        fail(CNI_KERNEL_REFUSED, "cannot list routes: %s", strerror(-error));
    return search.found;
}
