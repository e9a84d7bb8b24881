/* maskPath and readonlyPath: mounts over single paths of the container's root, after pivot_root. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "path.h"
#include "syscalls.h"

/* The path as an fd, inside the root and through no magic link. Nothing there is no error: -ENOENT. */
static int open_covered(struct executor *x, const struct op *op)
{
    int fd = open_at(x, PLAN_SLOT_NONE, op->path, O_PATH, 0, RESOLVE_NO_MAGICLINKS);
    return fd == -ENOTDIR ? -ENOENT : fd;
}

static int attach_and_close(struct executor *x, int mount, int target, const struct op *op)
{
    int result = sys_move_mount(mount, target) < 0 ? fail_path(x, errno, "path", op->path) : 0;
    close(mount);
    return result;
}

/*
 * /dev/null of the container, opened without following and checked to be the device 1:3: an image or a
 * volume may have put a symlink or another device there (CVE-2025-31133). Held for all later masks.
 */
static int null_device(struct executor *x)
{
    struct stat st;
    if (x->null_device >= 0)
        return x->null_device;
    int fd = open_at(x, PLAN_SLOT_NONE, "/dev/null", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_MAGICLINKS);
    if (fd < 0)
        return fail(x, -fd, "/dev/null to mask with");
    if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
        close(fd);
        return fail(x, ENODEV, "/dev/null of the container is not the null device");
    }
    x->null_device = fd;
    return fd;
}

static int mask_file(struct executor *x, const struct op *op, int target)
{
    int null = null_device(x);
    if (null < 0)
        return null;
    int clone = sys_open_tree(null, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
    if (clone < 0)
        return fail(x, errno, "clone of /dev/null");
    return attach_and_close(x, clone, target, op);
}

static int new_mask_mount(struct executor *x)
{
    int fs = sys_fsopen("tmpfs");
    if (fs < 0)
        return fail(x, errno, "tmpfs to mask with");
    int fd = -1;
    /* Two inodes: the root, and one more that some kernels count for it. */
    if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "nr_blocks", "1") == 0 &&
        sys_fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "2") == 0 &&
        sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555") == 0 &&
        sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
        fd = sys_fsmount(fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    int error = errno;
    close(fs);
    return fd < 0 ? fail(x, error, "tmpfs to mask with") : fd;
}

/* All masked directories share one file system: the first mount is made, the others are clones of it. */
static int mask_directory(struct executor *x, const struct op *op, int target)
{
    if (x->mask_mount < 0) {
        int first = new_mask_mount(x);
        if (first < 0)
            return first;
        if (sys_move_mount(first, target) < 0) {
            int error = errno;
            close(first);
            return fail_path(x, error, "path", op->path);
        }
        x->mask_mount = first;
        return 0;
    }
    int clone = sys_open_tree(x->mask_mount, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
    if (clone < 0)
        return fail(x, errno, "clone of the mask");
    return attach_and_close(x, clone, target, op);
}

int op_mask_path(struct executor *x, const struct op *op)
{
    struct stat st;
    int target = open_covered(x, op);
    if (target == -ENOENT)
        return 0;
    if (target < 0)
        return fail_path(x, -target, "path", op->path);
    int result = fstat(target, &st) < 0 ? -errno
                 : S_ISDIR(st.st_mode)  ? mask_directory(x, op, target)
                                        : mask_file(x, op, target);
    close(target);
    return result;
}

int op_readonly_path(struct executor *x, const struct op *op)
{
    int target = open_covered(x, op);
    if (target == -ENOENT)
        return 0;
    if (target < 0)
        return fail_path(x, -target, "path", op->path);
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    int result;
    int clone = sys_open_tree(target, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | AT_RECURSIVE);
    if (clone < 0) {
        result = fail_path(x, errno, "path", op->path);
    } else if (sys_mount_setattr(clone, AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0) {
        result = fail_path(x, errno, "read-only", op->path);
        close(clone);
    } else {
        result = attach_and_close(x, clone, target, op);
    }
    close(target);
    return result;
}
