/* The address pool (lease.h). */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "lease.h"

#define LOCK_NAME "lock"
#define LAST_NAME                                                                                  \
    "last" /* points at the address given out last: an address rests before it is used again */
#define ADDRESS_SIZE INET_ADDRSTRLEN
/* The search looks at this many addresses at most: a network of prefix 8 has more than any node can
 * use. */
#define POOL_MAX 65536u

static void pool_path(const struct call *call, char out[PATH_MAX + 160])
{
    snprintf(out, PATH_MAX + 160, "%s/%s", call->data_dir, call->network_name);
}

static void make_directories(char *path)
{
    for (char *slash = path + 1;; slash++) {
        if (*slash != '/' && *slash != '\0')
            continue;
        char kept = *slash;
        *slash = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            fail(CNI_IO_FAILURE, "cannot make %s: %s", path, strerror(errno));
        *slash = kept;
        if (kept == '\0')
            return;
    }
}

bool pool_open(struct pool *pool, const struct call *call, bool create)
{
    char path[PATH_MAX + 160];
    pool_path(call, path);
    for (;;) {
        if (create)
            make_directories(path);
        pool->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (pool->directory < 0 && errno == ENOENT && !create)
            return false;
        if (pool->directory < 0)
            fail(CNI_IO_FAILURE, "cannot open the address pool %s: %s", path, strerror(errno));
        pool->lock =
            openat(pool->directory, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (pool->lock < 0 && errno != ENOENT)
            fail(CNI_IO_FAILURE, "cannot open the lock of the address pool %s: %s", path,
                 strerror(errno));
        struct stat stat = {0};
        bool locked =
            pool->lock >= 0 && flock(pool->lock, LOCK_EX) == 0 && fstat(pool->lock, &stat) == 0;
        if (locked && stat.st_nlink > 0)
            return true;
        if (pool->lock >= 0 && !locked && errno != EINTR)
            fail(CNI_IO_FAILURE, "cannot lock the address pool %s: %s", path, strerror(errno));
        /* The last lease went meanwhile, and the directory with it: begin again. */
        pool_close(pool);
    }
}

void pool_close(struct pool *pool)
{
    if (pool->lock >= 0)
        close(pool->lock);
    close(pool->directory);
}

void pool_remove(struct pool *pool, const struct call *call)
{
    char path[PATH_MAX + 160];
    pool_path(call, path);
    (void)unlinkat(pool->directory, LAST_NAME, 0);
    (void)unlinkat(pool->directory, LOCK_NAME, 0);
    (void)rmdir(path);
}

/* Every lease: `each` gets address and owner, and returns false to stop. */
static void for_each_lease(struct pool *pool, bool (*each)(uint32_t, const char *, void *),
                           void *argument)
{
    int fd = openat(pool->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (listing == NULL)
        fail(CNI_IO_FAILURE, "cannot list the address pool: %s", strerror(errno));
    struct dirent *entry;
    while ((entry = readdir(listing)) != NULL) {
        struct in_addr address;
        char owner[OWNER_SIZE];
        if (inet_pton(AF_INET, entry->d_name, &address) != 1)
            continue;
        ssize_t length = readlinkat(pool->directory, entry->d_name, owner, sizeof owner - 1);
        /* Something else with the name of an address: it is taken, by nobody we know. */
        owner[length < 0 ? 0 : length] = '\0';
        if (!each(ntohl(address.s_addr), owner, argument))
            break;
    }
    closedir(listing);
}

static void address_text(uint32_t address, char out[ADDRESS_SIZE])
{
    struct in_addr wire = {.s_addr = htonl(address)};
    inet_ntop(AF_INET, &wire, out, ADDRESS_SIZE);
}

static void drop(struct pool *pool, uint32_t address)
{
    char name[ADDRESS_SIZE];
    address_text(address, name);
    if (unlinkat(pool->directory, name, 0) < 0 && errno != ENOENT)
        fail(CNI_IO_FAILURE, "cannot give back the lease of %s: %s", name, strerror(errno));
}

struct survey {
    const struct call *call;
    uint32_t mine;
    uint8_t taken[POOL_MAX / 8];
};

static bool note_lease(uint32_t address, const char *owner, void *argument)
{
    struct survey *survey = argument;
    uint32_t offset = address - survey->call->network;
    if (offset < POOL_MAX)
        survey->taken[offset / 8] |= (uint8_t)(1u << (offset % 8));
    if (strcmp(owner, survey->call->owner) == 0)
        survey->mine = address;
    return true;
}

uint32_t lease_room(const struct call *call)
{
    uint64_t size = 1ull << (32 - call->prefix);
    /* Without the network's own address, the gateway and the broadcast address. */
    return (uint32_t)(size < POOL_MAX ? size : POOL_MAX) - 3;
}

static uint32_t last_offset(struct pool *pool, const struct call *call)
{
    char text[ADDRESS_SIZE] = "";
    struct in_addr address;
    ssize_t length = readlinkat(pool->directory, LAST_NAME, text, sizeof text - 1);
    text[length < 0 ? 0 : length] = '\0';
    if (inet_pton(AF_INET, text, &address) != 1)
        return 1;
    uint32_t offset = ntohl(address.s_addr) - call->network;
    return offset >= 2 && offset < lease_room(call) + 2 ? offset : 1;
}

static void remember_last(struct pool *pool, const char *name)
{
    static const char fresh[] = LAST_NAME ".new";
    (void)unlinkat(pool->directory, fresh, 0);
    /* Losing it only means that an address is used again sooner. */
    if (symlinkat(name, pool->directory, fresh) == 0)
        (void)renameat(pool->directory, fresh, pool->directory, LAST_NAME);
}

uint32_t lease_take(struct pool *pool, const struct call *call)
{
    static struct survey survey;
    survey.call = call;
    for_each_lease(pool, note_lease, &survey);
    uint32_t room = lease_room(call);
    uint32_t old = survey.mine - call->network;
    if (survey.mine != 0 && old >= 2 && old < room + 2)
        return survey.mine;
    uint32_t offset = last_offset(pool, call);
    for (uint32_t tried = 0; tried < room; tried++) {
        offset = offset + 1 >= room + 2 ? 2 : offset + 1;
        if ((survey.taken[offset / 8] & (1u << (offset % 8))) != 0)
            continue;
        char name[ADDRESS_SIZE];
        address_text(call->network + offset, name);
        if (symlinkat(call->owner, pool->directory, name) == 0) {
            remember_last(pool, name);
            return call->network + offset;
        }
        if (errno != EEXIST)
            fail(CNI_IO_FAILURE, "cannot write the lease of %s: %s", name, strerror(errno));
    }
    fail(CNI_POOL_EMPTY, "all %u addresses of network %s are taken", room, call->network_name);
}

struct owned {
    const char *owner;
    uint32_t address;
};

static bool is_owned(uint32_t address, const char *owner, void *argument)
{
    struct owned *owned = argument;
    if (strcmp(owner, owned->owner) == 0)
        owned->address = address;
    return owned->address == 0;
}

uint32_t lease_find(struct pool *pool, const char *owner)
{
    struct owned owned = {owner, 0};
    for_each_lease(pool, is_owned, &owned);
    return owned.address;
}

void lease_release(struct pool *pool, const char *owner)
{
    uint32_t address;
    while ((address = lease_find(pool, owner)) != 0)
        drop(pool, address);
}

static bool count_lease(uint32_t address, const char *owner, void *argument)
{
    (void)address;
    (void)owner;
    ++*(uint32_t *)argument;
    return true;
}

uint32_t lease_count(struct pool *pool)
{
    uint32_t count = 0;
    for_each_lease(pool, count_lease, &count);
    return count;
}

struct sweep {
    struct pool *pool;
    bool (*visit)(const char *owner, void *argument);
    void *argument;
};

static bool sweep_lease(uint32_t address, const char *owner, void *argument)
{
    struct sweep *sweep = argument;
    if (owner[0] != '\0' && sweep->visit(owner, sweep->argument))
        drop(sweep->pool, address);
    return true;
}

void lease_sweep(struct pool *pool, bool (*visit)(const char *owner, void *argument),
                 void *argument)
{
    struct sweep sweep = {pool, visit, argument};
    for_each_lease(pool, sweep_lease, &sweep);
}
