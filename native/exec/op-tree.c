/*
 * Ops on whole trees. Both walk on fds, follow no symlink and enter no mount: what somebody mounted
 * or linked inside a tree of ours is not ours.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "path.h"

#define BELOW (RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
#define ENTRIES_SIZE 2048

/* One level of a walk holds one fd and one buffer; to remove, deeper directories are moved up. */
#define DEPTH_MAX 48
#define COPY_DEPTH_MAX 200

struct entry { /* struct linux_dirent64, getdents64(2) */
    uint64_t ino;
    int64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
};

static long read_entries(int dir, uint8_t *buffer)
{
    long n = syscall(SYS_getdents64, dir, buffer, (size_t)ENTRIES_SIZE);
    return n < 0 ? -errno : n;
}

static bool is_dot(const char *name)
{
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

struct removal {
    struct executor *x;
    int top;         /* the tree's own directory */
    unsigned moved;  /* directories moved up so far */
};

static int empty_directory(struct removal *r, int dir, unsigned depth);

/*
 * Removes the directory `name`. Below DEPTH_MAX it is first renamed into the top directory, from
 * where a later pass takes it: the depth of a tree that a container made has no bound but the disk.
 */
static int remove_directory(struct removal *r, int dir, const char *name, unsigned depth)
{
    if (depth >= DEPTH_MAX) {
        char up[48];
        for (;;) { /* past names that an earlier, interrupted removal left */
            snprintf(up, sizeof up, ".vitrine-deep-%u", r->moved++);
            if (renameat(dir, name, r->top, up) == 0)
                return 0;
            if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
                return -errno;
        }
    }
    int below = open_resolved(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BELOW);
    if (below == -EXDEV) {
        fail_path(r->x, EBUSY, "a mount is at", name);
        return -EBUSY;
    }
    if (below < 0)
        return below == -ENOENT ? 0 : below;
    int error = empty_directory(r, below, depth + 1);
    close(below);
    if (error < 0)
        return error;
    return unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_entry(struct removal *r, int dir, const struct entry *entry, unsigned depth)
{
    if (entry->type != DT_DIR) {
        if (unlinkat(dir, entry->name, 0) == 0 || errno == ENOENT)
            return 0;
        if (errno != EISDIR && !(errno == EPERM && entry->type == DT_UNKNOWN)) {
            int error = errno;
            fail_path(r->x, error, "cannot unlink", entry->name);
            return -error;
        }
    }
    int error = remove_directory(r, dir, entry->name, depth);
    return error < 0 && r->x->detail_length == 0
               ? fail_path(r->x, -error, "cannot remove", entry->name)
               : error;
}

/* Unlinks while reading, so a pass may miss entries: passes go on until one finds nothing. */
static int empty_directory(struct removal *r, int dir, unsigned depth)
{
    _Alignas(struct entry) uint8_t buffer[ENTRIES_SIZE];
    for (;;) {
        long n;
        bool any = false;
        if (lseek(dir, 0, SEEK_SET) < 0)
            return -errno;
        while ((n = read_entries(dir, buffer)) > 0) {
            for (long at = 0; at < n;) {
                const struct entry *entry = (const struct entry *)(const void *)(buffer + at);
                at += entry->size;
                if (is_dot(entry->name))
                    continue;
                any = true;
                int error = remove_entry(r, dir, entry, depth);
                if (error < 0)
                    return error;
            }
        }
        if (n < 0)
            return n == -ENOENT ? 0 : (int)n;
        if (!any)
            return 0;
    }
}

int op_remove_tree(struct executor *x, const struct op *op)
{
    char name[256];
    int parent = open_parent(x, op->at, op->path, name);
    if (parent < 0)
        return fail_path(x, -parent, "parent of", op->path);
    struct removal r = {.x = x};
    int result = 0;
    r.top = open_resolved(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BELOW);
    if (r.top == -ENOTDIR || r.top == -ELOOP) {
        result = unlinkat(parent, name, 0) < 0 ? -errno : 0;
    } else if (r.top < 0) {
        result = r.top == -EXDEV ? -EBUSY : r.top;
    } else {
        result = empty_directory(&r, r.top, 0);
        close(r.top);
        if (result == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0)
            result = -errno;
    }
    close(parent);
    return result < 0 ? fail_path(x, -result, "path", op->path) : 0;
}

static int copy_data(int from, int to)
{
    static const size_t chunk = 1u << 30;
    for (;;) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, chunk, 0);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
            return -errno;
        if (n < 0)
            break;
    }
    for (;;) {
        char buffer[16384];
        ssize_t n = read(from, buffer, sizeof buffer);
        if (n == 0)
            return 0;
        for (ssize_t done = 0; done < n;) {
            ssize_t put = write(to, buffer + done, (size_t)(n - done));
            if (put < 0)
                return -errno;
            done += put;
        }
        if (n < 0)
            return -errno;
    }
}

/* Extended attributes, file capabilities among them; a file system without them is fine. */
static int copy_xattrs(int from, int to)
{
    char names[4096];
    ssize_t size = flistxattr(from, names, sizeof names);
    if (size < 0)
        return errno == EOPNOTSUPP ? 0 : -errno;
    for (const char *name = names; name < names + size; name += strlen(name) + 1) {
        char value[8192];
        ssize_t length = fgetxattr(from, name, value, sizeof value);
        if (length < 0)
            return -errno;
        if (strncmp(name, "trusted.", 8) == 0)
            continue; /* overlayfs bookkeeping of the source */
        if (fsetxattr(to, name, value, (size_t)length, 0) < 0 && errno != EOPNOTSUPP)
            return -errno;
    }
    return 0;
}

static int copy_attributes(int from, int to, const struct stat *st)
{
    if (fchown(to, st->st_uid, st->st_gid) < 0)
        return -errno;
    int error = copy_xattrs(from, to);
    if (error == 0 && fchmod(to, st->st_mode & 07777) < 0)
        error = -errno;
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (error == 0 && futimens(to, times) < 0)
        error = -errno;
    return error;
}

static int copy_directory(struct executor *x, int from, int to, unsigned depth);

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
    char target[4096];
    ssize_t size = readlinkat(from, name, target, sizeof target - 1);
    if (size < 0)
        return -errno;
    target[size] = 0;
    if (symlinkat(target, to, name) < 0)
        return -errno;
    return fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_opened(struct executor *x, int in, int to, const char *name, const struct stat *st,
                       unsigned depth)
{
    int out;
    if (S_ISDIR(st->st_mode)) {
        if (mkdirat(to, name, 0700) < 0)
            return -errno;
        out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    } else {
        out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    if (out < 0)
        return -errno;
    int error = S_ISDIR(st->st_mode) ? copy_directory(x, in, out, depth + 1) : copy_data(in, out);
    if (error == 0)
        error = copy_attributes(in, out, st);
    close(out);
    return error;
}

static int copy_entry(struct executor *x, int from, int to, const char *name, unsigned depth)
{
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISLNK(st.st_mode))
        return copy_link(from, to, name, &st);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
        /* Devices are granted by the Plan and never copied; FIFOs and sockets mean nothing in a copy. */
        if (S_ISFIFO(st.st_mode) && mkfifoat(to, name, st.st_mode & 07777) < 0)
            return -errno;
        return 0;
    }
    int in = open_resolved(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0, BELOW);
    if (in < 0)
        return in;
    int error = fstat(in, &st) < 0 ? -errno : 0;
    if (error == 0 && (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
        error = copy_opened(x, in, to, name, &st, depth);
    close(in);
    return error;
}

static int copy_directory(struct executor *x, int from, int to, unsigned depth)
{
    _Alignas(struct entry) uint8_t buffer[ENTRIES_SIZE];
    long n;
    if (depth >= COPY_DEPTH_MAX)
        return fail(x, ELOOP, "tree is too deep to copy");
    while ((n = read_entries(from, buffer)) > 0) {
        for (long at = 0; at < n;) {
            const struct entry *entry = (const struct entry *)(const void *)(buffer + at);
            at += entry->size;
            if (is_dot(entry->name))
                continue;
            int error = copy_entry(x, from, to, entry->name, depth);
            if (error < 0)
                return x->detail_length ? error : fail_path(x, -error, "cannot copy", entry->name);
        }
    }
    return (int)n;
}

int op_copy_tree(struct executor *x, const struct op *op)
{
    struct stat st;
    int from = open_at(x, op->at, op->path, O_RDONLY | O_DIRECTORY, 0, 0);
    if (from < 0)
        return fail_path(x, -from, "from", op->path);
    int to = open_at(x, op->at, op->text, O_RDONLY | O_DIRECTORY, 0, 0);
    if (to < 0) {
        close(from);
        return fail_path(x, -to, "to", op->text);
    }
    int result = copy_directory(x, from, to, 0);
    if (result == 0)
        result = fstat(from, &st) < 0 ? -errno : copy_attributes(from, to, &st);
    close(from);
    close(to);
    return result;
}
