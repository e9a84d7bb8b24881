/*
 * The address pool of a network: a directory with one symbolic link a lease, named for the address,
 * whose target is "container/ifname". symlink(2) makes the link whole or not at all, and never over
 * another: a crash at any moment leaves no half-written lease, and two plugins cannot take one
 * address.
 */
#ifndef VITRINE_CNI_LEASE_H
#define VITRINE_CNI_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "call.h"

struct pool {
    int directory;
    int lock;
};

/* Opens the pool and locks it, waiting for whoever has it. With `create` the directory is made.
 * False: no pool. */
bool pool_open(struct pool *pool, const struct call *call, bool create);
void pool_close(struct pool *pool);

/* The owner's lease, an old one if there is; host byte order. Fails the plugin when the pool is
 * exhausted. */
uint32_t lease_take(struct pool *pool, const struct call *call);

/* The owner's address, or 0. */
uint32_t lease_find(struct pool *pool, const char *owner);

/* Gives back every lease of the owner. */
void lease_release(struct pool *pool, const char *owner);

/* Calls `visit` with the owner of every lease; true from it releases that lease. */
void lease_sweep(struct pool *pool, bool (*visit)(const char *owner, void *argument),
                 void *argument);

/* Number of leases; and how many the network can have. */
uint32_t lease_count(struct pool *pool);
uint32_t lease_room(const struct call *call);

/* Removes the pool's directory, which must have no leases. */
void pool_remove(struct pool *pool, const struct call *call);

#endif
