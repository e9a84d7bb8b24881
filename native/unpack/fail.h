/* The one way out on failure: one line on stderr, "ERRNO what path", and exit status 1. */
#ifndef VITRINE_UNPACK_FAIL_H
#define VITRINE_UNPACK_FAIL_H

/* `path` may be anybody's: what could harm a terminal or a log line is written as \xNN. */
_Noreturn void fail(int error, const char *what, const char *path);

#endif
