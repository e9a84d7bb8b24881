#include "oom.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "text.h"

#define AGAIN_MS 10
#define TRIES 5

/* The `oom_kill` line of the counter file; 0 where it cannot be read any more. */
static uint64_t read_counter(int fd)
{
    char data[1024];
    ssize_t length = fd < 0 ? -1 : pread(fd, data, sizeof data - 1, 0);
    if (length <= 0)
        return 0;
    data[length] = '\0';
    static const char key[] = "oom_kill ";
    for (const char *line = data; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, sizeof key - 1) == 0)
            return strtoull(line + sizeof key - 1, NULL, 10);
        if (*line == '\0')
            break;
    }
    return 0;
}

uint64_t oom_count(const struct oom *oom)
{
    uint64_t now = read_counter(oom->counter);
    return now > oom->first ? now - oom->first : 0;
}

/* Tells when the count has grown. v1 wakes us before it kills, so there the count is looked at a few times. */
static void look(struct oom *oom);

static void look_again(struct timer *timer)
{
    look(CONTAINER_OF(timer, struct oom, again));
}

static void look(struct oom *oom)
{
    uint64_t count = oom_count(oom);
    if (count > oom->told) {
        oom->told = count;
        oom->tries = 0;
        oom->killed(oom);
    } else if (oom->tries > 0) {
        oom->tries--;
        timer_set(&oom->again, AGAIN_MS, look_again);
    }
}

static void oom_ready(struct watch *watch, uint32_t events)
{
    struct oom *oom = CONTAINER_OF(watch, struct oom, watch);
    uint64_t ignored;
    (void)events;
    if (oom->eventfd && read(watch->fd, &ignored, sizeof ignored) < 0)
        return;
    /* The cgroup is being removed: nothing will come any more, and epoll would report that for ever. */
    char byte;
    if (pread(oom->counter, &byte, 1, 0) <= 0) {
        loop_close(watch);
        return;
    }
    oom->tries = oom->eventfd ? TRIES : 0;
    look(oom);
}

/* Asks for events on an eventfd: "EVENTFD COUNTER" written to cgroup.event_control (cgroup-v1/memory.rst). */
static bool watch_v1(struct oom *oom, int directory, int counter)
{
    char text[64];
    int control = openat(directory, "cgroup.event_control", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    int fd = control < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    size_t length = text_join(text, sizeof text,
                              (const char *[]){text_of_number((uint64_t)(fd < 0 ? 0 : fd)), " ",
                                               text_of_number((uint64_t)counter), NULL});
    bool good = fd >= 0 && write(control, text, length) == (ssize_t)length &&
                loop_watch(&oom->watch, fd, EPOLLIN, oom_ready) == 0;
    if (!good && fd >= 0) {
        close(fd);
        oom->watch.fd = -1;
    }
    if (control >= 0)
        close(control);
    oom->eventfd = true;
    return good;
}

static bool watch_v2(struct oom *oom, int counter)
{
    int fd = fcntl(counter, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (loop_watch(&oom->watch, fd, EPOLLPRI, oom_ready) == 0)
        return true;
    close(fd);
    oom->watch.fd = -1;
    return false;
}

void oom_open(struct oom *oom, const struct cgroups *cgroups, void (*killed)(struct oom *oom))
{
    *oom = (struct oom){.watch = {.fd = -1}, .counter = -1, .killed = killed};
    const char *end = cgroups->paths + cgroups->length;
    for (const char *path = cgroups->paths; path < end && oom->counter < 0; path += strlen(path) + 1) {
        int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
        int directory = open(path, flags | O_DIRECTORY);
        if (directory < 0)
            continue;
        oom->counter = openat(directory, "memory.events", flags);
        if (oom->counter >= 0) {
            watch_v2(oom, oom->counter);
        } else {
            oom->counter = openat(directory, "memory.oom_control", flags);
            if (oom->counter >= 0)
                watch_v1(oom, directory, oom->counter);
        }
        close(directory);
    }
    oom->first = read_counter(oom->counter);
}

void oom_close(struct oom *oom)
{
    timer_stop(&oom->again);
    loop_close(&oom->watch);
    if (oom->counter >= 0)
        close(oom->counter);
    oom->counter = -1;
}
