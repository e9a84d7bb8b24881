/* Ops on single files and directories. Each works in a parent that is held by fd. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "path.h"

#define KEEP_ID 0xffffffffu

static int open_flags(uint32_t set)
{
    static const struct {
        uint32_t bit;
        int flag;
    } map[] = {
        {PLAN_OPEN_PATH, O_PATH},           {PLAN_OPEN_WRONLY, O_WRONLY},
        {PLAN_OPEN_RDWR, O_RDWR},           {PLAN_OPEN_CREAT, O_CREAT},
        {PLAN_OPEN_EXCL, O_EXCL},           {PLAN_OPEN_TRUNC, O_TRUNC},
        {PLAN_OPEN_APPEND, O_APPEND},       {PLAN_OPEN_DIRECTORY, O_DIRECTORY},
        {PLAN_OPEN_NOFOLLOW, O_NOFOLLOW},   {PLAN_OPEN_NONBLOCK, O_NONBLOCK},
    };
    int flags = O_NOCTTY;
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (set & map[i].bit)
            flags |= map[i].flag;
    return flags & O_PATH ? flags & ~O_NOCTTY : flags;
}

int op_open(struct executor *x, const struct op *op)
{
    int fd = open_at(x, op->at, op->path, open_flags(op->flags), op->mode, 0);
    if (fd < 0)
        return fail_path(x, -fd, "path", op->path);
    return slot_fill(x, op->as, fd);
}

int op_close(struct executor *x, const struct op *op)
{
    int fd = slot_fd(x, op->fd, "fd");
    if (fd < 0)
        return fd;
    x->slots[op->fd] = -1;
    return close(fd) < 0 ? -errno : 0;
}

/* Owner, then mode (chown clears set-id bits), of something we made as `name` in `parent`. */
static int own(struct executor *x, int parent, const char *name, const struct op *op, bool set_mode)
{
    bool set_owner = op->uid != KEEP_ID || op->gid != KEEP_ID;
    if (set_owner && fchownat(parent, name, op->uid, op->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(x, errno, "owner");
    if (!set_mode && !(set_owner && (op->mode & 06000)))
        return 0;
    int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = chmod_fd(x, fd, op->mode);
    close(fd);
    return error < 0 ? fail(x, -error, "mode") : 0;
}

int op_mkdir(struct executor *x, const struct op *op)
{
    char name[256];
    int parent = open_parent(x, op->at, op->path, name);
    if (parent == -ENOENT && op->on) {
        /* Missing parents get 0755; the last directory gets the mode and the owner asked for. */
        char above[PATH_MAX];
        size_t length = strlen(op->path);
        while (length > 0 && op->path[length - 1] == '/')
            length--;
        while (length > 0 && op->path[length - 1] != '/')
            length--;
        if (length >= sizeof above)
            return -ENAMETOOLONG;
        memcpy(above, op->path, length);
        above[length] = 0;
        parent = make_directories(x, op->at, above, 0755);
    }
    if (parent < 0)
        return fail_path(x, -parent, "parent of", op->path);
    int error = mkdirat(parent, name, op->mode & 07777) < 0 ? errno : 0;
    if (error == 0) {
        int result = own(x, parent, name, op, x->library || (op->mode & 07000));
        close(parent);
        return result;
    }
    close(parent);
    if (error == EEXIST && op->on) {
        int fd = open_at(x, op->at, op->path, O_PATH | O_DIRECTORY, 0, 0);
        if (fd == -ENOENT)
            fd = make_directories(x, op->at, op->path, op->mode); /* a dangling symlink */
        if (fd < 0)
            return fail_path(x, -fd, "no directory:", op->path);
        close(fd);
        return 0;
    }
    return fail_path(x, error, "path", op->path);
}

int op_mknod(struct executor *x, const struct op *op)
{
    static const mode_t types[] = {S_IFCHR, S_IFBLK, S_IFIFO, S_IFREG};
    char name[256];
    int parent = open_parent(x, op->at, op->path, name);
    if (parent < 0)
        return fail_path(x, -parent, "parent of", op->path);
    dev_t device = op->u.mknod.type <= NODE_BLOCK ? makedev(op->u.mknod.major, op->u.mknod.minor) : 0;
    int result = 0;
    if (mknodat(parent, name, types[op->u.mknod.type] | (op->mode & 07777), device) < 0)
        result = fail_path(x, errno, "path", op->path);
    else
        result = own(x, parent, name, op, x->library);
    close(parent);
    return result;
}

int op_symlink(struct executor *x, const struct op *op)
{
    char name[256];
    int parent = open_parent(x, op->at, op->path, name);
    if (parent < 0)
        return fail_path(x, -parent, "parent of", op->path);
    int result = symlinkat(op->text, parent, name) < 0 ? fail_path(x, errno, "path", op->path) : 0;
    close(parent);
    return result;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Kernel files take one write(2) as one command; what they do not take at once is an error. */
static int write_existing(struct executor *x, const struct op *op)
{
    /* Regular is checked below; until then a FIFO or a device planted here must not block or act. */
    int fd = open_at(x, op->at, op->path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0, 0);
    if (fd < 0)
        return fail_path(x, -fd, "path", op->path);
    struct stat st;
    int result = 0;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        result = fail_path(x, EINVAL, "no regular file:", op->path);
    else if (op->u.data.size > 0) {
        ssize_t n = write(fd, op->u.data.data, op->u.data.size);
        if (n < 0)
            result = fail_path(x, errno, "write to", op->path);
        else if ((size_t)n != op->u.data.size)
            result = fail_path(x, EIO, "short write to", op->path);
    }
    close(fd);
    return result;
}

int op_write_file(struct executor *x, const struct op *op)
{
    if (op->flags == WRITE_EXISTING)
        return write_existing(x, op);
    char name[256];
    char temporary[48];
    int parent = open_parent(x, op->at, op->path, name);
    if (parent < 0)
        return fail_path(x, -parent, "parent of", op->path);
    snprintf(temporary, sizeof temporary, ".vitrine-%d-%d", (int)getpid(), op->index);
    unlinkat(parent, temporary, 0); /* of an earlier process with our pid that was killed here */
    int fd = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        int error = errno;
        close(parent);
        return fail_path(x, error, "file beside", op->path);
    }
    int error = write_all(fd, op->u.data.data, op->u.data.size);
    if (error == 0 && fchmod(fd, op->mode & 07777) < 0)
        error = -errno;
    if (close(fd) < 0 && error == 0)
        error = -errno;
    if (error == 0 && renameat(parent, temporary, parent, name) < 0)
        error = -errno;
    if (error < 0)
        unlinkat(parent, temporary, 0);
    close(parent);
    return error < 0 ? fail_path(x, -error, "path", op->path) : 0;
}

/* The object of chmod and chown: the slot itself for "", else opened without following a symlink. */
static int open_object(struct executor *x, const struct op *op)
{
    if (op->at != PLAN_SLOT_NONE && op->path[0] == 0) {
        int fd = slot_fd(x, op->at, "at");
        if (fd < 0)
            return fd;
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return copy < 0 ? -errno : copy;
    }
    int fd = open_at(x, op->at, op->path, O_PATH | O_NOFOLLOW, 0, 0);
    return fd < 0 ? fail_path(x, -fd, "path", op->path) : fd;
}

int op_chmod(struct executor *x, const struct op *op)
{
    struct stat st;
    int fd = open_object(x, op);
    if (fd < 0)
        return fd;
    int result = fstat(fd, &st) < 0 ? -errno : 0;
    if (result == 0 && S_ISLNK(st.st_mode))
        result = fail_path(x, ELOOP, "a symlink:", op->path);
    else if (result == 0)
        result = chmod_fd(x, fd, op->mode & 07777);
    close(fd);
    return result;
}

int op_chown(struct executor *x, const struct op *op)
{
    struct stat st;
    int fd = open_object(x, op);
    if (fd < 0)
        return fd;
    int result = fstat(fd, &st) < 0 ? -errno : 0;
    /* A stdio slot may be the host's /dev/null, which is nobody's to give away. */
    if (result == 0 && op->path[0] == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
        detail_text(x, "/dev/null is left as it is");
    else if (result == 0 && fchownat(fd, "", op->uid, op->gid, AT_EMPTY_PATH) < 0)
        result = fail_path(x, errno, "path", op->path);
    close(fd);
    return result;
}

int op_unlink(struct executor *x, const struct op *op, int flags)
{
    char name[256];
    int parent = open_parent(x, op->at, op->path, name);
    if (parent < 0)
        return fail_path(x, -parent, "parent of", op->path);
    int result = unlinkat(parent, name, flags) < 0 ? fail_path(x, errno, "path", op->path) : 0;
    close(parent);
    return result;
}

int op_rename(struct executor *x, const struct op *op)
{
    char from_name[256], to_name[256];
    int from = open_parent(x, op->at, op->path, from_name);
    if (from < 0)
        return fail_path(x, -from, "parent of", op->path);
    int to = open_parent(x, op->at, op->text, to_name);
    if (to < 0) {
        close(from);
        return fail_path(x, -to, "parent of", op->text);
    }
    int result = renameat(from, from_name, to, to_name) < 0 ? fail_path(x, errno, "to", op->text) : 0;
    close(from);
    close(to);
    return result;
}
