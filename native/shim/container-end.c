/* How containers end: signals, killing by cgroup until nobody is left, removal. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"

#define KILL_AGAIN_MS 5

bool waiter_add(struct waiter **list, const struct requester *from)
{
    struct waiter *waiter = malloc(sizeof *waiter);
    if (waiter == NULL) {
        send_error(from, ENOMEM, "no memory");
        return false;
    }
    *waiter = (struct waiter){.next = *list, .requester = *from};
    *list = waiter;
    return true;
}

void waiters_answer(struct waiter **list, int error, const char *what)
{
    while (*list != NULL) {
        struct waiter *waiter = *list;
        *list = waiter->next;
        if (error == 0)
            send_frame(&waiter->requester, SHIM_REPLY, NULL);
        else
            send_error(&waiter->requester, error, what);
        free(waiter);
    }
}

/* One round of killing by cgroup; again until it is empty and init has gone. */
static void kill_round(struct timer *timer)
{
    struct container *container = CONTAINER_OF(timer, struct container, kill);
    child_signal(&container->init, SIGKILL);
    size_t left = cgroups_signal(&container->cgroups, SIGKILL, container->rounds >= CONTAINER_FREEZE_AFTER);
    if (left > 0 || child_lives(&container->init)) {
        if (++container->rounds < CONTAINER_KILL_ROUNDS) {
            timer_set(&container->kill, KILL_AGAIN_MS, kill_round);
            return;
        }
        waiters_answer(&container->killers, ETIMEDOUT, "processes of the container do not die");
        waiters_answer(&container->removers, ETIMEDOUT, "processes of the container do not die");
    }
    container->emptying = false;
    waiters_answer(&container->killers, 0, NULL);
    container_schedule(container);
}

void container_empty(struct container *container)
{
    if (container->emptying)
        return;
    container->emptying = true;
    container->rounds = 0;
    kill_round(&container->kill);
}

void container_empty_now(struct container *container)
{
    timer_set(&container->kill, 0, kill_round);
}

/* Whether init is a zombie already: a signal would reach nobody then. */
static bool is_dead(const struct container *container)
{
    struct process_stat stat;
    return !child_lives(&container->init) ||
           (process_stat(container->init.pid, &stat) == 0 && stat.state == 'Z');
}

void container_kill(const struct requester *from, const struct kill_request *request)
{
    struct container *container = container_find(request->container);
    if (container == NULL || container->phase == CREATING) {
        send_error(from, ENOENT, "no such container");
        return;
    }
    if (request->signal == SIGKILL && !is_dead(container))
        container->killed_by_us = true;
    if (request->all && request->signal == SIGKILL) {
        if (waiter_add(&container->killers, from))
            container_empty(container);
        return;
    }
    /* One hierarchy knows every process; through several some would get the signal twice. */
    const struct cgroups first = {.paths = container->cgroups.paths,
                                  .length = container->cgroups.length == 0
                                                ? 0
                                                : strlen(container->cgroups.paths) + 1};
    if (request->all && first.length > 0)
        cgroups_signal(&first, request->signal, false);
    else
        child_signal(&container->init, request->signal);
    send_frame(from, SHIM_REPLY, NULL);
}

static void remove_one(struct container *container)
{
    if (container->phase == CREATING) {
        launch_kill(container->launch, ECANCELED, "the container was removed while it was made");
    } else if (container->phase == EXITED) {
        container_schedule(container);
    } else {
        if (!is_dead(container))
            container->killed_by_us = true;
        container_empty(container);
    }
}

void container_remove(const struct requester *from, const char *id)
{
    struct container *container = container_find(id);
    if (container == NULL)
        send_frame(from, SHIM_REPLY, NULL);
    else if (waiter_add(&container->removers, from))
        remove_one(container);
}

void container_cancel(const struct requester *from)
{
    for (struct container *at = containers_first(); at != NULL; at = at->next)
        if (at->phase == CREATING && at->launch->requester.connection == from->connection &&
            at->launch->requester.id == from->id)
            launch_kill(at->launch, ECANCELED, "the caller gave up");
}

void containers_remove_all(void)
{
    static const struct requester nobody;
    for (struct container *at = containers_first(); at != NULL; at = at->next)
        if (waiter_add(&at->removers, &nobody))
            remove_one(at);
}
