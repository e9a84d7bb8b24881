#include "container.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRAIN_MAX (1024 * 1024) /* the most a pipe can hold */
#define KILL_AGAIN_MS 5

static struct container *containers;
static int container_count;

struct container *container_find(const char *id)
{
    for (struct container *at = containers; at != NULL; at = at->next)
        if (strcmp(at->id, id) == 0)
            return at;
    return NULL;
}

bool containers_none(void)
{
    return containers == NULL;
}

struct container *containers_first(void)
{
    return containers;
}

static void advance(struct timer *timer);

void container_schedule(struct container *container)
{
    timer_set(&container->advance, 0, advance);
}

static void launch_changed(struct launch *launch)
{
    container_schedule(CONTAINER_OF(launch->target, struct container, init));
}

static void init_ended(struct child *child)
{
    container_schedule(CONTAINER_OF(child, struct container, init));
}

static void oom_noticed(struct oom *oom)
{
    struct container *container = CONTAINER_OF(oom, struct container, oom);
    uint8_t data[256];
    struct writer body = {.data = data, .size = sizeof data};
    write_string(&body, container->id, strlen(container->id));
    send_event(SHIM_OOM, &body);
}

static void write_exit(struct writer *body, const struct container *container)
{
    write_string(body, container->id, strlen(container->id));
    write_i32(body, container->init.pid);
    write_i32(body, container->init.code);
    write_u8(body, container->oom_killed);
    write_u64(body, (uint64_t)container->exited_at);
}

static void write_container(struct writer *body, const struct container *container)
{
    bool exited = container->phase == EXITED;
    write_string(body, container->id, strlen(container->id));
    write_u8(body, exited                             ? SHIM_EXITED_STATE
                   : container->phase == RUNNING ? SHIM_RUNNING
                                                 : SHIM_CREATED);
    write_i32(body, container->init.pid);
    write_u64(body, container->init.start_time);
    write_u64(body, (uint64_t)container->started_at);
    write_u64(body, container->log.lost);
    write_u8(body, exited);
    if (exited)
        write_exit(body, container);
}

static void send_container(const struct requester *to, uint16_t kind,
                           const struct container *container, int64_t monotonic)
{
    uint8_t data[512];
    struct writer body = {.data = data, .size = sizeof data};
    write_container(&body, container);
    if (kind == SHIM_REPLY)
        write_u64(&body, (uint64_t)monotonic);
    send_frame(to, kind, &body);
}

static void launch_free(struct container *container)
{
    if (container->launch == NULL)
        return;
    launch_flush(container->launch);
    launch_forget(container->launch);
    free(container->launch);
    container->launch = NULL;
}

static void container_free(struct container *container)
{
    struct container **at = &containers;
    while (*at != NULL && *at != container)
        at = &(*at)->next;
    if (*at != NULL) {
        *at = container->next;
        container_count--;
    }
    execs_orphan(container);
    attachments_end(container, CODE_UNKNOWN, 0);
    launch_free(container);
    child_forget(&container->init);
    timer_stop(&container->advance);
    timer_stop(&container->kill);
    oom_close(&container->oom);
    standard_close(&container->standard);
    log_close(&container->log);
    fd_close(&container->start_fd);
    waiters_answer(&container->killers, 0, NULL);
    waiters_answer(&container->removers, 0, NULL);
    free(container->cgroups.paths);
    free(container->id);
    free(container);
    containers_changed();
}

static void container_exited(struct container *container)
{
    launch_free(container);
    fd_close(&container->start_fd);
    container->exited_at = now_unix();
    if (container->started_at > container->exited_at)
        container->exited_at = container->started_at;
    container->oom_killed = container->init.code == 128 + SIGKILL && !container->killed_by_us &&
                            oom_count(&container->oom) > 0;
    oom_close(&container->oom);
    container->phase = EXITED;
    /* Without a pid namespace of its own, others may still run: a container ends with its init. */
    if (container->emptying)
        container_empty_now(container);
    else if (cgroups_count(&container->cgroups) > 0)
        container_empty(container);
    for (int i = 0; i < 2; i++)
        output_drain(&container->standard.out[i], DRAIN_MAX);
    input_close(&container->standard.in);
    attachments_end(container, container->init.code, 0);
    uint8_t data[256];
    struct writer body = {.data = data, .size = sizeof data};
    write_exit(&body, container);
    send_event(SHIM_EXITED, &body);
}

/* A create that failed: answered when nothing of it is left. */
static void create_failed(struct container *container)
{
    struct launch *launch = container->launch;
    if (!launch_over(launch))
        return;
    if (cgroups_signal(&container->cgroups, SIGKILL, container->rounds >= CONTAINER_FREEZE_AFTER) > 0 &&
        container->rounds++ < CONTAINER_KILL_ROUNDS) {
        timer_set(&container->advance, KILL_AGAIN_MS, advance);
        return;
    }
    launch_flush(launch);
    launch_send_failure(launch, &launch->requester);
    container_free(container);
}

/* CREATING. False when the container was freed or has to wait. */
static void advance_create(struct container *container)
{
    struct launch *launch = container->launch;
    if (!launch->failed && launch->eof != 0 && !launch->ready)
        launch_kill(launch, ECANCELED, "vitrine-oci ended before the container was ready");
    /* init may say that it waits before vitrine-oci says that it made it; once vitrine-oci has ended, both are read. */
    if (!launch->failed && launch->ready && launch->oci.ended && container->init.pid == 0)
        launch_kill(launch, EPROTO, "vitrine-oci did not say which process is the container");
    if (launch->failed) {
        create_failed(container);
        return;
    }
    if (!launch->ready || !launch->oci.ended)
        return;
    container->phase = CREATED;
    terminal_take(&container->standard.terminal);
    launch_flush(launch);
    send_container(&launch->requester, SHIM_REPLY, container, now_monotonic());
    launch->requester.connection = NULL;
    container_schedule(container);
}

static void advance_start(struct container *container)
{
    struct launch *launch = container->launch;
    if (launch->failed) {
        if (!launch_over(launch))
            return;
        launch_flush(launch);
        launch_send_failure(launch, &launch->requester);
        container_exited(container);
    } else if (launch->eof != 0) {
        container->phase = RUNNING;
        container->started_at = now_unix();
        launch_flush(launch);
        send_container(&launch->requester, SHIM_REPLY, container, launch->eof);
        launch_free(container);
        container_schedule(container);
    }
}

static void advance(struct timer *timer)
{
    struct container *container = CONTAINER_OF(timer, struct container, advance);
    if (container->phase == CREATING) {
        advance_create(container);
    } else if (container->phase == STARTING) {
        advance_start(container);
    } else if (container->phase == EXITED) {
        if (container->removers != NULL && !container->emptying)
            container_free(container);
    } else if (container->init.ended) {
        container_exited(container);
        container_schedule(container);
    }
}

/* Fills in a new container; what fails is undone by container_free. Returns 0 or -errno, and what failed. */
static int prepare(struct container *container, const struct create_request *request, const char **what)
{
    *what = "no memory";
    container->id = strdup(request->container);
    container->cgroups.paths = malloc(request->cgroups_length + 1);
    container->launch = calloc(1, sizeof *container->launch);
    if (container->id == NULL || container->cgroups.paths == NULL || container->launch == NULL)
        return -ENOMEM;
    container->launch->report.fd = -1;
    memcpy(container->cgroups.paths, request->cgroups, request->cgroups_length);
    container->cgroups.length = request->cgroups_length;
    oom_open(&container->oom, &container->cgroups, oom_noticed);
    *what = "log file";
    return log_open(&container->log, request->log_path, request->line_max);
}

static int launch_container(struct container *container, const struct requester *from,
                            const struct create_request *request, int plan_fd)
{
    struct launch *launch = container->launch;
    struct launch_io theirs;
    launch->clone_index = request->clone_index;
    launch->target = &container->init;
    launch->target_ended = init_ended;
    launch->requester = *from;
    launch->changed = launch_changed;
    for (int i = 0; i < 2; i++) {
        container->standard.out[i].room = container_output_room;
        container->standard.out[i].data = container_output;
        container->standard.out[i].ended = container_output_ended;
    }
    int error = standard_open(&container->standard, container->io | SHIM_IO_STDOUT | SHIM_IO_STDERR,
                              &theirs);
    if (error == 0)
        error = pipe_open(&theirs.start, &container->start_fd);
    if (error == 0)
        error = launch_start(launch, plan_fd, &theirs);
    standard_close_theirs(&theirs);
    return error;
}

void container_create(const struct requester *from, const struct create_request *request, int plan_fd)
{
    if (container_find(request->container) != NULL) {
        send_error(from, EEXIST, "a container of this id exists");
        return;
    }
    if (container_count >= SHIM_CONTAINERS_MAX) {
        send_error(from, ENOSPC, "too many containers in one pod");
        return;
    }
    struct container *container = calloc(1, sizeof *container);
    const char *what = "no memory";
    int error = -ENOMEM;
    if (container != NULL) {
        container->io = request->io;
        container->start_fd = container->log.directory = container->log.fd = -1;
        container->oom.watch.fd = container->oom.counter = -1;
        container->standard.out[0].watch.fd = container->standard.out[1].watch.fd = -1;
        container->standard.in.watch.fd = container->standard.terminal.socket.fd = -1;
        container->standard.terminal.master = -1;
        error = prepare(container, request, &what);
        if (error == 0) {
            what = "vitrine-oci cannot be started";
            error = launch_container(container, from, request, plan_fd);
        }
    }
    if (error < 0) {
        send_error(from, -error, what);
        if (container != NULL)
            container_free(container);
        return;
    }
    container->next = containers;
    containers = container;
    container_count++;
    containers_changed();
}

void container_start(const struct requester *from, const char *id)
{
    struct container *container = container_find(id);
    if (container == NULL) {
        send_error(from, ENOENT, "no such container");
        return;
    }
    if (container->phase == EXITED || (container->phase == CREATED && container->init.ended)) {
        send_error(from, ESRCH, "the container has exited");
        return;
    }
    if (container->phase != CREATED) {
        send_error(from, EALREADY, "the container is not waiting to be started");
        return;
    }
    container->launch->requester = *from;
    container->phase = STARTING;
    if (write(container->start_fd, "", 1) != 1)
        launch_kill(container->launch, errno, "the container does not wait any more");
    fd_close(&container->start_fd);
    container_schedule(container);
}

void container_reopen_log(const struct requester *from, const char *id)
{
    struct container *container = container_find(id);
    int error = container == NULL           ? -ENOENT
                : container->phase == EXITED ? -ESRCH
                                             : log_reopen(&container->log);
    if (error == 0)
        send_frame(from, SHIM_REPLY, NULL);
    else
        send_error(from, -error, container == NULL           ? "no such container"
                                 : container->phase == EXITED ? "the container has exited"
                                                              : "log file");
}

void containers_list(const struct requester *from)
{
    for (struct container *at = containers; at != NULL; at = at->next)
        if (at->phase != CREATING)
            send_container(from, SHIM_CONTAINER, at, 0);
    send_frame(from, SHIM_REPLY, NULL);
}

void containers_disown(const struct connection *connection)
{
    for (struct container *at = containers; at != NULL; at = at->next) {
        if (at->launch != NULL && at->launch->requester.connection == connection)
            at->launch->requester.connection = NULL;
        for (struct waiter *waiter = at->removers; waiter != NULL; waiter = waiter->next)
            if (waiter->requester.connection == connection)
                waiter->requester.connection = NULL;
        for (struct waiter *waiter = at->killers; waiter != NULL; waiter = waiter->next)
            if (waiter->requester.connection == connection)
                waiter->requester.connection = NULL;
        attachments_disown(at, connection);
        input_disown(&at->standard.in, connection);
    }
}
