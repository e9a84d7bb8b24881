/* Interfaces, addresses and routes by rtnetlink(7). Functions that can be refused fail the plugin.
 */
#ifndef VITRINE_CNI_LINK_H
#define VITRINE_CNI_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "netlink.h"

#define MAC_SIZE 6
#define MAC_TEXT_SIZE 18

struct link {
    uint32_t index;
    uint32_t master; /* index of the bridge it is in, or 0 */
    uint32_t mtu;
    bool is_up;
    bool is_running; /* carrier is there, and the kernel has taken notice (operational state) */
    bool is_bridge;
    uint8_t port_state; /* as a bridge port: 3 is forwarding */
    uint8_t mac[MAC_SIZE];
    char alias[64];
};

#define PORT_FORWARDING 3

/* Reads a link; false when there is none of that name. */
bool find_link(struct netlink *route, const char *name, struct link *found);

/* A veth pair: one end in the bridge, the other, still down, in the namespace behind `netns_fd`. */
struct veth {
    const char *host_name;
    const char *pod_name;
    const uint8_t *host_mac;
    const uint8_t *pod_mac;
    uint32_t mtu; /* 0 leaves the kernel's */
    int netns_fd;
};
void create_veth(struct netlink *route, const struct veth *veth);

/* Brings a port up, makes it one of the bridge's, lets it send back to where a frame came from if
 * `hairpin`. */
void join_bridge(struct netlink *route, uint32_t index, uint32_t bridge, bool hairpin);

/* Makes a bridge with an address of its own, up. */
void create_bridge(struct netlink *route, const char *name, const char *alias, const uint8_t *mac,
                   uint32_t mtu);

/* Adds an address to a link; one that is there is fine. Addresses are in host byte order. */
void add_address(struct netlink *route, uint32_t index, uint32_t address, uint32_t prefix);

/* Inside the pod: link up, address, default route, in one go. */
void set_up_pod_end(struct netlink *route, uint32_t index, uint32_t address, uint32_t prefix,
                    uint32_t gateway);

/* Takes a port out of its bridge and down: nothing passes any more. Quick. One that is gone is
 * fine. */
void leave_bridge(struct netlink *route, uint32_t index);

/* Deletes a link, for a veth pair both ends; waits 10 to 30 ms for RCU grace periods of the kernel.
 */
void delete_link(struct netlink *route, uint32_t index);

/* Whether a link has this IPv4 address; whether there is a default route by `gateway` over it. */
bool has_address(struct netlink *route, uint32_t index, uint32_t address, uint32_t prefix);
bool has_default_route(struct netlink *route, uint32_t index, uint32_t gateway);

/* Whether any link is a port of this bridge. */
bool has_ports(struct netlink *route, uint32_t bridge);

void mac_text(const uint8_t *mac, char out[MAC_TEXT_SIZE]);

#endif
