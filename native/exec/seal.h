/*
 * The executable as a sealed memory file. A container that opens /proc/<pid>/exe of a process that
 * enters it must never get the host's binary to write to (CVE-2019-5736).
 */
#ifndef VITRINE_SEAL_H
#define VITRINE_SEAL_H

#include <stdbool.h>

/* A sealed copy of the file `path`, close-on-exec, to be run by fexecve(3); or -errno. */
int sealed_copy(const char *path);

/* Whether `fd` is such a copy: a memfd that can neither be written nor resized nor unsealed. */
bool is_sealed(int fd);

/*
 * Makes sure that this process runs from a sealed copy, by running it anew from one when needed.
 * Returns 0 when it does; -errno when that is impossible, and then the process must not go on.
 */
int run_sealed(char *const argv[], char *const env[]);

#endif
