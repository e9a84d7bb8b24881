/* The event loop: file descriptors through epoll(7), and timers. One thread, no locks. */
#ifndef VITRINE_SHIM_LOOP_H
#define VITRINE_SHIM_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* A descriptor being watched. Lives inside what it belongs to; `fd` is -1 when closed. */
struct watch {
    int fd;
    uint32_t events;
    void (*ready)(struct watch *watch, uint32_t events);
};

struct timer {
    struct timer *next;
    int64_t due;
    bool armed;
    void (*fire)(struct timer *timer);
};

void loop_open(void);
/* Takes `fd` over. `events` 0 watches nothing yet. Returns 0 or -errno; EPERM (a regular file) too. */
int loop_watch(struct watch *watch, int fd, uint32_t events,
               void (*ready)(struct watch *watch, uint32_t events));
/* With 0 the descriptor leaves epoll, because epoll reports hang-ups even to those who ask for nothing. */
void loop_change(struct watch *watch, uint32_t events);
/* Closes the descriptor; events of it that are already fetched are forgotten. Twice is fine. */
void loop_close(struct watch *watch);

void timer_set(struct timer *timer, int64_t milliseconds, void (*fire)(struct timer *timer));
void timer_stop(struct timer *timer);

/* Runs until loop_end(). */
void loop_run(void);
void loop_end(void);

/* CLOCK_MONOTONIC and CLOCK_REALTIME, nanoseconds. */
int64_t now_monotonic(void);
int64_t now_unix(void);

#endif
