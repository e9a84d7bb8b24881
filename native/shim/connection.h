/* Connections of daemons: reading frames, and a bounded queue of frames to write. */
#ifndef VITRINE_SHIM_CONNECTION_H
#define VITRINE_SHIM_CONNECTION_H

#include "loop.h"
#include "wire.h"

struct connection {
    struct connection *next;
    struct watch watch;
    struct frame_parser parser;
    int blob_fd; /* memfd of the Plan that is arriving, -1 when none is */
    uint8_t *queue;
    size_t queue_start, queue_length, queue_size;
    bool closed; /* freed as soon as nobody on the stack uses it */
    bool busy;
};

/* Whom an answer goes to. `connection` becomes NULL when it closes; answers then go nowhere. */
struct requester {
    struct connection *connection;
    uint32_t id;
};

/* Listens on `s` in the working directory. */
void connections_open(void);
/* Serves a connected socket that the shim was started with. */
void connection_adopt(int fd);
/* True when no daemon is connected. */
bool connections_none(void);
/* Removes the socket and writes out what can be written. */
void connections_close(void);

void send_frame(const struct requester *to, uint16_t kind, const struct writer *body);
/* As send_frame, the body in two parts. */
void send_frame_with(const struct requester *to, uint16_t kind, const struct writer *body,
                     const uint8_t *rest, size_t rest_length);
void send_error(const struct requester *to, int error, const char *what);
void send_event(uint16_t kind, const struct writer *body);
/* Bytes that wait on the connection; 0 when it has gone. */
size_t send_backlog(const struct requester *to);

/* What the rest of the shim does with connections (requests.c, shim.c). */
bool request_received(struct connection *connection, const struct frame *frame, int plan_fd);
void hello_body(struct writer *body);
/* The connection is about to be freed: whoever holds it must let go. */
void connection_gone(struct connection *connection);
/* Its queue, which had been in the way, is empty again. */
void connection_drained(struct connection *connection);
/* A connection opened or closed. */
void connections_changed(void);

#endif
