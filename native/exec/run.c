/* Runs the ops of one process of a Plan, one after another, and reports each. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor.h"

void executor_init(struct executor *x, const struct plan *plan, enum plan_process self)
{
    memset(x, 0, sizeof *x);
    x->plan = plan;
    x->self = self;
    x->report_fd = x->procfs = x->null_device = x->mask_mount = -1;
    x->gate[0] = x->gate[1] = -1;
    x->umask = 022;
    x->parent = getppid();
    for (int i = 0; i < PLAN_SLOTS_MAX; i++)
        x->slots[i] = -1;
    for (int i = 0; i < PLAN_PROCESSES; i++)
        x->child_pidfd[i] = -1;
    for (int i = 0; i < PLAN_BARRIERS_MAX; i++)
        x->barriers[i][0] = x->barriers[i][1] = -1;
    x->need_sysctl = plan_has(plan, -1, OP_SYSCTL);
}

bool plan_has(const struct plan *plan, int process, uint16_t code)
{
    for (uint16_t i = 0; i < plan->count; i++) {
        const uint8_t *header = plan->bytes + plan->offset[i];
        if ((header[0] | header[1] << 8) == code && (process < 0 || header[2] == process))
            return true;
    }
    return false;
}

int slot_fd(struct executor *x, uint16_t slot, const char *argument)
{
    int fd = slot < PLAN_SLOTS_MAX ? x->slots[slot] : -1;
    if (fd >= 0)
        return fd;
    fail(x, EBADF, argument);
    detail_text(x, ": slot is empty");
    return -EBADF;
}

int slot_fill(struct executor *x, uint16_t slot, int fd)
{
    if (fd < 0)
        return fd;
    if (x->slots[slot] > 2)
        close(x->slots[slot]);
    x->slots[slot] = fd;
    return fd;
}

static bool ignores(const struct op *op, int error)
{
    for (unsigned i = 0; i < op->ignore_count; i++)
        if ((op->ignore[2 * i] | op->ignore[2 * i + 1] << 8) == error)
            return true;
    return false;
}

bool library_allows(uint16_t code)
{
    switch ((enum plan_opcode)code) {
    case OP_PIDFD_OPEN:
    case OP_OPEN:
    case OP_CLOSE:
    case OP_MKDIR:
    case OP_MKNOD:
    case OP_SYMLINK:
    case OP_WRITE_FILE:
    case OP_CHMOD:
    case OP_CHOWN:
    case OP_UNLINK:
    case OP_RMDIR:
    case OP_REMOVE_TREE:
    case OP_RENAME:
    case OP_COPY_TREE:
    case OP_MOUNT:
    case OP_FSMOUNT:
    case OP_OPEN_TREE:
    case OP_MOUNT_SETATTR:
    case OP_MOVE_MOUNT:
    case OP_PROPAGATE:
    case OP_UMOUNT:
    case OP_SYSCTL:
    case OP_LINK_UP:
    case OP_OOM_SCORE_ADJ:
    case OP_DEVICE_FILTER:
        return true;
    case OP_CLONE3:
    case OP_UNSHARE:
    case OP_SETNS:
    case OP_ID_MAP:
    case OP_AWAIT:
    case OP_RELEASE:
    case OP_AWAIT_START:
    case OP_SETSID:
    case OP_CONSOLE:
    case OP_CLOSE_RANGE:
    case OP_EXECVE:
    case OP_PIVOT_ROOT:
    case OP_CHROOT:
    case OP_MASK_PATH:
    case OP_READONLY_PATH:
    case OP_SETHOSTNAME:
    case OP_SETDOMAINNAME:
    case OP_RLIMIT:
    case OP_UMASK:
    case OP_CHDIR:
    case OP_SETGROUPS:
    case OP_SETRESGID:
    case OP_SETRESUID:
    case OP_KEEP_CAPS:
    case OP_CAP_BOUNDING:
    case OP_CAPSET:
    case OP_NO_NEW_PRIVS:
    case OP_DUMPABLE:
    case OP_PARENT_DEATH_SIGNAL:
    case OP_CGROUP_JOIN:
    case OP_APPARMOR:
    case OP_SELINUX:
    case OP_SECCOMP:
        return false;
    }
    return false;
}

/* One op. Each case says what must hold whatever the Plan and the container's files say. */
int execute_op(struct executor *x, const struct op *op)
{
    switch ((enum plan_opcode)op->code) {
    case OP_CLONE3: /* no CLONE_VM: the child can corrupt nothing of ours; born inside its cgroup */
        return op_clone3(x, op);
    case OP_UNSHARE: /* this process is single-threaded, so the whole of it moves */
        return op_unshare(x, op);
    case OP_SETNS: /* by fd only, never by a pid or path that may mean another by now */
        return op_setns(x, op);
    case OP_PIDFD_OPEN: /* the start time is compared after the fd is held: no reused pid passes */
        return op_pidfd_open(x, op);
    case OP_ID_MAP: /* written by the parent through the private procfs, before the child runs an op */
        return op_id_map(x, op);
    case OP_AWAIT: /* a dead peer is end of file, never an endless wait */
        return op_await(x, op);
    case OP_RELEASE:
        return op_release(x, op);
    case OP_AWAIT_START: /* end of file means that the shim is gone: then nobody must start */
        return op_await_start(x, op);
    case OP_SETSID:
        return setsid() < 0 ? -errno : 0;
    case OP_CONSOLE: /* ptmx and slave are verified to be devpts before use (CVE-2025-52565) */
        return op_console(x, op);
    case OP_CLOSE_RANGE: /* a real close, not a flag: nothing is left for /proc/self/fd (CVE-2024-21626) */
        return op_close_range(x, op);
    case OP_EXECVE: /* cwd inside the root, no fd but stdio, default signals: checked once more here */
        return op_execve(x, op);
    case OP_OPEN: /* inside its slot or not at all */
        return op_open(x, op);
    case OP_CLOSE:
        return op_close(x, op);
    case OP_MKDIR: /* step by step on fds: no component is looked up twice (CVE-2024-45310) */
        return op_mkdir(x, op);
    case OP_MKNOD: /* in a parent held by fd: /dev may be a symlink to the host's (CVE-2026-41579) */
        return op_mknod(x, op);
    case OP_SYMLINK: /* as mknod (CVE-2024-5154) */
        return op_symlink(x, op);
    case OP_WRITE_FILE: /* never through a symlink at the last component (CVE-2025-24965) */
        return op_write_file(x, op);
    case OP_CHMOD: /* on an fd that was opened without following (CVE-2021-32760) */
        return op_chmod(x, op);
    case OP_CHOWN:
        return op_chown(x, op);
    case OP_UNLINK: /* in a parent held by fd: never the target of a symlink */
        return op_unlink(x, op, 0);
    case OP_RMDIR:
        return op_unlink(x, op, AT_REMOVEDIR);
    case OP_REMOVE_TREE: /* crosses no mount and no symlink: what others mounted there survives */
        return op_remove_tree(x, op);
    case OP_RENAME:
        return op_rename(x, op);
    case OP_COPY_TREE: /* both ends by fd inside the same root (CVE-2022-23648) */
        return op_copy_tree(x, op);
    case OP_MOUNT: /* the host's own mounts only: a path by name is a path that can be swapped */
        return op_mount(x, op);
    case OP_FSMOUNT: /* detached until moveMount: nobody can reach it half-made */
        return op_fsmount(x, op);
    case OP_OPEN_TREE: /* the source is held by fd from here on (subPath races, CVE-2021-25741) */
        return op_open_tree(x, op);
    case OP_MOUNT_SETATTR: /* before the mount is attached, so it is never writable for a moment */
        return op_mount_setattr(x, op);
    case OP_MOVE_MOUNT: /* fd onto fd, the target resolved once (CVE-2021-30465, CVE-2019-19921) */
        return op_move_mount(x, op);
    case OP_PROPAGATE:
        return op_propagate(x, op);
    case OP_PIVOT_ROOT: /* the old root is detached in the same op: no "/oldroot" ever exists */
        return op_pivot_root(x, op);
    case OP_CHROOT: /* the old root stays mounted: only for roots that pivot_root refuses */
        return op_chroot(x, op);
    case OP_UMOUNT: /* UMOUNT_NOFOLLOW always */
        return op_umount(x, op);
    case OP_MASK_PATH: /* binds a /dev/null that is verified to be one (CVE-2025-31133) */
        return op_mask_path(x, op);
    case OP_READONLY_PATH: /* read-only before it is attached */
        return op_readonly_path(x, op);
    case OP_SETHOSTNAME:
        return sethostname(op->path, strlen(op->path)) < 0 ? fail_path(x, errno, "name", op->path) : 0;
    case OP_SETDOMAINNAME:
        return setdomainname(op->path, strlen(op->path)) < 0 ? fail_path(x, errno, "name", op->path) : 0;
    case OP_SYSCTL: /* through the private procfs; key and value are two strings (CVE-2022-0811) */
        return op_sysctl(x, op);
    case OP_LINK_UP:
        return op_link_up(x, op);
    case OP_RLIMIT:
        return op_rlimit(x, op);
    case OP_OOM_SCORE_ADJ: /* through the private procfs (CVE-2025-52881) */
        return op_oom_score_adj(x, op);
    case OP_UMASK: /* takes effect at execve: until then modes are exact */
        x->umask = op->mode;
        return 0;
    case OP_CHDIR: /* no magic links, and getcwd must be inside the root (CVE-2024-21626) */
        return op_chdir(x, op);
    case OP_SETGROUPS: /* the whole list, replacing: nothing of the starter's groups stays */
        return op_setgroups(x, op);
    case OP_SETRESGID:
        return setresgid(op->gid, op->gid, op->gid) < 0 ? -errno : 0;
    case OP_SETRESUID: /* all three ids: no saved uid to return to */
        return setresuid(op->uid, op->uid, op->uid) < 0 ? -errno : 0;
    case OP_KEEP_CAPS:
        return prctl(PR_SET_KEEPCAPS, op->on ? 1 : 0, 0, 0, 0) < 0 ? -errno : 0;
    case OP_CAP_BOUNDING: /* every capability the kernel knows and the Plan does not keep */
        return op_cap_bounding(x, op);
    case OP_CAPSET: /* exactly these; ambient cleared first (CVE-2022-29162) */
        return op_capset(x, op);
    case OP_NO_NEW_PRIVS:
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
    case OP_DUMPABLE:
        return prctl(PR_SET_DUMPABLE, op->on ? 1 : 0, 0, 0, 0) < 0 ? -errno : 0;
    case OP_PARENT_DEATH_SIGNAL: /* and the parent must not have died before */
        return op_parent_death_signal(x, op);
    case OP_CGROUP_JOIN: /* the file system is verified to be a cgroup's */
        return op_cgroup_join(x, op);
    case OP_APPARMOR: /* through the private procfs; a profile that cannot be set is an error */
        return op_apparmor(x, op);
    case OP_SELINUX:
        return op_selinux(x, op);
    case OP_SECCOMP:
        return op_seccomp(x, op);
    case OP_DEVICE_FILTER: /* before any process is in the cgroup */
        return op_device_filter(x, op);
    }
    return -ENOSYS;
}

int run_process(struct executor *x)
{
    for (uint16_t i = 0; i < x->plan->count; i++) {
        struct op op;
        if (x->plan->bytes[x->plan->offset[i] + 2] != (uint8_t)x->self)
            continue;
        plan_op(x->plan, i, &op);
        x->detail_length = 0;
        uint64_t start = monotonic_ns();
        int result = execute_op(x, &op);
        bool ignored = result < 0 && ignores(&op, -result);
        report_op(x, i, result, ignored, start);
        if (result < 0 && !ignored)
            return result;
    }
    return 0;
}
