/*
 * Order matters: owner before mode, because chown(2) clears setuid bits; both before extended
 * attributes, because it clears security.capability too; times last.
 */
#include "entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "confine.h"
#include "fail.h"

#define TIMES_BYTES_MAX (256u * 1024 * 1024)

/* Directories whose time is set at the end: a packed list of (time, path and its NUL). */
static char *times;
static size_t times_used;
static size_t times_size;

static void remember_time(const char *path, long long mtime_s, unsigned mtime_ns)
{
    struct timespec when = {mtime_s, (long)mtime_ns};
    size_t length = strlen(path) + 1;
    size_t need = times_used + sizeof(when) + length;

    if (need > TIMES_BYTES_MAX)
        fail(E2BIG, "too many directories", path);
    if (need > times_size) {
        times_size = need * 2;
        times = realloc(times, times_size);
        if (!times)
            fail(ENOMEM, "remember a directory", path);
    }
    memcpy(times + times_used, &when, sizeof(when));
    memcpy(times + times_used + sizeof(when), path, length);
    times_used = need;
}

static void set_times(int at, const char *base, struct timespec when, const char *path)
{
    const struct timespec both[2] = {when, when};

    if (utimensat(at, base, both, AT_SYMLINK_NOFOLLOW) < 0)
        fail(errno, "set times", path);
}

static struct timespec mtime_of(const struct record *record)
{
    return (struct timespec){record->mtime_s, (long)record->mtime_ns};
}

/* A file system without extended attributes of users is no reason to refuse an image; file capabilities are. */
static void check_xattr(int result, const struct record_xattr *xattr, const char *path)
{
    if (result == 0 || (errno == EOPNOTSUPP && strncmp(xattr->name, "security.", 9) != 0))
        return;
    fail(errno, "set an extended attribute of", path);
}

static void set_fd_attributes(int fd, const struct record *record)
{
    if (fchown(fd, record->uid, record->gid) < 0)
        fail(errno, "chown", record->path);
    if (fchmod(fd, record->mode) < 0)
        fail(errno, "chmod", record->path);
    for (size_t i = 0; i < record->xattr_count; i++) {
        const struct record_xattr *xattr = &record->xattrs[i];
        check_xattr(fsetxattr(fd, xattr->name, xattr->value, xattr->size, 0), xattr, record->path);
    }
}

/* Symlinks and nodes cannot be opened; their names are used, in a directory we stand in. */
static void set_node_attributes(int parent, const char *base, const struct record *record)
{
    if (fchownat(parent, base, record->uid, record->gid, AT_SYMLINK_NOFOLLOW) < 0)
        fail(errno, "chown", record->path);
    if (record->xattr_count > 0 && fchdir(parent) < 0)
        fail(errno, "fchdir", record->path);
    for (size_t i = 0; i < record->xattr_count; i++) {
        const struct record_xattr *xattr = &record->xattrs[i];
        if (strncmp(xattr->name, "user.", 5) == 0)
            continue; /* only files and directories can have these, xattr(7) */
        check_xattr(lsetxattr(base, xattr->name, xattr->value, xattr->size, 0), xattr,
                    record->path);
    }
    set_times(parent, base, mtime_of(record), record->path);
}

static bool is_whiteout(const struct stat *stat)
{
    return S_ISCHR(stat->st_mode) && stat->st_rdev == makedev(0, 0);
}

static void mark_opaque(int parent, const char *base, const char *path)
{
    int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = fd < 0 ? -errno : set_opaque(fd);

    if (error < 0)
        fail(-error, "mark opaque", path);
    close(fd);
}

static void write_directory(int parent, const char *base, const struct record *record)
{
    struct stat stat;
    bool there = fstatat(parent, base, &stat, AT_SYMLINK_NOFOLLOW) == 0;
    bool hides = there && is_whiteout(&stat);

    if (there && !S_ISDIR(stat.st_mode)) {
        tree_remove(parent, base, record->path);
        there = false;
    }
    if (!there && mkdirat(parent, base, 0700) < 0)
        fail(errno, "mkdir", record->path);
    int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        fail(errno, "open", record->path);
    set_fd_attributes(fd, record);
    close(fd);
    /* The layer hides the old directory and brings a new one: nothing of the old may show. */
    if (hides)
        mark_opaque(parent, base, record->path);
    remember_time(record->path, record->mtime_s, record->mtime_ns);
    tree_forget_parent();
}

static void write_file(int parent, const char *base, const struct record *record, int in)
{
    int fd = openat(parent, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    const struct timespec when = mtime_of(record);
    const struct timespec both[2] = {when, when};

    if (fd < 0)
        fail(errno, "create", record->path);
    record_copy_data(in, fd, record->size, record->path);
    set_fd_attributes(fd, record);
    if (futimens(fd, both) < 0)
        fail(errno, "set times", record->path);
    if (close(fd) < 0)
        fail(errno, "close", record->path);
}

static void write_hardlink(struct tree *tree, int parent, const char *base,
                           const struct record *record)
{
    const char *slash = strrchr(record->link, '/');
    const char *name = slash ? slash + 1 : record->link;
    char above[RECORD_PATH_MAX + 1] = "";

    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        fail(EINVAL, "target of a hard link", record->link);
    if (slash)
        memcpy(above, record->link, (size_t)(slash - record->link));
    int from = tree_existing(tree, above);
    if (from < 0)
        fail(-from, "target of a hard link", record->link);
    /* Without AT_SYMLINK_FOLLOW: a hard link to a symlink is the symlink itself. */
    if (linkat(from, name, parent, base, 0) < 0)
        fail(errno, "hard link to", record->link);
    close(from);
}

static void write_node(int parent, const char *base, const struct record *record, mode_t type)
{
    if (mknodat(parent, base, type | record->mode, makedev(record->major, record->minor)) < 0)
        fail(errno, "mknod", record->path);
    set_node_attributes(parent, base, record);
}

/*
 * A whiteout speaks of layers below; what this layer itself has at the path stays. One that hides nothing
 * is not made: in a directory that only this layer has, overlayfs would list it as a broken entry.
 */
static void write_whiteout(const struct tree *tree, int parent, const char *base,
                           const struct record *record)
{
    struct stat stat;

    if (fstatat(parent, base, &stat, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISDIR(stat.st_mode))
            mark_opaque(parent, base, record->path);
        return;
    }
    if (!tree_below_shows(tree, record->path))
        return;
    if (mknodat(parent, base, S_IFCHR, makedev(0, 0)) < 0)
        fail(errno, "make a whiteout", record->path);
}

static void write_opaque(struct tree *tree, const struct record *record)
{
    int directory = tree_directory(tree, record->path);

    mark_opaque(directory, ".", record->path);
    close(directory);
}

void entry_write(struct tree *tree, const struct record *record, int in)
{
    const char *base;

    if (record->type == RECORD_OPAQUE) {
        write_opaque(tree, record);
        return;
    }
    tree_on_implied(remember_time);
    int parent = tree_parent(tree, record->path, &base);
    if (record->type == RECORD_WHITEOUT) {
        write_whiteout(tree, parent, base, record);
        return;
    }
    if (record->type == RECORD_DIRECTORY) {
        write_directory(parent, base, record);
        return;
    }
    struct stat stat;
    if (fstatat(parent, base, &stat, AT_SYMLINK_NOFOLLOW) == 0) {
        tree_remove(parent, base, record->path);
        /* What went may have been on the way to the parent itself. */
        tree_forget_parent();
        parent = tree_parent(tree, record->path, &base);
    }
    switch (record->type) {
    case RECORD_FILE:
        write_file(parent, base, record, in);
        break;
    case RECORD_HARDLINK:
        write_hardlink(tree, parent, base, record);
        break;
    case RECORD_SYMLINK:
        if (symlinkat(record->link, parent, base) < 0)
            fail(errno, "symlink", record->path);
        set_node_attributes(parent, base, record);
        break;
    case RECORD_CHAR:
        write_node(parent, base, record, S_IFCHR);
        break;
    case RECORD_BLOCK:
        write_node(parent, base, record, S_IFBLK);
        break;
    case RECORD_FIFO:
        write_node(parent, base, record, S_IFIFO);
        break;
    case RECORD_DIRECTORY:
    case RECORD_WHITEOUT:
    case RECORD_OPAQUE:
    case RECORD_END:
        fail(EINVAL, "type of a record", record->path);
    }
}

void entry_finish(struct tree *tree)
{
    for (size_t at = 0; at < times_used;) {
        struct timespec when;
        const char *path = times + at + sizeof(when);
        const char *slash = strrchr(path, '/');
        char above[RECORD_PATH_MAX + 1] = "";
        const char *base = slash ? slash + 1 : path;
        struct stat stat;

        memcpy(&when, times + at, sizeof(when));
        at += sizeof(when) + strlen(path) + 1;
        if (slash)
            memcpy(above, path, (size_t)(slash - path));
        int parent = tree_existing(tree, above);
        /* A later entry may have put something else in its place. */
        if (parent < 0)
            continue;
        if (fstatat(parent, base, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(stat.st_mode))
            set_times(parent, base, when, path);
        close(parent);
    }
}
