/*
 * The protocol between the daemon and vitrine-shim, over the unix socket `s` in the shim's directory.
 *
 * Both directions carry frames, everything little-endian:
 *
 *   frame  = u32 body length, u32 blob length, u16 kind, u16 zero, u32 id, body, blob
 *   string = u16 length, the bytes, no NUL inside
 *   stamp  = u64 nanoseconds: Unix time, where a field says "unix", CLOCK_MONOTONIC where it says "monotonic"
 *
 * A body from the daemon has at most SHIM_BODY_MAX bytes. Only CREATE and EXEC have a blob: a Plan
 * (plan.h), at most SHIM_BLOB_MAX bytes, which goes into a sealed memfd as it arrives. A frame that breaks a
 * bound, has an unknown kind, a non-zero `zero`, or a body that is longer or shorter than its fields
 * costs its sender the connection, and nothing else.
 *
 * `id` is the daemon's number of a request, not 0, unused on this connection while the request is open. Each request
 * gets exactly one REPLY or ERROR. EXEC and ATTACH go on after their REPLY, as streams of the same id, until
 * their END. Frames with id 0 are events and go to every connection.
 *
 * Flow control. Output of an exec counts against a window that starts at SHIM_WINDOW bytes a stream and grows by
 * WINDOW frames; at 0 the shim stops reading, so the process inside waits. Output of an attached container
 * has the same window, but a container waits at most a second for a client that reads nothing: from then on, until the window
 * grows, bytes beyond it are left out and
 * counted in the next OUTPUT frame. Standard input starts with SHIM_WINDOW as well and grows by STDIN_WINDOW
 * frames from the shim. A connection on which more than SHIM_QUEUE_MAX bytes wait to be read is closed.
 *
 * When a connection closes, its execs are killed and its attachments end; containers, also those being created,
 * go on.
 */
#ifndef VITRINE_SHIM_H
#define VITRINE_SHIM_H

#define SHIM_PROTOCOL 1
#define SHIM_HEADER_SIZE 16
#define SHIM_BODY_MAX (16u * 1024)
#define SHIM_BLOB_MAX (4u * 1024 * 1024)
#define SHIM_WINDOW (256u * 1024)
#define SHIM_QUEUE_MAX (1024u * 1024)
#define SHIM_ID_MAX 128         /* bytes of a container's or a pod's id: [A-Za-z0-9][A-Za-z0-9_.-]* */
#define SHIM_PATH_MAX 4095      /* bytes of a path */
#define SHIM_CGROUPS_MAX 32     /* cgroup directories of one container */
#define SHIM_CONTAINERS_MAX 512
#define SHIM_EXECS_MAX 512      /* execs and attachments that run at the same time */
#define SHIM_CONNECTIONS_MAX 32
#define SHIM_LINE_DEFAULT (16u * 1024)
#define SHIM_LINE_MAX (64u * 1024)
#define SHIM_IDLE_MS 30000      /* a shim without connection and container ends after this */

/* From the daemon. The comment is the body, then what a REPLY carries. */
enum shim_request {
    SHIM_PING = 1,        /* nothing -> nothing */
    SHIM_CREATE = 2,      /* string container, u32 SHIM_IO_*, u16 index of clone3 in the Plan, u32 longest log line (0: default),
                             string log path ("": no log), u16 count, string cgroup directory... -> container, u64 now (monotonic) */
    SHIM_START = 3,       /* string container -> container, u64 end of the report pipe (monotonic) */
    SHIM_KILL = 4,        /* string container, i32 signal, u8 all -> nothing; gone already is no error.
                             With `all` and SIGKILL the answer comes when the cgroup is empty. */
    SHIM_LIST = 5,        /* nothing -> a CONTAINER frame each, then REPLY with nothing */
    SHIM_EXEC = 6,        /* string container, u32 SHIM_IO_*, u16 index of clone3, u64 most bytes of stdout, u64 of stderr,
                             u32 timeout ms (0: none), u32 drain ms -> i32 pid, u64 end of the report pipe (monotonic); then OUTPUT..., END */
    SHIM_REOPEN_LOG = 7,  /* string container -> nothing */
    SHIM_REMOVE = 8,      /* string container -> nothing; kills it first, unknown is no error */
    SHIM_SHUTDOWN = 9,    /* nothing -> nothing, when every container is dead; then the shim ends */
    SHIM_ATTACH = 10,     /* string container, u32 SHIM_IO_* -> u8 terminal; then OUTPUT..., END */
    /* These belong to the open request `id` and have no answer of their own; an id that has ended is no error. */
    SHIM_CANCEL = 11,     /* nothing: kills a CREATE or EXEC under way, ends an ATTACH */
    SHIM_STDIN = 12,      /* the bytes */
    SHIM_CLOSE_STDIN = 13, /* nothing */
    SHIM_RESIZE = 14,     /* u16 width, u16 height */
    SHIM_WINDOW_ADD = 15, /* u8 SHIM_STDOUT or SHIM_STDERR, u32 bytes */
};

/* From the shim. */
enum shim_message {
    SHIM_HELLO = 64,        /* first frame of a connection: u16 SHIM_PROTOCOL, i32 pid, u64 start time, string pod id */
    SHIM_REPLY = 65,
    SHIM_ERROR = 66,        /* i32 errno, u16 op index (SHIM_NO_OP: no op of a Plan), u8 process of plan.h, string what failed */
    SHIM_REPORT = 67,       /* whole records of report.h, of the Plan that request `id` runs */
    SHIM_CONTAINER = 68,    /* container */
    SHIM_EXITED = 69,       /* exit; id 0 */
    SHIM_OOM = 70,          /* string container; id 0: the kernel killed some process of it for memory */
    SHIM_OUTPUT = 71,       /* u8 stream, u64 bytes left out before these (attach), the bytes */
    SHIM_END = 72,          /* i32 exit code, u8 SHIM_END_* */
    SHIM_STDIN_WINDOW = 73, /* u32 bytes */
};

/*
 * container = string id, u8 state, i32 pid, u64 start time (stat field 22), u64 started at (unix, 0: not yet),
 *             u64 bytes of log lost to write errors, u8 has exit, exit if it has
 * exit      = string container, i32 pid, i32 exit code (128 + signal), u8 oom killed, u64 at (unix)
 */
enum shim_state { SHIM_CREATED = 1, SHIM_RUNNING = 2, SHIM_EXITED_STATE = 3 };

#define SHIM_IO_TERMINAL 0x01u
#define SHIM_IO_STDIN 0x02u
#define SHIM_IO_STDIN_ONCE 0x04u
#define SHIM_IO_STDOUT 0x08u
#define SHIM_IO_STDERR 0x10u
#define SHIM_IO_ALL 0x1fu

#define SHIM_STDOUT 1
#define SHIM_STDERR 2

#define SHIM_END_TIMED_OUT 0x01u   /* killed when its timeout passed */
#define SHIM_END_STDOUT_CUT 0x02u  /* more output than the most bytes asked for */
#define SHIM_END_STDERR_CUT 0x04u
#define SHIM_END_HELD_OPEN 0x08u   /* somebody still held the pipes when the drain time was over */
#define SHIM_END_DETACHED 0x10u    /* an attachment that was cancelled: the container lives on */

#define SHIM_NO_OP 0xffff

#endif
