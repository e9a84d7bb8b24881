#include "exec.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"

#define BACKLOG_MAX (64 * 1024)
#define KILL_AGAIN_MS 10
#define KILL_ROUNDS 200
#define PIPE_MAX (1024 * 1024)

struct exec {
    struct exec *next;
    struct container *container; /* NULL when that was removed */
    struct requester requester;
    struct launch *launch; /* NULL once the command runs */
    struct child child;
    pid_t oci_pid; /* session of the command, unless it made its own */
    struct standard standard;
    uint64_t left[2]; /* bytes still wanted of stdout and stderr */
    uint32_t window[2];
    uint32_t drain_ms;
    uint8_t flags; /* SHIM_END_* */
    bool killing, drain_over, exit_seen;
    int rounds;
    struct timer advance, timeout, drain, kill;
};

static struct exec *execs;
static int exec_count;

bool execs_none(void)
{
    return execs == NULL;
}

static void advance(struct timer *timer);

static void schedule(struct exec *exec)
{
    timer_set(&exec->advance, 0, advance);
}

static void launch_changed(struct launch *launch)
{
    schedule(CONTAINER_OF(launch->target, struct exec, child));
}

static void command_ended(struct child *child)
{
    schedule(CONTAINER_OF(child, struct exec, child));
}

static struct exec *exec_of(struct output *output)
{
    return output->stream == SHIM_STDOUT ? CONTAINER_OF(output, struct exec, standard.out[0])
                                         : CONTAINER_OF(output, struct exec, standard.out[1]);
}

/* Bytes the client can take now. Beyond what it wants at all, output is read and thrown away. */
static size_t output_room(struct output *output)
{
    struct exec *exec = exec_of(output);
    int i = output->stream - 1;
    if (exec->requester.connection == NULL || exec->left[i] == 0)
        return SIZE_MAX;
    if (send_backlog(&exec->requester) > BACKLOG_MAX)
        return 0;
    return exec->window[i];
}

static void output_data(struct output *output, const uint8_t *data, size_t length)
{
    struct exec *exec = exec_of(output);
    int i = output->stream - 1;
    size_t given = length < exec->left[i] ? length : (size_t)exec->left[i];
    if (given < length)
        exec->flags |= i == 0 ? SHIM_END_STDOUT_CUT : SHIM_END_STDERR_CUT;
    exec->left[i] -= given;
    if (given == 0 || exec->requester.connection == NULL)
        return;
    exec->window[i] -= (uint32_t)given;
    uint8_t head[16];
    struct writer body = {.data = head, .size = sizeof head};
    write_u8(&body, (uint8_t)output->stream);
    write_u64(&body, 0);
    send_frame_with(&exec->requester, SHIM_OUTPUT, &body, data, given);
}

static void output_ended(struct output *output)
{
    schedule(exec_of(output));
}

static void exec_free(struct exec *exec)
{
    struct exec **at = &execs;
    while (*at != NULL && *at != exec)
        at = &(*at)->next;
    if (*at != NULL) {
        *at = exec->next;
        exec_count--;
    }
    if (exec->launch != NULL) {
        launch_forget(exec->launch);
        free(exec->launch);
    }
    child_forget(&exec->child);
    standard_close(&exec->standard);
    timer_stop(&exec->advance);
    timer_stop(&exec->timeout);
    timer_stop(&exec->drain);
    timer_stop(&exec->kill);
    free(exec);
    containers_changed();
}

static void wake(struct exec *exec)
{
    output_wake(&exec->standard.out[0]);
    output_wake(&exec->standard.out[1]);
    if (exec->exit_seen)
        schedule(exec);
}

/* Kills the command, its session and its descendants, until none is found any more. */
static void kill_round(struct timer *timer)
{
    static const struct cgroups everywhere;
    struct exec *exec = CONTAINER_OF(timer, struct exec, kill);
    const struct cgroups *cgroups = exec->container == NULL ? &everywhere : &exec->container->cgroups;
    size_t killed = session_kill(cgroups, exec->child.pid, exec->oci_pid);
    child_signal(&exec->child, SIGKILL);
    if ((killed > 0 || child_lives(&exec->child)) && ++exec->rounds < KILL_ROUNDS) {
        timer_set(&exec->kill, KILL_AGAIN_MS, kill_round);
        return;
    }
    exec->killing = false;
    schedule(exec);
}

static void exec_kill(struct exec *exec, int error, const char *why)
{
    if (error == ECANCELED) { /* nobody wants the output any more, so nobody is waited for */
        exec->left[0] = exec->left[1] = 0;
        wake(exec);
    }
    if (exec->launch != NULL) {
        launch_kill(exec->launch, error, why);
    } else if (!exec->killing) {
        exec->killing = true;
        exec->rounds = 0;
        kill_round(&exec->kill);
    }
}

static void timed_out(struct timer *timer)
{
    struct exec *exec = CONTAINER_OF(timer, struct exec, timeout);
    exec->flags |= SHIM_END_TIMED_OUT;
    exec_kill(exec, ETIMEDOUT, "the command was not started in time");
}

static void drained(struct timer *timer)
{
    struct exec *exec = CONTAINER_OF(timer, struct exec, drain);
    exec->drain_over = true;
    schedule(exec);
}

/* The report pipe has said all, or the launch has failed. False when the exec was freed or has to wait. */
static bool advance_launch(struct exec *exec)
{
    struct launch *launch = exec->launch;
    if (!launch->failed && launch->eof != 0 && launch->oci.ended && exec->child.pid == 0)
        launch_kill(launch, EPROTO, "vitrine-oci did not say which process is the command");
    if (launch->failed) {
        if (!launch_over(launch))
            return false;
        launch_flush(launch);
        launch_send_failure(launch, &exec->requester);
        exec_free(exec);
        return false;
    }
    if (launch->eof == 0 || !launch->oci.ended)
        return false;
    terminal_take(&exec->standard.terminal);
    launch_flush(launch);
    uint8_t data[16];
    struct writer body = {.data = data, .size = sizeof data};
    write_i32(&body, exec->child.pid);
    write_u64(&body, (uint64_t)launch->eof);
    send_frame(&exec->requester, SHIM_REPLY, &body);
    launch_forget(launch);
    free(launch);
    exec->launch = NULL;
    if (exec->requester.connection == NULL)
        exec_kill(exec, ECANCELED, "");
    return true;
}

/* Whether an output waits for its client rather than for its writers. */
static bool waits_for_client(struct output *output)
{
    return output->watch.fd >= 0 && output_room(output) == 0;
}

static void advance(struct timer *timer)
{
    struct exec *exec = CONTAINER_OF(timer, struct exec, advance);
    struct output *out = exec->standard.out;
    if (exec->launch != NULL && !advance_launch(exec))
        return;
    if (!exec->child.ended || exec->killing)
        return;
    if (!exec->exit_seen) {
        exec->exit_seen = true;
        timer_stop(&exec->timeout);
        input_close(&exec->standard.in);
        /* What the command itself wrote lies in the pipes now; only what its children hold open is waited for. */
        for (int i = 0; i < 2; i++)
            output_drain(&out[i], PIPE_MAX);
        timer_set(&exec->drain, exec->drain_ms, drained);
    }
    if (!standard_silent(&exec->standard)) {
        if (!exec->drain_over)
            return;
        if (waits_for_client(&out[0]) || waits_for_client(&out[1]))
            return; /* the next WINDOW brings us here again */
        for (int i = 0; i < 2; i++)
            output_drain(&out[i], PIPE_MAX);
        if (!standard_silent(&exec->standard))
            exec->flags |= SHIM_END_HELD_OPEN;
    }
    uint8_t data[8];
    struct writer body = {.data = data, .size = sizeof data};
    write_i32(&body, exec->child.code);
    write_u8(&body, exec->flags);
    send_frame(&exec->requester, SHIM_END, &body);
    exec_free(exec);
}

static int launch_exec(struct exec *exec, const struct exec_request *request, int plan_fd)
{
    struct launch *launch = calloc(1, sizeof *launch);
    struct launch_io theirs;
    if (launch == NULL)
        return -ENOMEM;
    exec->launch = launch;
    launch->report.fd = -1;
    launch->clone_index = request->clone_index;
    launch->target = &exec->child;
    launch->target_ended = command_ended;
    launch->requester = exec->requester;
    launch->changed = launch_changed;
    for (int i = 0; i < 2; i++) {
        exec->standard.out[i].room = output_room;
        exec->standard.out[i].data = output_data;
        exec->standard.out[i].ended = output_ended;
    }
    int error = standard_open(&exec->standard, request->io, &theirs);
    if (error == 0)
        error = launch_start(launch, plan_fd, &theirs);
    standard_close_theirs(&theirs);
    exec->oci_pid = launch->oci.pid;
    return error;
}

void exec_start(const struct requester *from, const struct exec_request *request, int plan_fd)
{
    struct container *container = container_find(request->container);
    if (container == NULL || container->phase != RUNNING || container->init.ended) {
        send_error(from, container == NULL ? ENOENT : ESRCH,
                   container == NULL ? "no such container" : "the container is not running");
        return;
    }
    struct exec *exec = exec_count < SHIM_EXECS_MAX ? calloc(1, sizeof *exec) : NULL;
    if (exec == NULL) {
        send_error(from, ENOMEM, "too many commands");
        return;
    }
    exec->container = container;
    exec->requester = *from;
    exec->left[0] = request->output_max[0];
    exec->left[1] = request->output_max[1];
    exec->window[0] = exec->window[1] = SHIM_WINDOW;
    exec->drain_ms = request->drain_ms;
    exec->standard.in.watch.fd = -1;
    int error = launch_exec(exec, request, plan_fd);
    if (error < 0) {
        send_error(from, -error, "vitrine-oci cannot be started");
        exec_free(exec);
        return;
    }
    exec->next = execs;
    execs = exec;
    exec_count++;
    if (request->timeout_ms > 0)
        timer_set(&exec->timeout, request->timeout_ms, timed_out);
    containers_changed();
}

static bool frame_for(struct exec *exec, const struct frame *frame)
{
    struct resize_request size;
    struct window_request window;
    switch (frame->kind) {
    case SHIM_CANCEL:
        exec_kill(exec, ECANCELED, "the command was cancelled while it was started");
        return frame->body_length == 0;
    case SHIM_STDIN:
        return input_write(&exec->standard.in, &exec->requester, frame->body, frame->body_length);
    case SHIM_CLOSE_STDIN:
        input_finish(&exec->standard.in);
        return frame->body_length == 0;
    case SHIM_RESIZE:
        if (!decode_resize(frame, &size))
            return false;
        terminal_resize(&exec->standard.terminal, size.width, size.height);
        return true;
    case SHIM_WINDOW_ADD:
        if (!decode_window(frame, &window) || window.bytes > SHIM_WINDOW - exec->window[window.stream - 1])
            return false;
        exec->window[window.stream - 1] += window.bytes;
        wake(exec);
        return true;
    default:
        return false;
    }
}

bool exec_frame(const struct requester *from, const struct frame *frame, bool *good)
{
    for (struct exec *at = execs; at != NULL; at = at->next)
        if (at->requester.connection == from->connection && at->requester.id == from->id) {
            *good = frame_for(at, frame);
            return true;
        }
    return false;
}

void execs_wake(const struct connection *connection)
{
    for (struct exec *at = execs; at != NULL; at = at->next)
        if (at->requester.connection == connection)
            wake(at);
}

void execs_disown(const struct connection *connection)
{
    for (struct exec *at = execs; at != NULL; at = at->next) {
        input_disown(&at->standard.in, connection);
        if (at->requester.connection != connection)
            continue;
        at->requester.connection = NULL;
        if (at->launch != NULL)
            at->launch->requester.connection = NULL;
        exec_kill(at, ECANCELED, "the daemon has gone");
    }
}

void execs_orphan(const struct container *container)
{
    for (struct exec *at = execs; at != NULL; at = at->next)
        if (at->container == container) {
            at->container = NULL;
            exec_kill(at, ECANCELED, "the container has gone");
        }
}
