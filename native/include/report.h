/*
 * What the executor says of each op: one record on REPORT_FD.
 *
 * A record is a header of REPORT_HEADER_SIZE bytes, little-endian, followed by `length` minus that
 * many bytes of detail (UTF-8 as far as the kernel's messages and the paths are; no NUL at the end).
 * A record is at most REPORT_SIZE_MAX bytes long, so a write of it to a pipe is never torn. Several
 * records may arrive in one read(2), and a reader of a pipe may see a record cut: split by `length`.
 *
 * offset  type  field
 *      0  u16   length    of the whole record, header and detail
 *      2  u8    kind      REPORT_OP, REPORT_READY or REPORT_EXEC
 *      3  u8    process   enum plan_process
 *      4  u16   index     of the op in its Plan; REPORT_NO_INDEX before the first op (a Plan that is refused)
 *      6  u16   flags     REPORT_IGNORED
 *      8  i32   error     errno, 0 for success
 *     12  i32   result    of the op: pid of clone3 as vitrine-oci sees it, fd number of open, else 0
 *     16  u64   start     CLOCK_MONOTONIC, nanoseconds
 *     24  u64   end
 *     32        detail
 *
 * REPORT_EXEC is sent right before execve(2) is tried (index of the execve op, start and end the same
 * moment). A successful execve can say no more: end of file is its end. A failed one is a REPORT_OP.
 * REPORT_READY is sent once by `awaitStart` before it blocks (index is that of awaitStart, start and
 * end the same moment); its REPORT_OP follows after the release. A record with `error` set and without
 * REPORT_IGNORED is a failure: that process ends, and the others of the Plan are killed or find out by
 * ECANCELED. End of file means that every process of the Plan has exec'ed or ended. So after the
 * release: end of file without a failure is a started program, and a failed execve is a record.
 * A process that failed ends with EXIT_OP_FAILED; vitrine-oci itself with 1.
 */
#ifndef VITRINE_REPORT_H
#define VITRINE_REPORT_H

#include <stdint.h>

#define REPORT_SIZE_MAX 512
#define REPORT_HEADER_SIZE 32
#define REPORT_DETAIL_MAX (REPORT_SIZE_MAX - REPORT_HEADER_SIZE)
#define REPORT_NO_INDEX 0xffff

#define REPORT_OP 1
#define REPORT_READY 2
#define REPORT_EXEC 3

#define REPORT_IGNORED 0x1

/* Exit status of `init` and `exec` when an op failed, execve included. */
#define EXIT_OP_FAILED 128

struct report_header {
    uint16_t length;
    uint8_t kind;
    uint8_t process;
    uint16_t index;
    uint16_t flags;
    int32_t error;
    int32_t result;
    uint64_t start;
    uint64_t end;
};

_Static_assert(sizeof(struct report_header) == REPORT_HEADER_SIZE, "no padding in the record");

#endif
