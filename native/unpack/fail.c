/* See fail.h. */
#include "fail.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Noreturn void fail(int error, const char *what, const char *path)
{
    static char line[1024];
    const char *name = strerrorname_np(error);
    int start = snprintf(line, sizeof(line), "%s %s ", name ? name : "EIO", what);
    size_t at = start < 0 ? 0 : (size_t)start < sizeof(line) ? (size_t)start : sizeof(line) - 1;

    for (const char *from = path; *from != '\0' && at + 6 < sizeof(line); from++) {
        unsigned char byte = (unsigned char)*from;
        if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
            line[at++] = *from;
        } else {
            snprintf(line + at, 5, "\\x%02x", byte);
            at += 4;
        }
    }
    line[at++] = '\n';
    if (write(STDERR_FILENO, line, at) < 0)
        _exit(2);
    _exit(1);
}
