/* Path resolution that no symlink leads astray; path.h has the rules. */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "procfs.h"
#include "syscalls.h"

#define RETRIES 128
#define SYMLINKS_MAX 40

#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

int open_resolved(int dir, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = (flags & O_CREAT) ? mode & 07777 : 0,
        .resolve = resolve,
    };
    for (int i = 0;; i++) {
        int fd = sys_openat2(dir, path, &how);
        if (fd >= 0)
            return fd;
        if (errno == EINTR || (errno == EAGAIN && i < RETRIES))
            continue;
        return -errno;
    }
}

/* Where resolution of (at, path) starts: an fd (to be closed when `*close_it`), and the rules. */
static int base_of(struct executor *x, uint16_t at, uint64_t *resolve, bool *close_it)
{
    *close_it = false;
    if (at != PLAN_SLOT_NONE) {
        *resolve = IN_ROOT;
        return slot_fd(x, at, "at");
    }
    *resolve = x->foreign_root ? IN_ROOT : 0;
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *close_it = true;
    return fd;
}

int open_at(struct executor *x, uint16_t at, const char *path, int flags, mode_t mode,
            uint64_t resolve_more)
{
    if (at == PLAN_SLOT_NONE) {
        if (path[0] != '/')
            return fail_path(x, EINVAL, "no absolute path:", path);
        if (!x->foreign_root)
            return open_resolved(AT_FDCWD, path, flags, mode, resolve_more);
    }
    uint64_t resolve;
    bool close_it;
    int base = base_of(x, at, &resolve, &close_it);
    if (base < 0)
        return base;
    int fd = open_resolved(base, path[0] ? path : ".", flags, mode, resolve | resolve_more);
    if (close_it)
        close(base);
    return fd;
}

/* Splits off the last component; `parent` needs PATH_MAX bytes. 0 or -errno. */
static int split(const char *path, char *parent, char name[256])
{
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/')
        length--;
    size_t start = length;
    while (start > 0 && path[start - 1] != '/')
        start--;
    size_t size = length - start;
    if (size == 0 || size > 255)
        return size == 0 ? -EINVAL : -ENAMETOOLONG;
    memcpy(name, path + start, size);
    name[size] = 0;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return -EINVAL;
    if (start >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(parent, path, start);
    parent[start] = 0;
    return 0;
}

int open_parent(struct executor *x, uint16_t at, const char *path, char name[256])
{
    char parent[PATH_MAX];
    int error = split(path, parent, name);
    if (error < 0)
        return fail_path(x, -error, "no name at the end of", path);
    return open_at(x, at, parent, O_PATH | O_DIRECTORY, 0, 0);
}

/*
 * The longest part of `path` that exists, as an fd; `*rest` is what is missing of it. `path` is cut
 * in place, and slashes around the cut are dropped.
 */
static int open_existing(int base, uint64_t resolve, char *path, const char **rest)
{
    *rest = path + strlen(path);
    size_t length = strlen(path);
    for (;;) {
        char kept = path[length];
        path[length] = 0;
        int fd = open_resolved(base, length ? path : ".", O_PATH | O_DIRECTORY, 0, resolve);
        path[length] = kept;
        if (fd != -ENOENT || length == 0)
            return fd;
        while (length > 0 && path[length - 1] != '/')
            length--;
        *rest = path + length;
        while (length > 0 && path[length - 1] == '/')
            length--;
    }
}

/* mkdir and open of one component, never through a symlink. -ELOOP: a symlink is in the way. */
static int make_step(struct executor *x, int dir, const char *name, mode_t mode)
{
    bool made = mkdirat(dir, name, mode) == 0;
    if (!made && errno != EEXIST)
        return -errno;
    int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        struct stat st;
        int error = errno;
        bool link = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
        return link ? -ELOOP : -error;
    }
    if (made && x->library) { /* the daemon's umask is not ours to change */
        int error = chmod_fd(x, fd, mode);
        if (error < 0) {
            close(fd);
            return error;
        }
    }
    return fd;
}

/* A dangling symlink `name` in the middle of `path`: puts its target in its place. */
static int follow_dangling(int dir, const char *name, const char *rest, char *path)
{
    char target[PATH_MAX];
    char longer[2 * PATH_MAX];
    ssize_t size = readlinkat(dir, name, target, sizeof target - 1);
    if (size < 0) /* it is no symlink any more: the caller looks again */
        return errno == EINVAL || errno == ENOENT ? 0 : -errno;
    target[size] = 0;
    size_t prefix = target[0] == '/' ? 0 : (size_t)(rest - path);
    size_t tail = strlen(rest) - strlen(name);
    if (prefix + (size_t)size + 1 + tail >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(longer, path, prefix);
    memcpy(longer + prefix, target, (size_t)size);
    memcpy(longer + prefix + size, rest + strlen(name), tail + 1);
    memcpy(path, longer, prefix + (size_t)size + tail + 1);
    return 0;
}

/* Makes the components of `rest` below `dir` (which it closes). 1: path was rewritten, try anew. */
static int make_rest(struct executor *x, int dir, const char *rest, mode_t mode, char *path)
{
    while (*rest) {
        char name[256];
        size_t size = strcspn(rest, "/");
        if (size > 255) {
            close(dir);
            return -ENAMETOOLONG;
        }
        memcpy(name, rest, size);
        name[size] = 0;
        /* ".." below something that does not exist has no meaning that could be checked. */
        if (strcmp(name, "..") == 0) {
            close(dir);
            return -EINVAL;
        }
        if (size > 0 && strcmp(name, ".") != 0) {
            int next = make_step(x, dir, name, mode);
            int error = next == -ELOOP ? follow_dangling(dir, name, rest, path) : next;
            close(dir);
            if (next < 0)
                return next == -ELOOP && error == 0 ? -ELOOP : error;
            dir = next;
        }
        rest += size;
        rest += strspn(rest, "/");
    }
    return dir;
}

int make_directories(struct executor *x, uint16_t at, const char *path, mode_t mode)
{
    char work[PATH_MAX];
    uint64_t resolve;
    bool close_it;
    if (at == PLAN_SLOT_NONE && path[0] != '/')
        return fail_path(x, EINVAL, "no absolute path:", path);
    if (strlen(path) >= sizeof work)
        return -ENAMETOOLONG;
    memcpy(work, path, strlen(path) + 1);
    int base = base_of(x, at, &resolve, &close_it);
    if (base < 0)
        return base;
    /* "/" as base makes the host's paths walk like a container's; they stay trusted all the same. */
    int fd = -ELOOP;
    for (int i = 0; fd == -ELOOP && i < SYMLINKS_MAX; i++) {
        const char *rest;
        fd = open_existing(base, resolve | IN_ROOT, work, &rest);
        if (fd >= 0)
            fd = make_rest(x, fd, rest, mode, work);
    }
    if (close_it)
        close(base);
    return fd;
}

int chmod_fd(struct executor *x, int fd, mode_t mode)
{
    if (sys_fchmodat2(fd, "", mode, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno != ENOSYS && errno != EPERM)
        return -errno;
    /* Before Linux 6.6 an O_PATH fd is changed through its name in procfs. */
    char name[32];
    snprintf(name, sizeof name, "self/fd/%d", fd);
    int proc = procfs_root(x);
    if (proc < 0)
        return proc;
    return fchmodat(proc, name, mode, 0) == 0 ? 0 : -errno;
}
