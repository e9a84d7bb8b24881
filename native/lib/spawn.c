/* Starting programs with vfork semantics from a process that has threads and much memory. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vitrine.h"

#define CHILD_STACK_SIZE (64u * 1024u)
#define FDS_MAX 32
#define SIGNAL_MAX 64

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1u << 2)
#endif

struct start {
    const char *path;
    char *const *argv;
    char *const *envp;
    const char *cwd;
    const int32_t *fds;
    int32_t fd_count;
    uint32_t flags;
    pid_t parent;
    volatile int error; /* written by the child: memory is shared until execve */
};

/* Puts fds[i] at i. First all of them above the target range, so that none is overwritten before its turn. */
static int place_fds(const struct start *start)
{
    int high[FDS_MAX];
    for (int32_t i = 0; i < start->fd_count; i++) {
        high[i] = fcntl(start->fds[i], F_DUPFD_CLOEXEC, FDS_MAX);
        if (high[i] < 0)
            return -1;
    }
    for (int32_t i = 0; i < start->fd_count; i++)
        if (dup2(high[i], i) < 0)
            return -1;
    return 0;
}

static void reset_signals(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    for (int number = 1; number <= SIGNAL_MAX; number++)
        sigaction(number, &dfl, NULL); /* KILL, STOP and libc's own refuse; they need no reset */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Async-signal-safe calls only: this runs in the caller's memory, on a stack of its own. */
static int child_main(void *argument)
{
    struct start *start = argument;
    if ((start->flags & VT_SPAWN_SETSID) != 0 && setsid() < 0)
        goto failed;
    if ((start->flags & VT_SPAWN_DIE_WITH_PARENT) != 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
            goto failed;
        /* The wait of vfork ends by SIGKILL: who died before the prctl sends no signal any more. */
        if (getppid() != start->parent)
            _exit(127);
    }
    if (start->cwd != NULL && chdir(start->cwd) < 0)
        goto failed;
    if (place_fds(start) < 0)
        goto failed;
    if (syscall(SYS_close_range, (unsigned)start->fd_count, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        goto failed;
    reset_signals();
    execve(start->path, start->argv, start->envp);
failed:
    start->error = errno;
    _exit(127);
}

int32_t vt_spawn(const char *path, char *const *argv, char *const *envp, const char *cwd,
                 const int32_t *fds, int32_t fd_count, uint32_t flags, int32_t *pidfd)
{
    if (fd_count < 0 || fd_count > FDS_MAX)
        return -EINVAL;
    char *stack = mmap(NULL, CHILD_STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return -errno;
    struct start start = {path, argv, envp, cwd, fds, fd_count, flags, getpid(), 0};
    sigset_t all, before;
    sigfillset(&all);
    /* No handler of ours may run in the child, which shares our memory. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int fd = -1;
    int pid = clone(child_main, stack + CHILD_STACK_SIZE,
                    CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &start, &fd);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, CHILD_STACK_SIZE);
    if (pid < 0)
        return -error;
    if (start.error != 0) {
        /* vfork ended because the child did, or is about to: wait for it, so that no zombie stays. */
        siginfo_t info;
        while (waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0 && errno == EINTR)
            ;
        close(fd);
        return -start.error;
    }
    *pidfd = fd;
    return pid;
}
