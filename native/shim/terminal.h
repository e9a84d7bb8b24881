/* The socket over which the executor's `console` op hands out the master of a pty, and the master's size. */
#ifndef VITRINE_SHIM_TERMINAL_H
#define VITRINE_SHIM_TERMINAL_H

#include "loop.h"

struct terminal {
    struct watch socket;
    int master; /* -1 until it has come; a duplicate kept for resizing */
    uint16_t width, height; /* 0: as the Plan made it */
    /* Gets the master; it belongs to the receiver. */
    void (*arrived)(struct terminal *terminal, int master);
};

/* Makes the socket; the executor's end goes to `theirs`. Returns 0 or -errno. */
int terminal_open(struct terminal *terminal, int *theirs,
                  void (*arrived)(struct terminal *terminal, int master));
/* Takes the master if it lies in the socket already. */
void terminal_take(struct terminal *terminal);
void terminal_resize(struct terminal *terminal, uint16_t width, uint16_t height);
void terminal_close(struct terminal *terminal);

#endif
