/* The commands of CNI (specification 1.1, section 2), one file each. */
#ifndef VITRINE_CNI_COMMAND_H
#define VITRINE_CNI_COMMAND_H

#include <net/if.h>
#include <stdint.h>

#include "call.h"
#include "lease.h"
#include "link.h"

void command_add(struct call *call);
void command_del(struct call *call);
void command_check(struct call *call);
void command_gc(struct call *call);
void command_status(struct call *call);

/* Name of the pod's end on the host, made from the owner: found again without any record. */
void host_name_of(const struct call *call, const char *owner, char out[IFNAMSIZ]);

/* Deletes the owner's veth pair, if it is there. */
void delete_veth_of(struct netlink *route, const struct call *call, const char *owner);

/* After the last lease: removes bridge, masquerading and pool, as far as they are ours. Whether it
 * did. */
bool remove_unused_network(struct netlink *route, struct pool *pool, const struct call *call);

/* Label of a bridge that we made. */
#define BRIDGE_ALIAS "made by the vitrine-bridge CNI plugin"

#endif
