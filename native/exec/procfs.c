/* A procfs of the executor's own; procfs.h says why. */
#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "path.h"
#include "syscalls.h"

#define PROC_ROOT_INO 1

/* Linux gives the root of every procfs inode 1; anything else is a directory of one, or a fake. */
static bool is_procfs_root(int fd)
{
    struct statfs fs;
    struct stat st;
    return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC && fstat(fd, &st) == 0 &&
           st.st_ino == PROC_ROOT_INO;
}

static int make_private(bool whole)
{
    int fs = sys_fsopen("proc");
    if (fs < 0)
        return -errno;
    int fd = -1;
    if ((whole || sys_fsconfig(fs, FSCONFIG_SET_STRING, "subset", "pid") == 0) &&
        sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
        fd = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    int error = errno;
    close(fs);
    return fd < 0 ? -error : fd;
}

int procfs_root(struct executor *x)
{
    if (x->procfs >= 0)
        return x->procfs;
    int fd = x->library ? -EPERM : make_private(x->need_sysctl);
    if (fd < 0) {
        int private_error = -fd;
        fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return fail(x, private_error, "no private procfs and no /proc");
    }
    if (!is_procfs_root(fd)) {
        close(fd);
        return fail(x, EXDEV, "/proc is not a procfs");
    }
    x->procfs = fd;
    return fd;
}

int procfs_open(struct executor *x, const char *path, int flags)
{
    int root = procfs_root(x);
    if (root < 0)
        return root;
    int fd = open_resolved(root, path, flags, 0,
                           RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
    if (fd < 0)
        return fail_path(x, -fd, "cannot open /proc file", path);
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC) {
        close(fd);
        return fail_path(x, EXDEV, "no file of procfs:", path);
    }
    return fd;
}

int procfs_write(struct executor *x, const char *path, const char *value)
{
    int fd = procfs_open(x, path, O_WRONLY);
    if (fd < 0)
        return fd;
    ssize_t n = write(fd, value, strlen(value));
    int error = n < 0 ? errno : n == (ssize_t)strlen(value) ? 0 : EIO;
    close(fd);
    return -error;
}

int procfs_read(struct executor *x, const char *path, char *buffer, size_t size)
{
    int fd = procfs_open(x, path, O_RDONLY);
    if (fd < 0)
        return fd;
    size_t used = 0;
    ssize_t n = 0;
    while (used < size - 1 && (n = read(fd, buffer + used, size - 1 - used)) > 0)
        used += (size_t)n;
    int error = n < 0 ? errno : 0;
    close(fd);
    buffer[used] = 0;
    return error ? -error : (int)used;
}
