/* Report records (report.h) and the details that ops say of their failures. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "executor.h"

/* A write of at most PIPE_BUF bytes to a pipe is never mixed with another process's. */
#define GATHER_MAX 4096

uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void report_flush(struct executor *x)
{
    if (x->report_fd < 0)
        return;
    size_t done = 0;
    while (done < x->reports_used) {
        ssize_t n = write(x->report_fd, x->reports + done, x->reports_used - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; /* nobody listens any more; the ops go on or fail by themselves */
        done += (size_t)n;
    }
    x->reports_used = 0;
}

static void append(struct executor *x, const struct report_header *header, const char *detail)
{
    size_t limit = x->report_fd < 0 ? x->reports_size : GATHER_MAX;
    if (x->reports_used + header->length > limit)
        report_flush(x);
    if (x->reports_used + header->length > x->reports_size)
        return; /* library: the caller's buffer is sized so that this cannot be, see vt_run_plan() */
    memcpy(x->reports + x->reports_used, header, REPORT_HEADER_SIZE);
    memcpy(x->reports + x->reports_used + REPORT_HEADER_SIZE, detail,
           header->length - (size_t)REPORT_HEADER_SIZE);
    x->reports_used += header->length;
    if (x->report_at_once)
        report_flush(x);
}

void report_op(struct executor *x, uint16_t index, int result, bool ignored, uint64_t start)
{
    struct report_header header = {
        .length = (uint16_t)(REPORT_HEADER_SIZE + x->detail_length),
        .kind = REPORT_OP,
        .process = (uint8_t)x->self,
        .index = index,
        .flags = ignored ? REPORT_IGNORED : 0,
        .error = result < 0 ? -result : 0,
        .result = result < 0 ? 0 : result,
        .start = start,
        .end = monotonic_ns(),
    };
    append(x, &header, x->detail);
    x->detail_length = 0;
}

/* Says what is about to happen, and makes sure that it is heard before it does. */
void report_announce(struct executor *x, uint8_t kind, uint16_t index)
{
    uint64_t now = monotonic_ns();
    struct report_header header = {
        .length = REPORT_HEADER_SIZE,
        .kind = kind,
        .process = (uint8_t)x->self,
        .index = index,
        .start = now,
        .end = now,
    };
    append(x, &header, "");
    report_flush(x);
}

void detail_text(struct executor *x, const char *text)
{
    size_t length = strlen(text);
    size_t room = sizeof x->detail - x->detail_length;
    if (length > room)
        length = room;
    memcpy(x->detail + x->detail_length, text, length);
    x->detail_length += length;
}

void detail_number(struct executor *x, long long number)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    unsigned long long rest = number < 0 ? 0ull - (unsigned long long)number : (unsigned long long)number;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (number < 0)
        digits[--at] = '-';
    detail_text(x, digits + at);
}

void detail_quoted(struct executor *x, const char *what)
{
    detail_text(x, "\"");
    detail_text(x, what);
    detail_text(x, "\"");
}

int fail(struct executor *x, int error, const char *argument)
{
    if (x->detail_length > 0)
        detail_text(x, "; ");
    detail_text(x, argument);
    return -error;
}

int fail_path(struct executor *x, int error, const char *argument, const char *path)
{
    fail(x, error, argument);
    detail_text(x, " ");
    detail_quoted(x, path);
    return -error;
}
