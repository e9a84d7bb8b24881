/* System calls that C libraries have no wrapper for. They return -1 and errno, as wrappers do. */
#ifndef VITRINE_SYSCALLS_H
#define VITRINE_SYSCALLS_H

#include <linux/close_range.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* the same on every architecture; Linux 6.6 */
#endif

static inline int sys_openat2(int dir, const char *path, struct open_how *how)
{
    return (int)syscall(SYS_openat2, dir, path, how, sizeof *how);
}

static inline int sys_clone3(struct clone_args *args)
{
    return (int)syscall(SYS_clone3, args, sizeof *args);
}

static inline int sys_pidfd_open(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static inline int sys_pidfd_send_signal(int pidfd, int signal)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

static inline int sys_close_range(unsigned from, unsigned to, unsigned flags)
{
    return (int)syscall(SYS_close_range, from, to, flags);
}

static inline int sys_fsopen(const char *fstype)
{
    return (int)syscall(SYS_fsopen, fstype, FSOPEN_CLOEXEC);
}

static inline int sys_fsconfig(int fs, unsigned command, const char *key, const char *value)
{
    return (int)syscall(SYS_fsconfig, fs, command, key, value, 0);
}

static inline int sys_fsmount(int fs, unsigned attrs)
{
    return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attrs);
}

static inline int sys_open_tree(int dir, const char *path, unsigned flags)
{
    return (int)syscall(SYS_open_tree, dir, path, flags | OPEN_TREE_CLOEXEC);
}

static inline int sys_move_mount(int from, int to)
{
    return (int)syscall(SYS_move_mount, from, "", to, "",
                        MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static inline int sys_mount_setattr(int fd, unsigned flags, struct mount_attr *attr)
{
    return (int)syscall(SYS_mount_setattr, fd, "", flags, attr, sizeof *attr);
}

static inline int sys_execveat(int fd, char *const argv[], char *const env[])
{
    return (int)syscall(SYS_execveat, fd, "", argv, env, 0x1000 /* AT_EMPTY_PATH */);
}

static inline int sys_fchmodat2(int dir, const char *path, mode_t mode, unsigned flags)
{
    return (int)syscall(SYS_fchmodat2, dir, path, mode, flags);
}

#endif
