/* The standard streams of one container or exec, from the pipes or terminal that its process gets to what is read here. */
#ifndef VITRINE_SHIM_STANDARD_H
#define VITRINE_SHIM_STANDARD_H

#include "launch.h"
#include "stream.h"
#include "terminal.h"

struct standard {
    struct output out[2]; /* stdout, stderr; a terminal has only the first */
    struct input in;
    struct terminal terminal;
    bool is_terminal;
};

/*
 * Makes pipes, or the socket for a terminal, by SHIM_IO_* flags; streams not asked for are /dev/null. The callbacks of
 * `out` have been set before. `theirs` gets the descriptors for vitrine-oci, to be closed by
 * standard_close_theirs whatever the result is. Returns 0 or -errno.
 */
int standard_open(struct standard *standard, uint32_t io, struct launch_io *theirs);
void standard_close_theirs(struct launch_io *theirs);
/* True when no output can come any more. */
bool standard_silent(const struct standard *standard);
void standard_close(struct standard *standard);

#endif
