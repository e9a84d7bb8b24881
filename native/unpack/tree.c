/* See tree.h. */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"

#define LINKS_MAX 40      /* as the kernel's MAXSYMLINKS */
#define RETRIES_MAX 1000  /* renames elsewhere on the machine make openat2 say EAGAIN */
#define INSIDE (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
#define INSIDE_STRAIGHT (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)

static int cached_parent = -1;
static char cached_path[PATH_MAX];
static void (*on_implied)(const char *, long long, unsigned);

static int open_inside(int at, const char *path, int flags, unsigned long long resolve)
{
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC), .resolve = resolve};
    int fd = -EAGAIN;

    for (int tries = 0; fd == -EAGAIN && tries < RETRIES_MAX; tries++) {
        fd = (int)syscall(SYS_openat2, at, *path == '\0' ? "." : path, &how, sizeof(how));
        if (fd < 0)
            fd = -errno;
    }
    return fd;
}

bool tree_below_shows(const struct tree *tree, const char *path)
{
    char above[PATH_MAX] = "";
    const char *slash = strrchr(path, '/');
    struct stat stat;

    if (slash)
        memcpy(above, path, (size_t)(slash - path));
    int parent = open_inside(tree->root, above, O_PATH | O_DIRECTORY, INSIDE_STRAIGHT);
    if (parent < 0)
        return true;
    close(parent);
    for (size_t i = 0; i < tree->lower_count; i++) {
        int fd = open_inside(tree->lower[i], path, O_PATH | O_NOFOLLOW, INSIDE_STRAIGHT);
        if (fd == -ENOENT)
            continue;
        /* A file, a symlink or a whiteout on the way hides what is further down. */
        if (fd < 0)
            return fd != -ENOTDIR && fd != -ELOOP;
        bool shown = fstat(fd, &stat) < 0 || !S_ISCHR(stat.st_mode) || stat.st_rdev != 0;
        close(fd);
        return shown;
    }
    return false;
}

/* Owner, mode and time of the directory that the layers below show at `path`. */
static void look_like_below(const struct tree *tree, const char *path, int directory)
{
    struct stat below = {.st_mode = 0755};

    for (size_t i = 0; i < tree->lower_count; i++) {
        int fd = open_inside(tree->lower[i], path, O_PATH | O_DIRECTORY, INSIDE_STRAIGHT);
        if (fd == -ENOENT)
            continue;
        /* Something else there, a whiteout too, hides what is further down. */
        if (fd < 0)
            break;
        if (fstat(fd, &below) < 0)
            fail(errno, "stat in the layer below", path);
        close(fd);
        if (on_implied)
            on_implied(path, below.st_mtim.tv_sec, (unsigned)below.st_mtim.tv_nsec);
        break;
    }
    if (fchown(directory, below.st_uid, below.st_gid) < 0 ||
        fchmod(directory, below.st_mode & 07777) < 0)
        fail(errno, "attributes of an implied directory", path);
}

static void make_implied(const struct tree *tree, const char *path)
{
    const char *slash = strrchr(path, '/');
    char above[PATH_MAX] = "";

    if (slash)
        memcpy(above, path, (size_t)(slash - path));
    int parent = open_inside(tree->root, above, O_PATH | O_DIRECTORY, INSIDE_STRAIGHT);
    if (parent < 0)
        fail(-parent, "open", above);
    if (mkdirat(parent, slash ? slash + 1 : path, 0700) < 0)
        fail(errno, "mkdir", path);
    close(parent);
    int made = open_inside(tree->root, path, O_RDONLY | O_DIRECTORY, INSIDE_STRAIGHT);
    if (made < 0)
        fail(-made, "open", path);
    look_like_below(tree, path, made);
    close(made);
}

/* Puts the symlink's target in front of what is left to walk. */
static void follow(int link, const char *path, char *done, char *left)
{
    char target[PATH_MAX];
    char joined[PATH_MAX];
    ssize_t length = readlinkat(link, "", target, sizeof(target) - 1);

    if (length <= 0)
        fail(length < 0 ? errno : EINVAL, "readlink", path);
    target[length] = '\0';
    if (snprintf(joined, sizeof(joined), "%s/%s", target, left) >= (int)sizeof(joined))
        fail(ENAMETOOLONG, "symlinks on the way of", path);
    if (target[0] == '/')
        done[0] = '\0';
    strcpy(left, joined);
}

/* Takes the next part off `left`; false when nothing is left. */
static int next_part(char *left, char *part)
{
    size_t skip = strspn(left, "/");
    size_t length = strcspn(left + skip, "/");

    if (length == 0)
        return 0;
    if (length > NAME_MAX)
        fail(ENAMETOOLONG, "file name", left);
    memcpy(part, left + skip, length);
    part[length] = '\0';
    memmove(left, left + skip + length, strlen(left + skip + length) + 1);
    return 1;
}

/* A walk by hand: `done` is free of symlinks and of "..", and stays so. */
struct walk {
    const char *path;
    char done[PATH_MAX];
    char left[PATH_MAX];
    int links;
    bool make; /* what is missing; otherwise it is walked through, so that ".." can leave it again */
};

static void walk_part(const struct tree *tree, struct walk *walk, const char *part)
{
    char candidate[PATH_MAX];
    struct stat stat;
    char *slash = strrchr(walk->done, '/');

    if (strcmp(part, ".") == 0)
        return;
    if (strcmp(part, "..") == 0) {
        *(slash ? slash : walk->done) = '\0';
        return;
    }
    int length = snprintf(candidate, sizeof(candidate), "%s%s%s", walk->done,
                          *walk->done ? "/" : "", part);
    if (length >= (int)sizeof(candidate))
        fail(ENAMETOOLONG, "path", walk->path);
    int fd = open_inside(tree->root, candidate, O_PATH | O_NOFOLLOW, INSIDE_STRAIGHT);
    if (fd == -ENOENT) {
        if (walk->make)
            make_implied(tree, candidate);
    } else if (fd < 0 || fstat(fd, &stat) < 0) {
        fail(fd < 0 ? -fd : errno, "open", candidate);
    } else if (S_ISLNK(stat.st_mode)) {
        if (++walk->links > LINKS_MAX)
            fail(ELOOP, "symlinks on the way of", walk->path);
        follow(fd, walk->path, walk->done, walk->left);
        close(fd);
        return;
    } else if (!S_ISDIR(stat.st_mode)) {
        fail(ENOTDIR, "a file is on the way of", walk->path);
    } else {
        close(fd);
    }
    strcpy(walk->done, candidate);
}

static int open_walking(const struct tree *tree, const char *path, bool make)
{
    char part[NAME_MAX + 1];
    int fd = open_inside(tree->root, path, O_PATH | O_DIRECTORY, INSIDE);

    if (fd != -ENOENT)
        return fd;
    /* Something is missing, perhaps behind a dangling symlink: walk there part by part. */
    struct walk walk = {.path = path, .make = make};
    strcpy(walk.left, path);
    while (next_part(walk.left, part))
        walk_part(tree, &walk, part);
    return open_inside(tree->root, walk.done, O_PATH | O_DIRECTORY, INSIDE_STRAIGHT);
}

int tree_existing(const struct tree *tree, const char *path)
{
    return open_walking(tree, path, false);
}

int tree_directory(struct tree *tree, const char *path)
{
    int fd = open_walking(tree, path, true);

    if (fd < 0)
        fail(-fd, "open", path);
    return fd;
}

int tree_parent(struct tree *tree, const char *path, const char **base)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;

    *base = slash ? slash + 1 : path;
    if (cached_parent >= 0 && strlen(cached_path) == length &&
        memcmp(cached_path, path, length) == 0)
        return cached_parent;
    tree_forget_parent();
    memcpy(cached_path, path, length);
    cached_path[length] = '\0';
    cached_parent = tree_directory(tree, cached_path);
    return cached_parent;
}

void tree_forget_parent(void)
{
    if (cached_parent >= 0)
        close(cached_parent);
    cached_parent = -1;
}

void tree_on_implied(void (*made)(const char *, long long, unsigned))
{
    on_implied = made;
}

static void empty(int directory, const char *path)
{
    DIR *listing = fdopendir(directory);
    const struct dirent *entry;

    if (!listing)
        fail(errno, "list", path);
    while ((entry = readdir(listing)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            tree_remove(directory, entry->d_name, path);
    closedir(listing);
}

void tree_remove(int parent, const char *base, const char *path)
{
    if (unlinkat(parent, base, 0) == 0 || errno == ENOENT)
        return;
    if (errno != EISDIR && errno != EPERM)
        fail(errno, "remove", path);
    int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        fail(errno, "open", path);
    empty(fd, path);
    if (unlinkat(parent, base, AT_REMOVEDIR) < 0)
        fail(errno, "remove", path);
}
