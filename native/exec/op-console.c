/*
 * The terminal: a pty of the container's own devpts, its slave made the controlling terminal and
 * stdio, its master sent to the shim. Nothing is reached by a name that the container could swap:
 * the slave comes from the master (TIOCGPTPEER), and both are verified (CVE-2025-52565).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "path.h"
#include "syscalls.h"

#define PTMX_INO 2 /* of every devpts instance */
#define PTS_MAJOR 136

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

static bool is_devpts(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC;
}

static int open_master(struct executor *x, uint16_t at)
{
    struct stat st;
    int path = open_at(x, at, "dev/pts/ptmx", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
    if (path < 0)
        return fail(x, -path, "dev/pts/ptmx");
    bool good = is_devpts(path) && fstat(path, &st) == 0 && S_ISCHR(st.st_mode) &&
                st.st_ino == PTMX_INO && st.st_rdev == makedev(5, 2);
    close(path);
    if (!good)
        return fail(x, ENODEV, "dev/pts/ptmx is not the multiplexer of a devpts");
    int master = open_at(x, at, "dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
    if (master < 0)
        return fail(x, -master, "dev/pts/ptmx");
    if (!is_devpts(master) || fstat(master, &st) < 0 || st.st_rdev != makedev(5, 2)) {
        close(master);
        return fail(x, ENODEV, "dev/pts/ptmx changed while it was opened");
    }
    return master;
}

static int open_slave(struct executor *x, int master)
{
    struct stat st;
    int unlock = 0;
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
        return fail(x, errno, "unlocking the pty");
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return fail(x, errno, "the pty's slave");
    if (!is_devpts(slave) || fstat(slave, &st) < 0 || major(st.st_rdev) != PTS_MAJOR) {
        close(slave);
        return fail(x, ENODEV, "the pty's slave is none of a devpts");
    }
    return slave;
}

static int send_master(struct executor *x, int master)
{
    int to = slot_fd(x, PLAN_SLOT_CONSOLE, "console");
    if (to < 0)
        return to;
    char byte = 0;
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    memset(&control, 0, sizeof control);
    struct iovec iov = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &master, sizeof(int));
    return sendmsg(to, &message, MSG_NOSIGNAL) < 0 ? fail(x, errno, "console socket") : 0;
}

/* The slave as dev/console of init: a bind mount, made fd onto fd. */
static int bind_console(struct executor *x, uint16_t at, int slave)
{
    char name[256];
    int dev = open_parent(x, at, "dev/console", name);
    if (dev < 0)
        return fail(x, -dev, "dev/console");
    int made = openat(dev, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0620);
    if (made >= 0)
        close(made);
    int target = openat(dev, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;
    close(dev);
    if (target < 0)
        return fail(x, error, "dev/console");
    struct stat st;
    int clone = -1;
    if (fstat(target, &st) < 0 || S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))
        errno = ENODEV;
    else
        clone = sys_open_tree(slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
    int result = clone < 0 || sys_move_mount(clone, target) < 0 ? fail(x, errno, "dev/console") : 0;
    if (clone >= 0)
        close(clone);
    close(target);
    return result;
}

static int take_terminal(struct executor *x, const struct op *op, int slave)
{
    struct winsize size = {.ws_row = op->u.console.height, .ws_col = op->u.console.width};
    if ((size.ws_row || size.ws_col) && ioctl(slave, TIOCSWINSZ, &size) < 0)
        return fail(x, errno, "window size");
    if (x->self == PROCESS_INIT) {
        int result = bind_console(x, op->at, slave);
        if (result < 0)
            return result;
    }
    if (ioctl(slave, TIOCSCTTY, 0) < 0)
        return fail(x, errno, "controlling terminal");
    for (int fd = 0; fd < 3; fd++)
        if (dup2(slave, fd) < 0)
            return fail(x, errno, "stdio");
    return 0;
}

int op_console(struct executor *x, const struct op *op)
{
    int master = open_master(x, op->at);
    if (master < 0)
        return master;
    int slave = open_slave(x, master);
    int result = slave < 0 ? slave : take_terminal(x, op, slave);
    if (result == 0)
        result = send_master(x, master);
    if (slave > 2)
        close(slave);
    close(master);
    return result;
}
