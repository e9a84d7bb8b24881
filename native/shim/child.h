/*
 * Processes the shim waits for: vitrine-oci, a container's init, an exec'ed command. Each has a pidfd from
 * the moment its pid is known, and only that is signalled, so a reused pid can never be hit.
 */
#ifndef VITRINE_SHIM_CHILD_H
#define VITRINE_SHIM_CHILD_H

#include <sys/types.h>

#include "loop.h"

/* Exit code when nobody could learn it: its parent reaped it before it became ours. */
#define CODE_UNKNOWN 255

struct child {
    struct child *next;
    pid_t pid; /* 0: none */
    uint64_t start_time;
    struct watch watch; /* the pidfd */
    bool ended;
    int code;   /* exit code, or 128 + signal */
    int signal; /* the signal that ended it, or 0 */
    void (*on_end)(struct child *child);
};

/* Becomes the subreaper, and listens for SIGCHLD. */
void children_open(void);
/*
 * Starts waiting for `pid`, which is a child of ours or of `parent`. `on_end` is called once, in the middle of
 * anything: it may only note the end. Returns 0 or -errno; ESRCH when there is no such process of that parent.
 */
int child_adopt(struct child *child, pid_t pid, pid_t parent, void (*on_end)(struct child *child));
/* Signals it; gone already is fine. */
void child_signal(const struct child *child, int signal);
/* After vitrine-oci has ended: what it reaped itself will never be reported to us. */
void child_recheck(struct child *child);
/* Stops waiting. */
void child_forget(struct child *child);
/* True while it is adopted and has not ended. */
bool child_lives(const struct child *child);

/*
 * A child of ours that nobody waits for and that still is vitrine-oci, not yet the command: what one that was killed
 * left behind before it could report it. 0 when there is none.
 */
pid_t child_stray(const char *oci_path);

/* Fields of /proc/PID/stat that identify a process. Returns 0 or -errno. */
struct process_stat {
    pid_t parent;
    pid_t session;
    uint64_t start_time;
    char state;
};
int process_stat(pid_t pid, struct process_stat *stat);
int pidfd_of(pid_t pid);
int pidfd_signal(int pidfd, int signal);

/* Called before an unknown child is reaped: reports that name it may wait in a pipe. */
void reports_read_all(void);

#endif
