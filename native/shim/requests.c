/* Requests to what they do. A false answer costs the connection. */
#include <errno.h>

#include "connection.h"
#include "container.h"
#include "exec.h"
#include "shutdown.h"

/* The large ones are not on the stack: its pages would stay resident. */
static union {
    struct create_request create;
    struct exec_request exec;
    struct kill_request kill;
    struct attach_request attach;
    struct named_request named;
} decoded;

static bool stream_frame(const struct requester *from, const struct frame *frame)
{
    bool good = true;
    if (exec_frame(from, frame, &good) || attachment_frame(from, frame, &good))
        return good;
    if (frame->kind == SHIM_CANCEL)
        container_cancel(from);
    return true;
}

static bool named_request(const struct requester *from, const struct frame *frame)
{
    if (!decode_named(frame, &decoded.named))
        return false;
    if (frame->kind == SHIM_START)
        container_start(from, decoded.named.container);
    else if (frame->kind == SHIM_REMOVE)
        container_remove(from, decoded.named.container);
    else
        container_reopen_log(from, decoded.named.container);
    return true;
}

static bool empty_request(const struct requester *from, const struct frame *frame)
{
    if (frame->body_length != 0)
        return false;
    if (frame->kind == SHIM_LIST)
        containers_list(from);
    else if (frame->kind == SHIM_SHUTDOWN)
        shutdown_begin(from);
    else
        send_frame(from, SHIM_REPLY, NULL);
    return true;
}

bool request_received(struct connection *connection, const struct frame *frame, int plan_fd)
{
    const struct requester from = {.connection = connection, .id = frame->id};
    bool closing = shutdown_begun() && (frame->kind == SHIM_CREATE || frame->kind == SHIM_EXEC);
    if (closing) {
        send_error(&from, ECANCELED, "the shim is shutting down");
        return true;
    }
    switch ((enum shim_request)frame->kind) {
    case SHIM_PING:
    case SHIM_LIST:
    case SHIM_SHUTDOWN:
        return empty_request(&from, frame);
    case SHIM_CREATE:
        if (!decode_create(frame, &decoded.create))
            return false;
        container_create(&from, &decoded.create, plan_fd);
        return true;
    case SHIM_EXEC:
        if (!decode_exec(frame, &decoded.exec))
            return false;
        exec_start(&from, &decoded.exec, plan_fd);
        return true;
    case SHIM_KILL:
        if (!decode_kill(frame, &decoded.kill))
            return false;
        container_kill(&from, &decoded.kill);
        return true;
    case SHIM_ATTACH:
        if (!decode_attach(frame, &decoded.attach))
            return false;
        container_attach(&from, &decoded.attach);
        return true;
    case SHIM_START:
    case SHIM_REMOVE:
    case SHIM_REOPEN_LOG:
        return named_request(&from, frame);
    case SHIM_CANCEL:
    case SHIM_STDIN:
    case SHIM_CLOSE_STDIN:
    case SHIM_RESIZE:
    case SHIM_WINDOW_ADD:
        return stream_frame(&from, frame);
    }
    return false;
}

void connection_drained(struct connection *connection)
{
    execs_wake(connection);
    attachments_wake(connection);
}

void connection_gone(struct connection *connection)
{
    containers_disown(connection);
    execs_disown(connection);
    shutdown_disown(connection);
}
