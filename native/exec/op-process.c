/* Ops that make processes and let them wait for each other. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "namespaces.h"
#include "procfs.h"
#include "syscalls.h"

uint64_t namespace_flags(uint32_t set)
{
    static const struct {
        uint32_t bit;
        uint64_t flag;
    } map[] = {
        {PLAN_NS_MNT, CLONE_NEWNS},     {PLAN_NS_PID, CLONE_NEWPID},
        {PLAN_NS_NET, CLONE_NEWNET},    {PLAN_NS_IPC, CLONE_NEWIPC},
        {PLAN_NS_UTS, CLONE_NEWUTS},    {PLAN_NS_USER, CLONE_NEWUSER},
        {PLAN_NS_CGROUP, CLONE_NEWCGROUP}, {PLAN_NS_TIME, CLONE_NEWTIME},
    };
    uint64_t flags = 0;
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (set & map[i].bit)
            flags |= map[i].flag;
    return flags;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A pipe for each barrier of the Plan, made before the first clone3 so that both sides have it. */
static int make_barriers(struct executor *x)
{
    if (x->barriers_made)
        return 0;
    x->barriers_made = true;
    for (uint16_t i = 0; i < x->plan->count; i++) {
        struct op op;
        plan_op(x->plan, i, &op);
        if (op.code != OP_AWAIT && op.code != OP_RELEASE)
            continue;
        int *ends = x->barriers[op.u.barrier];
        if (ends[0] < 0 && pipe2(ends, O_CLOEXEC) < 0)
            return fail(x, errno, "barrier");
    }
    return 0;
}

/* Keeps only the ends this process uses, so that the death of the other one is an end of file. */
static void keep_own_ends(struct executor *x)
{
    bool awaits[PLAN_BARRIERS_MAX] = {false};
    bool releases[PLAN_BARRIERS_MAX] = {false};
    for (uint16_t i = 0; i < x->plan->count; i++) {
        struct op op;
        plan_op(x->plan, i, &op);
        if (op.process != x->self)
            continue;
        if (op.code == OP_AWAIT)
            awaits[op.u.barrier] = true;
        if (op.code == OP_RELEASE)
            releases[op.u.barrier] = true;
    }
    for (int i = 0; i < PLAN_BARRIERS_MAX; i++) {
        if (!awaits[i])
            close_end(&x->barriers[i][0]);
        if (!releases[i])
            close_end(&x->barriers[i][1]);
    }
}

/* One byte, or the end of file of a process that died: 0 or -ECANCELED. */
static int wait_byte(int fd)
{
    char byte;
    for (;;) {
        ssize_t n = read(fd, &byte, 1);
        if (n == 1)
            return 0;
        if (n == 0)
            return -ECANCELED;
        if (errno != EINTR)
            return -errno;
    }
}

static _Noreturn void child_main(struct executor *x, enum plan_process self, uint32_t namespaces)
{
    x->self = self;
    x->reports_used = 0;
    x->detail_length = 0;
    x->mounted_count = 0;
    x->own_mounts = x->own_mounts || (namespaces & PLAN_NS_MNT);
    x->parent = getppid();
    memset(x->child, 0, sizeof x->child);
    prctl(PR_SET_NAME, self == PROCESS_INIT ? "vitrine:[init]" : "vitrine:[exec]", 0, 0, 0);
    keep_own_ends(x);
    close_end(&x->gate[1]);
    if (x->gate[0] >= 0) {
        /* Ids mean nothing here before the maps are written; a dead parent never writes them. */
        if (wait_byte(x->gate[0]) < 0)
            _exit(EXIT_OP_FAILED);
        close_end(&x->gate[0]);
    }
    int result = run_process(x);
    report_flush(x);
    if (result < 0) {
        kill_children(x);
        undo_mounts(x);
    }
    _exit(result < 0 ? EXIT_OP_FAILED : 0);
}

/* Whether a later idMap of this process is what lets `child` go on. */
static bool has_id_map(struct executor *x, const struct op *clone)
{
    for (uint16_t i = (uint16_t)(clone->index + 1); i < x->plan->count; i++) {
        struct op op;
        plan_op(x->plan, i, &op);
        if (op.code == OP_ID_MAP && op.process == x->self && op.u.id_map.child == clone->u.clone.child)
            return true;
    }
    return false;
}

int op_clone3(struct executor *x, const struct op *op)
{
    int pidfd = -1;
    uint8_t child = op->u.clone.child;
    if (child == x->self || x->child[child] > 0)
        return fail(x, EINVAL, "child: that process runs already");
    struct clone_args args = {
        .flags = CLONE_PIDFD | namespace_flags(op->flags),
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
    };
    if (op->u.clone.cgroup != PLAN_SLOT_NONE) {
        int cgroup = slot_fd(x, op->u.clone.cgroup, "cgroup");
        if (cgroup < 0)
            return cgroup;
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)(unsigned)cgroup;
    }
    int error = make_barriers(x);
    if (error < 0)
        return error;
    if (has_id_map(x, op) && pipe2(x->gate, O_CLOEXEC) < 0)
        return fail(x, errno, "gate of the user namespace");
    report_flush(x); /* or the child would report them once more */
    int pid = sys_clone3(&args);
    if (pid == 0)
        child_main(x, child, op->flags);
    if (pid < 0) {
        error = errno;
        close_end(&x->gate[0]);
        close_end(&x->gate[1]);
        return fail(x, error, error == ENOSYS ? "clone3(2) is missing: Linux 5.12 or newer is needed"
                                              : "namespaces or cgroup");
    }
    x->child[child] = pid;
    x->child_pidfd[child] = pidfd;
    close_end(&x->gate[0]);
    keep_own_ends(x);
    return pid;
}

/* A child that was started and shall not live on: it is killed and reaped, by pidfd. */
void kill_children(struct executor *x)
{
    for (int i = 0; i < PLAN_PROCESSES; i++) {
        if (x->child[i] <= 0 || x->child_pidfd[i] < 0)
            continue;
        siginfo_t info;
        sys_pidfd_send_signal(x->child_pidfd[i], SIGKILL);
        while (waitid(P_PIDFD, (id_t)x->child_pidfd[i], &info, WEXITED) < 0 && errno == EINTR)
            continue;
        x->child[i] = 0;
    }
}

int op_unshare(struct executor *x, const struct op *op)
{
    if (unshare((int)namespace_flags(op->flags)) < 0)
        return fail(x, errno, "namespaces");
    if (op->flags & PLAN_NS_MNT)
        x->own_mounts = true;
    return 0;
}

int op_setns(struct executor *x, const struct op *op)
{
    int fd = slot_fd(x, op->fd, "fd");
    if (fd < 0)
        return fd;
    /* A procfs of the host stays usable in there; made later, it would show the container's view. */
    if (op->flags & (PLAN_NS_MNT | PLAN_NS_USER)) {
        x->own_mounts = true;
        x->foreign_root = x->foreign_root || (op->flags & PLAN_NS_MNT);
    }
    return setns(fd, (int)namespace_flags(op->flags)) < 0 ? fail(x, errno, "namespaces") : 0;
}

/* Field 22 of /proc/<pid>/stat; the name in field 2 may hold anything, so it starts at the last ")". */
static int64_t start_time_of(struct executor *x, int32_t pid)
{
    char path[32];
    char stat[1024];
    snprintf(path, sizeof path, "%d/stat", pid);
    int size = procfs_read(x, path, stat, sizeof stat);
    if (size < 0)
        return size;
    char *at = strrchr(stat, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? (int64_t)strtoull(at + 1, NULL, 10) : -EPROTO;
}

int op_pidfd_open(struct executor *x, const struct op *op)
{
    int fd = sys_pidfd_open(op->u.pidfd.pid);
    if (fd < 0) {
        int error = errno;
        fail(x, error, "pid ");
        detail_number(x, op->u.pidfd.pid);
        return -error;
    }
    if (op->u.pidfd.start_time != 0) {
        int64_t start = start_time_of(x, op->u.pidfd.pid);
        /* Alive after the look: so the stat that was read is of the process the fd holds. */
        bool alive = sys_pidfd_send_signal(fd, 0) == 0;
        if (!alive || start < 0 || (uint64_t)start != op->u.pidfd.start_time) {
            close(fd);
            x->detail_length = 0;
            fail(x, ESRCH, "pid ");
            detail_number(x, op->u.pidfd.pid);
            detail_text(x, alive ? " is another process by now" : " is gone");
            return -ESRCH;
        }
    }
    return slot_fill(x, op->as, fd);
}

static int write_map(struct executor *x, pid_t pid, const char *file, struct op_list map)
{
    static char lines[PLAN_MAPPINGS_MAX * 34 + 1];
    char path[48];
    size_t used = 0;
    if (map.count == 0)
        return 0;
    for (lines[0] = 0; map.count > 0;) {
        uint32_t inside = list_u32(&map);
        uint32_t outside = list_u32(&map);
        uint32_t size = list_u32(&map);
        map.count += 2; /* counted in triples */
        used += (size_t)snprintf(lines + used, sizeof lines - used, "%u %u %u\n", inside, outside, size);
    }
    snprintf(path, sizeof path, "%d/%s", pid, file);
    int error = procfs_write(x, path, lines);
    return error < 0 ? fail(x, -error, file) : 0;
}

int op_id_map(struct executor *x, const struct op *op)
{
    pid_t pid = x->child[op->u.id_map.child];
    if (pid <= 0 || x->gate[1] < 0)
        return fail(x, ESRCH, "child: no such process waits for its ids");
    int error = write_map(x, pid, "uid_map", op->u.id_map.uid);
    if (error == 0)
        error = write_map(x, pid, "gid_map", op->u.id_map.gid);
    if (error < 0)
        return error;
    ssize_t n = write(x->gate[1], "", 1);
    close_end(&x->gate[1]);
    return n == 1 ? 0 : fail(x, EPIPE, "child");
}

int op_await(struct executor *x, const struct op *op)
{
    int fd = x->barriers[op->u.barrier][0];
    if (fd < 0)
        return fail(x, EBADF, "barrier: nobody was cloned to meet there");
    report_flush(x);
    int error = wait_byte(fd);
    return error < 0 ? fail(x, -error, "barrier: the other process has ended") : 0;
}

int op_release(struct executor *x, const struct op *op)
{
    int *fd = &x->barriers[op->u.barrier][1];
    if (*fd < 0)
        return fail(x, EBADF, "barrier: nobody was cloned to meet there");
    ssize_t n = write(*fd, "", 1);
    int error = n == 1 ? 0 : errno;
    close_end(fd);
    return error ? fail(x, error == EPIPE ? ECANCELED : error, "barrier") : 0;
}

int op_await_start(struct executor *x, const struct op *op)
{
    int fd = slot_fd(x, PLAN_SLOT_START, "start");
    if (fd < 0)
        return fd;
    report_announce(x, REPORT_READY, op->index);
    int error = wait_byte(fd);
    close(fd);
    x->slots[PLAN_SLOT_START] = -1;
    return error < 0 ? fail(x, -error, "start: the shim has gone") : 0;
}
