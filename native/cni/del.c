/* DEL and GC: give back what ADD took. Both may run any number of times, over anything that is
 * left. */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "fail.h"
#include "masquerade.h"

/* FNV-1a, 64 bits: a name must come out the same each time, nobody gains by making two alike. */
static uint64_t mix(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
    while (*text++ != '\0');
    return hash;
}

void host_name_of(const struct call *call, const char *owner, char out[IFNAMSIZ])
{
    uint64_t hash = mix(mix(0xcbf29ce484222325ull, call->network_name), owner);
    snprintf(out, IFNAMSIZ, "veth%010llx",
             (unsigned long long)((hash ^ (hash >> 40)) & 0xffffffffffull));
}

void delete_veth_of(struct netlink *route, const struct call *call, const char *owner)
{
    char name[IFNAMSIZ];
    struct link link;
    host_name_of(call, owner, name);
    if (find_link(route, name, &link))
        delete_link(route, link.index);
}

/*
 * Cuts the owner's pod off at once, and leaves the deletion of the pair to a child that nobody need
 * wait for: the kernel keeps whoever deletes a link waiting for 10 to 30 ms. Returns the child's
 * pid, 0 for none.
 */
static pid_t cut_off(struct netlink *route, const struct call *call, const char *owner)
{
    char name[IFNAMSIZ];
    struct link link;
    host_name_of(call, owner, name);
    if (!find_link(route, name, &link))
        return 0;
    leave_bridge(route, link.index);
    pid_t child = fork();
    if (child < 0)
        delete_link(route, link.index);
    if (child > 0)
        (void)setpgid(child,
                      child); /* a runtime may kill what a plugin leaves in its process group */
    if (child != 0)
        return child < 0 ? 0 : child;
    /* Holding on to the lock or to the caller's pipes would make somebody wait after all. */
    if (syscall(SYS_close_range, 0u, ~0u, 0u) == 0) {
        struct netlink own;
        fail_undo(NULL, NULL);
        netlink_open(&own, NETLINK_ROUTE);
        delete_link(&own, link.index);
    }
    _exit(0);
}

bool remove_unused_network(struct netlink *route, struct pool *pool, const struct call *call)
{
    struct link bridge;
    if (lease_count(pool) > 0)
        return false;
    bool has_bridge = find_link(route, call->bridge, &bridge);
    if (has_bridge && (strcmp(bridge.alias, BRIDGE_ALIAS) != 0 || has_ports(route, bridge.index)))
        return false;
    stop_masquerade(call->bridge);
    if (has_bridge)
        delete_link(route, bridge.index);
    pool_remove(pool, call);
    return true;
}

void command_del(struct call *call)
{
    read_attachment(call, false);
    struct netlink route;
    struct pool pool;
    netlink_open(&route, NETLINK_ROUTE);
    bool has_pool = pool_open(&pool, call, false);
    pid_t child = cut_off(&route, call, call->owner);
    if (!has_pool)
        return;
    /* The address is free only when nothing answers to it any more. */
    lease_release(&pool, call->owner);
    /* Whoever sees the network go shall not find one end of it left. */
    if (remove_unused_network(&route, &pool, call) && child != 0)
        (void)waitpid(child, NULL, 0);
    pool_close(&pool);
}

struct collection {
    struct call *call;
    struct netlink route;
    int valid; /* token of cni.dev/valid-attachments */
};

static bool is_valid(const struct collection *all, const char *owner)
{
    const struct json *config = &all->call->config;
    for (int item = json_first(config, all->valid); item != JSON_NONE;
         item = json_next(config, all->valid, item)) {
        char container[256];
        char ifname[IFNAMSIZ];
        char named[OWNER_SIZE];
        if (json_string(config, json_member(config, item, "containerID"), container,
                        sizeof container) &&
            json_string(config, json_member(config, item, "ifname"), ifname, sizeof ifname) &&
            owner_of(container, ifname, named) && strcmp(named, owner) == 0)
            return true;
    }
    return false;
}

static bool collect(const char *owner, void *argument)
{
    struct collection *all = argument;
    if (is_valid(all, owner))
        return false;
    delete_veth_of(&all->route, all->call, owner);
    return true;
}

void command_gc(struct call *call)
{
    static struct collection all;
    struct pool pool;
    all.call = call;
    all.valid = json_member(&call->config, 0, "cni.dev/valid-attachments");
    if (!json_is(&call->config, all.valid, JSON_ARRAY))
        fail(CNI_INVALID_CONFIG, "GC needs the list \"cni.dev/valid-attachments\"");
    netlink_open(&all.route, NETLINK_ROUTE);
    if (!pool_open(&pool, call, false))
        return;
    lease_sweep(&pool, collect, &all);
    (void)remove_unused_network(&all.route, &pool, call);
    pool_close(&pool);
}
