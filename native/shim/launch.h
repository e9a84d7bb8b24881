/*
 * One run of vitrine-oci: started with a Plan, its report pipe read until end of file. The owner (container or
 * exec) is told of changes in the middle of anything, so it only schedules its own step then.
 */
#ifndef VITRINE_SHIM_LAUNCH_H
#define VITRINE_SHIM_LAUNCH_H

#include "child.h"
#include "connection.h"
#include "records.h"

#define LAUNCH_BATCH 4096

/* Descriptors the new process gets; -1 where there is none. They stay the caller's. */
struct launch_io {
    int in, out, err;
    int start;
    int console;
};

struct launch {
    struct launch *next;
    struct child oci;
    struct child *target;      /* the process that clone3 makes; adopted when its pid is reported */
    void (*target_ended)(struct child *child);
    uint16_t clone_index;
    struct watch report;
    struct requester requester; /* gets the records */
    bool ready;                /* init waits in awaitStart */
    bool failed;               /* `failure` is the first record that says so, or our own words */
    int64_t eof;               /* when the report pipe ended, monotonic; 0: not yet */
    int32_t error;
    uint16_t failed_index;
    uint8_t failed_process;
    char detail[REPORT_DETAIL_MAX + 1];
    struct timer flush, grace;
    struct records records;
    uint16_t batch_length;
    uint8_t batch[LAUNCH_BATCH];
    void (*changed)(struct launch *launch);
};

/* Remembers what is run: the sealed vitrine-oci in `executor`, or for -1 the file beside our own executable. */
void launches_open(int executor);
/*
 * Starts vitrine-oci on `plan_fd`. Before, the caller has set clone_index, target, target_ended,
 * requester and changed in a zeroed struct. Returns 0 or -errno.
 */
int launch_start(struct launch *launch, int plan_fd, const struct launch_io *io);
/* True when vitrine-oci and its target have ended. */
bool launch_over(const struct launch *launch);
/* Kills vitrine-oci and the target; `changed` comes when they are gone. */
void launch_kill(struct launch *launch, int error, const char *why);
/* Sends the records that wait, so that they are there before the answer. */
void launch_flush(struct launch *launch);
/* Answers the requester with the failure. */
void launch_send_failure(const struct launch *launch, const struct requester *to);
/* Reads what is in the report pipe now. */
void launch_read(struct launch *launch);
/* Stops everything; the struct may be freed then. */
void launch_forget(struct launch *launch);

#endif
