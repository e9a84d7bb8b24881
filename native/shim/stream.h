/* Standard streams of a process: outputs that are read here, and an input that is fed from here. */
#ifndef VITRINE_SHIM_STREAM_H
#define VITRINE_SHIM_STREAM_H

#include "connection.h"
#include "loop.h"

/* The read end of a pipe, or the master of a terminal. */
struct output {
    struct watch watch; /* fd -1: never opened, or ended */
    int stream;         /* SHIM_STDOUT or SHIM_STDERR */
    /* How many bytes may be read now; NULL for any number. At 0 the output sleeps until output_wake. */
    size_t (*room)(struct output *output);
    void (*data)(struct output *output, const uint8_t *data, size_t length);
    /* Told once, in the middle of anything. */
    void (*ended)(struct output *output);
};

/* Takes `fd` over and makes it non-blocking. Returns 0 or -errno. */
int output_open(struct output *output, int fd, int stream);
/* Looks again whether there is room. */
void output_wake(struct output *output);
/* Reads what is there now, `most` bytes at most. */
void output_drain(struct output *output, size_t most);
/* Stops reading; `ended` is not called. */
void output_close(struct output *output);

struct chunk;

/* The write end of a pipe, or the master of a terminal. Bytes that do not fit yet wait in chunks. */
struct input {
    struct watch watch; /* fd -1: closed; what is written then is swallowed */
    bool terminal;      /* closing means nothing to a terminal: its user types ^D */
    bool closing;
    struct chunk *first, *last;
};

int input_open(struct input *input, int fd, bool terminal);
/* Writes or keeps; STDIN_WINDOW goes to `from` as the bytes leave. False when more than SHIM_WINDOW of it wait. */
bool input_write(struct input *input, const struct requester *from, const uint8_t *data, size_t length);
/* Closes when everything has been written. */
void input_finish(struct input *input);
void input_close(struct input *input);
/* The connection has gone: its bytes are still delivered, nobody hears of it. */
void input_disown(struct input *input, const struct connection *connection);

/* pipe2 with O_CLOEXEC. Returns 0 or -errno. */
int pipe_open(int *reading, int *writing);
void fd_close(int *fd);

#endif
