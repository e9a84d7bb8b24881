/*
 * Containers: from vitrine-oci's start to the exit code. What happens to one is only noted where it
 * happens; `advance`, called from the loop, decides what follows. So nothing is freed under a caller.
 */
#ifndef VITRINE_SHIM_CONTAINER_H
#define VITRINE_SHIM_CONTAINER_H

#include "cgroup.h"
#include "launch.h"
#include "log.h"
#include "oom.h"
#include "request.h"
#include "standard.h"

enum phase { CREATING, CREATED, STARTING, RUNNING, EXITED };

/* Somebody who gets an answer when something is over. */
struct waiter {
    struct waiter *next;
    struct requester requester;
};

/* A client at a container's streams. */
struct attachment {
    struct attachment *next;
    struct requester requester;
    uint32_t io;
    uint32_t window[2];
    uint64_t left_out[2];
    bool given_up;         /* it read nothing for too long, so the container does not wait for it */
    struct timer patience;
    struct container *container;
};

struct container {
    struct container *next;
    char *id;
    enum phase phase;
    uint32_t io;
    struct child init;
    struct launch *launch; /* NULL once the report pipe has ended */
    int start_fd;          /* writing a byte lets init go on */
    struct cgroups cgroups;
    struct oom oom;
    struct log log;
    struct standard standard;
    struct attachment *attachments;
    int64_t started_at, exited_at; /* Unix time */
    bool killed_by_us;             /* SIGKILL came from here, so memory was not the reason */
    bool oom_killed;
    bool emptying;                 /* killing by cgroup is under way */
    int rounds;
    struct waiter *removers, *killers;
    struct timer advance, kill;
};

struct container *container_find(const char *id);
bool containers_none(void);

void container_create(const struct requester *from, const struct create_request *request, int plan_fd);
void container_start(const struct requester *from, const char *id);
void container_kill(const struct requester *from, const struct kill_request *request);
void container_remove(const struct requester *from, const char *id);
/* Gives up the CREATE that `from` asked for, if one is under way. */
void container_cancel(const struct requester *from);
void container_reopen_log(const struct requester *from, const char *id);
void containers_list(const struct requester *from);
/* Kills and forgets all; containers_changed() tells when one has gone. */
void containers_remove_all(void);
/* A connection has gone. */
void containers_disown(const struct connection *connection);

void container_attach(const struct requester *from, const struct attach_request *request);
/* Looks again whether outputs that waited for the connection may go on. */
void attachments_wake(const struct connection *connection);
/* Frames of an attachment. False when `from` is none. */
bool attachment_frame(const struct requester *from, const struct frame *frame, bool *good);

/* Between container.c, container-end.c and attach.c. */
#define CONTAINER_KILL_ROUNDS 2000 /* ten seconds */
#define CONTAINER_FREEZE_AFTER 3   /* rounds after which a freezer is used */
bool waiter_add(struct waiter **list, const struct requester *from);
/* Answers all of them: REPLY, or ERROR when `error` is not 0. */
void waiters_answer(struct waiter **list, int error, const char *what);
/* Kills by cgroup until nobody is left; `advance` is scheduled then. */
void container_empty(struct container *container);
/* Looks again at once, instead of at the next round. */
void container_empty_now(struct container *container);
size_t container_output_room(struct output *output);
void container_output(struct output *output, const uint8_t *data, size_t length);
void container_output_ended(struct output *output);
void attachments_end(struct container *container, int code, uint8_t flags);
void attachments_disown(struct container *container, const struct connection *connection);
struct container *containers_first(void);
void container_schedule(struct container *container);

/* A container came or went (shim.c). */
void containers_changed(void);
/* Ends the execs of a container, whose init has ended or never came (exec.c). */
void execs_orphan(const struct container *container);

#endif
