#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "die.h"
#include "text.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static struct child *children;
static struct watch signals = {.fd = -1};

int pidfd_of(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : fd;
}

int pidfd_signal(int pidfd, int signal)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int process_stat(pid_t pid, struct process_stat *stat)
{
    char path[64], line[1024];
    text_join(path, sizeof path, (const char *[]){"/proc/", text_of_number((uint64_t)pid), "/stat", NULL});
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    ssize_t length = read(fd, line, sizeof line - 1);
    close(fd);
    if (length <= 0)
        return -ESRCH;
    line[length] = '\0';
    /* The name may hold spaces and parentheses; the last one ends it. */
    char *at = strrchr(line, ')');
    if (at == NULL || at[1] != ' ')
        return -EPROTO;
    at += 2;
    stat->state = *at;
    /* at is field 3; parent is 4, session 6, start time 22. */
    for (int field = 3; field <= 22; field++) {
        if (field == 4)
            stat->parent = (pid_t)strtol(at, NULL, 10);
        if (field == 6)
            stat->session = (pid_t)strtol(at, NULL, 10);
        if (field == 22)
            stat->start_time = strtoull(at, NULL, 10);
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return 0;
}

bool child_lives(const struct child *child)
{
    return child->pid != 0 && !child->ended;
}

static void child_ended(struct child *child, int code, int signal)
{
    child->ended = true;
    child->code = code;
    child->signal = signal;
    loop_close(&child->watch);
    child->on_end(child);
}

/* Reaps the child if it has ended and is ours. False when it is not ours (yet). */
static bool reap(struct child *child)
{
    siginfo_t info = {0};
    int result = waitid((idtype_t)P_PIDFD, (id_t)child->watch.fd, &info, WEXITED | WNOHANG);
    if (result < 0)
        return errno != ECHILD;
    if (info.si_pid == 0)
        return true;
    if (info.si_code == CLD_EXITED)
        child_ended(child, info.si_status, 0);
    else
        child_ended(child, 128 + info.si_status, info.si_status);
    return true;
}

static void pidfd_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    struct child *child = CONTAINER_OF(watch, struct child, watch);
    /* A process whose parent vitrine-oci still lives is not ours to reap; SIGCHLD will tell when it is. */
    if (!reap(child))
        loop_change(watch, 0);
}

int child_adopt(struct child *child, pid_t pid, pid_t parent, void (*on_end)(struct child *child))
{
    struct process_stat stat;
    int fd = pidfd_of(pid);
    if (fd < 0)
        return fd;
    int error = process_stat(pid, &stat);
    if (error == 0 && stat.parent != parent && stat.parent != getpid())
        error = -ESRCH;
    /* Still there now, so the pid was not reused between pidfd_open and the look at /proc. */
    if (error == 0)
        error = pidfd_signal(fd, 0);
    if (error == 0)
        error = loop_watch(&child->watch, fd, EPOLLIN, pidfd_ready);
    if (error < 0) {
        close(fd);
        child->watch.fd = -1;
        return error;
    }
    child->pid = pid;
    child->start_time = stat.start_time;
    child->ended = false;
    child->on_end = on_end;
    child->next = children;
    children = child;
    return 0;
}

void child_signal(const struct child *child, int signal)
{
    if (child_lives(child))
        pidfd_signal(child->watch.fd, signal);
}

void child_recheck(struct child *child)
{
    if (child_lives(child) && !reap(child))
        child_ended(child, CODE_UNKNOWN, 0);
}

void child_forget(struct child *child)
{
    if (child->pid == 0)
        return;
    for (struct child **at = &children; *at != NULL; at = &(*at)->next)
        if (*at == child) {
            *at = child->next;
            break;
        }
    loop_close(&child->watch);
    child->pid = 0;
}

static struct child *child_with(pid_t pid)
{
    for (struct child *at = children; at != NULL; at = at->next)
        if (at->pid == pid && !at->ended)
            return at;
    return NULL;
}

/* Whether a process runs vitrine-oci: the file, or the sealed copy of it that the executor makes of itself. */
static bool is_oci(pid_t pid, const char *oci_path)
{
    static const char sealed[] = "/memfd:vitrine";
    char path[64], target[4096];
    text_join(path, sizeof path, (const char *[]){"/proc/", text_of_number((uint64_t)pid), "/exe", NULL});
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    return strncmp(target, sealed, sizeof sealed - 1) == 0 ||
           strncmp(target, oci_path, strlen(oci_path)) == 0;
}

pid_t child_stray(const char *oci_path)
{
    char path[64], data[4096], *at = data;
    const char *self = text_of_number((uint64_t)getpid());
    text_join(path, sizeof path, (const char *[]){"/proc/self/task/", self, "/children", NULL});
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, data, sizeof data - 1);
    if (fd >= 0)
        close(fd);
    data[length < 0 ? 0 : length] = '\0';
    for (;;) {
        char *end;
        pid_t pid = (pid_t)strtol(at, &end, 10);
        if (end == at)
            return 0;
        if (child_with(pid) == NULL && is_oci(pid, oci_path))
            return pid;
        at = end;
    }
}

/* Orphans of containers without a pid namespace of their own come to us, the subreaper. */
static void sigchld_ready(struct watch *watch, uint32_t events)
{
    struct signalfd_siginfo ignored[8];
    (void)events;
    while (read(watch->fd, ignored, sizeof ignored) > 0)
        ;
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
            return;
        if (child_with(info.si_pid) == NULL)
            reports_read_all();
        struct child *child = child_with(info.si_pid);
        if (child != NULL)
            reap(child);
        else
            waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
    }
}

void children_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
        die("sigprocmask", errno);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        die("prctl(PR_SET_CHILD_SUBREAPER)", errno);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0 || loop_watch(&signals, fd, EPOLLIN, sigchld_ready) < 0)
        die("signalfd", errno);
}
