/*
 * vitrine-shim POD_ID [FD [IDLE_MS [EXECUTOR_FD]]]: owns the containers of one pod, and outlives the daemon that started it.
 *
 * Its working directory is the pod's shim directory, where it listens on `s`. FD is a connected socket to serve at
 * once, so that whoever starts it needs neither wait nor connect. EXECUTOR_FD is vitrine-oci itself, sealed, so that it need
 * not seal itself at each start; without it the file beside this one is used. It ignores SIGTERM, SIGINT and SIGHUP: only SHUTDOWN, or
 * IDLE_MS (30 seconds) without container and connection, ends it. Its oom_score_adj, cgroup and limits stay as they were.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "container.h"
#include "die.h"
#include "exec.h"
#include "shutdown.h"

#define FD_FIRST 10 /* lower numbers are the ones vitrine-oci gets its descriptors at */
#define SHUTDOWN_MS 12000

static const char *pod_id;
static uint64_t start_time;
static int idle_ms = SHIM_IDLE_MS;
static struct timer idle, late;
static struct requester closer;
static bool closing;

void hello_body(struct writer *body)
{
    write_u16(body, SHIM_PROTOCOL);
    write_i32(body, getpid());
    write_u64(body, start_time);
    write_string(body, pod_id, strlen(pod_id));
}

static void end(struct timer *timer)
{
    (void)timer;
    send_frame(&closer, SHIM_REPLY, NULL);
    connections_close();
    loop_end();
}

/* Looks whether the shim is still needed. */
static void reconsider(void)
{
    if (!containers_none() || !execs_none()) {
        timer_stop(&idle);
    } else if (closing) {
        timer_set(&idle, 0, end);
    } else if (connections_none()) {
        timer_set(&idle, idle_ms, end);
    } else {
        timer_stop(&idle);
    }
}

void containers_changed(void)
{
    reconsider();
}

void connections_changed(void)
{
    reconsider();
}

static void shutdown_late(struct timer *timer)
{
    (void)timer;
    send_error(&closer, ETIMEDOUT, "processes of the pod do not die");
    closer.connection = NULL;
    closing = false;
}

void shutdown_begin(const struct requester *from)
{
    if (closing && closer.connection != NULL)
        send_error(&closer, ECANCELED, "another client shuts the shim down");
    closer = *from;
    closing = true;
    timer_set(&late, SHUTDOWN_MS, shutdown_late);
    containers_remove_all();
    reconsider();
}

bool shutdown_begun(void)
{
    return closing;
}

void shutdown_disown(const struct connection *connection)
{
    if (closer.connection == connection)
        closer.connection = NULL;
}

/* The descriptors that are kept, in the order of their numbers from FD_FIRST on; -1 for one that is not there. */
struct kept {
    int connection;
    int executor;
};

/* Moves `*fd` to `number`, past everything that may stand there. */
static void keep(int *fd, int number)
{
    if (*fd < 0)
        return;
    if (dup3(*fd, number, O_CLOEXEC) < 0)
        die("a descriptor from the starter", errno);
    *fd = number;
}

/* Nothing of the starter's is kept but these, which move out of the way of the numbers below FD_FIRST. */
static void own_descriptors(struct kept *kept)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        die("/dev/null", errno);
    keep(&kept->connection, FD_FIRST);
    keep(&kept->executor, FD_FIRST + 1);
    /* Standard error stays the starter's until the shim listens. */
    if (dup2(null, 0) < 0 || dup2(null, 1) < 0)
        die("dup2", errno);
    if (syscall(SYS_close_range, FD_FIRST + 2, ~0U, 0) < 0)
        die("close_range", errno);
    if (kept->connection < 0)
        close(FD_FIRST);
    if (kept->executor < 0)
        close(FD_FIRST + 1);
    for (int i = 3; i < FD_FIRST; i++)
        if (i != null && dup3(null, i, O_CLOEXEC) < 0)
            die("dup3", errno);
}

static int number_of(const char *text, int least, int most, const char *what)
{
    char *rest;
    errno = 0;
    long number = strtol(text, &rest, 10);
    if (errno != 0 || rest == text || *rest != '\0' || number < least || number > most)
        die(what, 0);
    return (int)number;
}

/* Below FD_FIRST, so that moving one descriptor cannot overwrite the next. */
static int descriptor_of(const char *text)
{
    return number_of(text, 3, FD_FIRST - 1, "a descriptor is no number from 3 to 9");
}

static void ignore_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ, SIGTTOU, SIGTTIN, SIGTSTP, SIGQUIT};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        if (signal(ignored[i], SIG_IGN) == SIG_ERR)
            die("signal", errno);
}

int main(int argc, char **argv)
{
    struct process_stat stat;
    struct kept kept = {-1, -1};
    if (argc < 2 || argc > 5 || !id_ok(argv[1]))
        die("usage: vitrine-shim POD_ID [FD [IDLE_MS [EXECUTOR_FD]]]", 0);
    pod_id = argv[1];
    if (argc > 2)
        kept.connection = descriptor_of(argv[2]);
    if (argc > 3)
        idle_ms = number_of(argv[3], 1, 1 << 20, "IDLE_MS is no number");
    if (argc > 4)
        kept.executor = descriptor_of(argv[4]);
    own_descriptors(&kept);
    ignore_signals();
    setsid(); /* fails when we lead one already, which is as good */
    umask(022);
    prctl(PR_SET_NAME, "vitrine-shim");
    prctl(PR_SET_DUMPABLE, 0);
    if (process_stat(getpid(), &stat) < 0)
        die("/proc/self/stat", errno);
    start_time = stat.start_time;
    launches_open(kept.executor);
    loop_open();
    children_open();
    connections_open();
    if (dup2(0, STDERR_FILENO) < 0)
        die("dup2", errno);
    if (kept.connection >= 0)
        connection_adopt(kept.connection);
    reconsider();
    loop_run();
    return 0;
}
