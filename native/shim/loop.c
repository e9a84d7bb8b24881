#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "die.h"

#define BATCH 32
#define NS_PER_MS 1000000

static int epoll_fd = -1;
static bool ended;
static struct timer *timers;
static struct epoll_event batch[BATCH];
static int batch_length;

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t now_monotonic(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t now_unix(void)
{
    return clock_ns(CLOCK_REALTIME);
}

void loop_open(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die("epoll_create1", errno);
}

int loop_watch(struct watch *watch, int fd, uint32_t events,
               void (*ready)(struct watch *watch, uint32_t events))
{
    watch->fd = fd;
    watch->events = 0;
    watch->ready = ready;
    if (events == 0)
        return 0;
    struct epoll_event event = {.events = events, .data = {.ptr = watch}};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    watch->events = events;
    return 0;
}

void loop_change(struct watch *watch, uint32_t events)
{
    if (watch->fd < 0 || watch->events == events)
        return;
    int how = events == 0 ? EPOLL_CTL_DEL : watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    struct epoll_event event = {.events = events, .data = {.ptr = watch}};
    if (epoll_ctl(epoll_fd, how, watch->fd, &event) == 0)
        watch->events = events;
}

void loop_close(struct watch *watch)
{
    if (watch->fd < 0)
        return;
    /* The open file may live on in a child that is being spawned, so closing alone does not leave epoll. */
    loop_change(watch, 0);
    close(watch->fd);
    watch->fd = -1;
    for (int i = 0; i < batch_length; i++)
        if (batch[i].data.ptr == watch)
            batch[i].data.ptr = NULL;
}

void timer_stop(struct timer *timer)
{
    if (!timer->armed)
        return;
    struct timer **at = &timers;
    while (*at != timer)
        at = &(*at)->next;
    *at = timer->next;
    timer->armed = false;
}

void timer_set(struct timer *timer, int64_t milliseconds, void (*fire)(struct timer *timer))
{
    timer_stop(timer);
    timer->due = now_monotonic() + milliseconds * NS_PER_MS;
    timer->fire = fire;
    timer->armed = true;
    struct timer **at = &timers;
    while (*at != NULL && (*at)->due <= timer->due)
        at = &(*at)->next;
    timer->next = *at;
    *at = timer;
}

/* Milliseconds until the first timer, rounded up so that it has come when epoll returns; -1 for none. */
static int wait_ms(void)
{
    if (timers == NULL)
        return -1;
    int64_t left = timers->due - now_monotonic();
    if (left <= 0)
        return 0;
    left = (left + NS_PER_MS - 1) / NS_PER_MS;
    return left > 3600000 ? 3600000 : (int)left;
}

static void fire_timers(void)
{
    int64_t now = now_monotonic();
    while (!ended && timers != NULL && timers->due <= now) {
        struct timer *timer = timers;
        timer_stop(timer);
        timer->fire(timer);
    }
}

void loop_run(void)
{
    while (!ended) {
        int count = epoll_wait(epoll_fd, batch, BATCH, wait_ms());
        if (count < 0 && errno != EINTR)
            die("epoll_wait", errno);
        batch_length = count < 0 ? 0 : count;
        for (int i = 0; i < batch_length && !ended; i++) {
            struct watch *watch = batch[i].data.ptr;
            if (watch != NULL)
                watch->ready(watch, batch[i].events);
        }
        batch_length = 0;
        fire_timers();
    }
}

void loop_end(void)
{
    ended = true;
}
