#include "die.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static struct iovec piece(const char *text)
{
    union {
        const char *in;
        char *out;
    } text_of = {.in = text};
    return (struct iovec){.iov_base = text_of.out, .iov_len = strlen(text)};
}

void die(const char *what, int error)
{
    const char *reason = error == 0 ? NULL : strerror(error);
    struct iovec parts[] = {
        piece("vitrine-shim: "), piece(what), piece(error == 0 ? "" : ": "),
        piece(reason == NULL ? "" : reason), piece("\n"),
    };
    ssize_t written = writev(STDERR_FILENO, parts, sizeof parts / sizeof parts[0]);
    _exit(written < 0 ? 2 : 1);
}
