/*
 * A container's log in the CRI format, one line of output a record:
 *
 *   2026-11-23T22:01:02.123456789Z stdout F the line
 *
 * Stamps are UTC with nine digits: the moment the shim read the bytes. A line longer than the maximum is cut into
 * pieces tagged P, the last one F; what a stream leaves without newline at its end is tagged P.
 */
#ifndef VITRINE_SHIM_LOG_H
#define VITRINE_SHIM_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log {
    int directory; /* held open, so that nobody can exchange it under us; -1: no log */
    int fd;
    char *name;
    uint32_t line_max;
    uint64_t lost; /* bytes of records that could not be written */
    struct log_pending {
        char *data;
        uint32_t length, size;
    } pending[2]; /* begun lines of stdout and stderr */
};

/* Opens or creates the file, and missing directories, following no symbolic link. "" is no log. Returns 0 or -errno. */
int log_open(struct log *log, const char *path, uint32_t line_max);
/* The same name in the same directory again, after a rename. On an error the old file stays open. */
int log_reopen(struct log *log);
/* Adds output of a stream (SHIM_STDOUT or SHIM_STDERR). Never fails: what cannot be written is counted. */
void log_write(struct log *log, int stream, const uint8_t *data, size_t length);
/* The stream has ended. */
void log_end(struct log *log, int stream);
void log_close(struct log *log);

/* "2026-11-23T22:01:02.123456789Z", 30 bytes and a NUL, of Unix nanoseconds. */
#define STAMP_SIZE 31
void format_stamp(char to[STAMP_SIZE], int64_t unix_ns);

#endif
