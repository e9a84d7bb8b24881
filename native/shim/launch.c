#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "text.h"

#define FLUSH_MS 1
#define GRACE_MS 1000

/* Numbers the descriptors get in vitrine-oci. The shim's own begin at FD_FIRST, so none is in the way. */
enum { FD_PLAN = 3, FD_REPORT = 4, FD_START = 5, FD_CONSOLE = 6 };

static const char oci_died[] = "vitrine-oci ended before its Plan did";
static char oci_path[4096];
static struct launch *launches;

void launches_open(int executor)
{
    if (executor >= 0) {
        /* The child of posix_spawn(3) sees the same number below its own /proc/self until it has become the program. */
        text_join(oci_path, sizeof oci_path, (const char *[]){"/proc/self/fd/", text_of_number((uint64_t)executor), NULL});
        return;
    }
    ssize_t length = readlink("/proc/self/exe", oci_path, sizeof oci_path - 16);
    if (length <= 0)
        die("/proc/self/exe", errno);
    oci_path[length] = '\0';
    char *slash = strrchr(oci_path, '/');
    memcpy(slash + 1, "vitrine-oci", sizeof "vitrine-oci");
    if (access(oci_path, X_OK) < 0)
        die(oci_path, errno);
}

void reports_read_all(void)
{
    for (struct launch *at = launches; at != NULL; at = at->next)
        launch_read(at);
}

void launch_flush(struct launch *launch)
{
    timer_stop(&launch->flush);
    if (launch->batch_length > 0)
        send_frame_with(&launch->requester, SHIM_REPORT, NULL, launch->batch, launch->batch_length);
    launch->batch_length = 0;
}

static void flush_due(struct timer *timer)
{
    launch_flush(CONTAINER_OF(timer, struct launch, flush));
}

static void grace_over(struct timer *timer)
{
    struct launch *launch = CONTAINER_OF(timer, struct launch, grace);
    child_signal(&launch->oci, SIGKILL);
    child_signal(launch->target, SIGKILL);
}

/* Keeps the first failure, and sees to it that nothing of the Plan goes on. */
static void launch_fail(struct launch *launch, int32_t error, uint16_t index, uint8_t process,
                        const char *detail, size_t length)
{
    /* ECANCELED of one process only says that another failed: the other's reason is the better one. */
    if (launch->failed && (launch->error != ECANCELED || error == ECANCELED))
        return;
    launch->failed = true;
    launch->error = error;
    launch->failed_index = index;
    launch->failed_process = process;
    if (length > REPORT_DETAIL_MAX)
        length = REPORT_DETAIL_MAX;
    memcpy(launch->detail, detail, length);
    launch->detail[length] = '\0';
    /* The executor ends everything itself; this is for one that hangs. */
    timer_set(&launch->grace, GRACE_MS, grace_over);
}

void launch_kill(struct launch *launch, int error, const char *why)
{
    launch_fail(launch, error, REPORT_NO_INDEX, 0, why, strlen(why));
    child_signal(&launch->oci, SIGKILL);
    child_signal(launch->target, SIGKILL);
}

static void take_record(struct records *records, const struct report_header *header,
                        const uint8_t *record)
{
    struct launch *launch = CONTAINER_OF(records, struct launch, records);
    if (launch->batch_length + header->length > LAUNCH_BATCH)
        launch_flush(launch);
    memcpy(launch->batch + launch->batch_length, record, header->length);
    launch->batch_length = (uint16_t)(launch->batch_length + header->length);
    if (!launch->flush.armed)
        timer_set(&launch->flush, FLUSH_MS, flush_due);
    if (header->kind == REPORT_READY) {
        launch->ready = true;
        return;
    }
    if (header->error != 0 && (header->flags & REPORT_IGNORED) == 0) {
        launch_fail(launch, header->error, header->index, header->process,
                    (const char *)record + REPORT_HEADER_SIZE, header->length - REPORT_HEADER_SIZE);
        return;
    }
    if (header->kind != REPORT_OP || header->index != launch->clone_index || header->result <= 0 || launch->target->pid != 0)
        return;
    int error = child_adopt(launch->target, header->result, launch->oci.pid, launch->target_ended);
    if (error < 0)
        launch_kill(launch, -error, "the process that clone3 made cannot be watched");
}

void launch_read(struct launch *launch)
{
    uint8_t data[4096];
    while (launch->report.fd >= 0) {
        ssize_t length = read(launch->report.fd, data, sizeof data);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && errno == EAGAIN)
            break;
        if (length > 0 && records_feed(&launch->records, data, (size_t)length, take_record))
            continue;
        launch->eof = now_monotonic();
        loop_close(&launch->report);
        if (length > 0 || launch->records.length > 0)
            launch_kill(launch, EPROTO, "vitrine-oci reported what is no record");
    }
    launch->changed(launch);
}

static void report_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    launch_read(CONTAINER_OF(watch, struct launch, report));
}

/* It may have been killed between clone3 and the record that says so: then its child is ours, and nobody knows it. */
static void adopt_stray(struct launch *launch)
{
    if (launch->target->pid != 0)
        return;
    reports_read_all();
    pid_t pid = child_stray(oci_path);
    if (pid != 0)
        child_adopt(launch->target, pid, getpid(), launch->target_ended);
}

static void oci_ended(struct child *child)
{
    struct launch *launch = CONTAINER_OF(child, struct launch, oci);
    /* All that vitrine-oci reported is in the pipe now, the pid of its child too. */
    launch_read(launch);
    child_recheck(launch->target);
    if (child->code != 0) {
        adopt_stray(launch);
        launch_fail(launch, ECANCELED, REPORT_NO_INDEX, 0, oci_died, sizeof oci_died - 1);
        child_signal(launch->target, SIGKILL);
    }
    launch->changed(launch);
}

static int spawn_oci(int plan_fd, int report_fd, const struct launch_io *io, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char start[16], console[16];
    char *argv[] = {(char[]){"vitrine-oci"}, (char[]){"3"}, (char[]){"4"}, NULL, NULL, NULL};
    char *envp[] = {NULL};
    int count = 3;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return -error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                  POSIX_SPAWN_SETSID);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        const int map[][2] = {{io->in, 0}, {io->out, 1}, {io->err, 2}, {plan_fd, FD_PLAN},
                              {report_fd, FD_REPORT}, {io->start, FD_START}, {io->console, FD_CONSOLE}};
        for (size_t i = 0; error == 0 && i < sizeof map / sizeof map[0]; i++)
            if (map[i][0] >= 0)
                error = posix_spawn_file_actions_adddup2(&actions, map[i][0], map[i][1]);
        if (io->start >= 0) {
            text_join(start, sizeof start, (const char *[]){"start=", text_of_number(FD_START), NULL});
            argv[count++] = start;
        }
        if (io->console >= 0) {
            text_join(console, sizeof console, (const char *[]){"console=", text_of_number(FD_CONSOLE), NULL});
            argv[count++] = console;
        }
        if (error == 0)
            error = posix_spawn(pid, oci_path, &actions, &attributes, argv, envp);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

int launch_start(struct launch *launch, int plan_fd, const struct launch_io *io)
{
    int pipes[2];
    pid_t pid;
    launch->report.fd = launch->oci.watch.fd = -1;
    if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    /* Only our end may be non-blocking: the executor's writes must arrive whole. */
    fcntl(pipes[1], F_SETFL, 0);
    int error = spawn_oci(plan_fd, pipes[1], io, &pid);
    close(pipes[1]);
    if (error < 0) {
        close(pipes[0]);
        return error;
    }
    launch->next = launches;
    launches = launch;
    error = child_adopt(&launch->oci, pid, getpid(), oci_ended);
    if (error == 0)
        error = loop_watch(&launch->report, pipes[0], EPOLLIN, report_ready);
    if (error < 0) {
        /* Only memory or descriptors can be short here; the process is ours and unreaped, so its pid is safe. */
        kill(pid, SIGKILL);
        close(pipes[0]);
        launch->report.fd = -1;
        launch_forget(launch);
    }
    return error;
}

bool launch_over(const struct launch *launch)
{
    return launch->oci.ended && !child_lives(launch->target);
}

void launch_send_failure(const struct launch *launch, const struct requester *to)
{
    uint8_t data[1024];
    struct writer body = {.data = data, .size = sizeof data};
    write_i32(&body, launch->error);
    write_u16(&body, launch->failed_index);
    write_u8(&body, launch->failed_process);
    write_string(&body, launch->detail, strlen(launch->detail));
    send_frame(to, SHIM_ERROR, &body);
}

void launch_forget(struct launch *launch)
{
    for (struct launch **at = &launches; *at != NULL; at = &(*at)->next)
        if (*at == launch) {
            *at = launch->next;
            break;
        }
    timer_stop(&launch->flush);
    timer_stop(&launch->grace);
    loop_close(&launch->report);
    child_forget(&launch->oci);
}
