/* A container's output: into its log, and to whoever is attached. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"

#define BACKLOG_MAX (SHIM_QUEUE_MAX / 2)
#define PATIENCE_MS 1000 /* how long a container waits for a client that reads nothing */

static int attachment_count;

static void send_end(const struct requester *to, int code, uint8_t flags)
{
    uint8_t data[8];
    struct writer body = {.data = data, .size = sizeof data};
    write_i32(&body, code);
    write_u8(&body, flags);
    send_frame(to, SHIM_END, &body);
}

static void wake(struct container *container)
{
    output_wake(&container->standard.out[0]);
    output_wake(&container->standard.out[1]);
}

static void patience_over(struct timer *timer)
{
    struct attachment *attachment = CONTAINER_OF(timer, struct attachment, patience);
    attachment->given_up = true;
    wake(attachment->container);
}

static bool wants(const struct attachment *attachment, int stream)
{
    return (attachment->io & (stream == SHIM_STDOUT ? SHIM_IO_STDOUT : SHIM_IO_STDERR)) != 0;
}

/* What the client can take now. */
static size_t room_of(const struct attachment *attachment, int stream)
{
    if (send_backlog(&attachment->requester) > BACKLOG_MAX)
        return 0;
    return attachment->window[stream - 1];
}

static void send_output(struct attachment *attachment, int stream, const uint8_t *data, size_t length)
{
    uint8_t head[16];
    struct writer body = {.data = head, .size = sizeof head};
    write_u8(&body, (uint8_t)stream);
    write_u64(&body, attachment->left_out[stream - 1]);
    attachment->left_out[stream - 1] = 0;
    send_frame_with(&attachment->requester, SHIM_OUTPUT, &body, data, length);
}

/* Gives a client what it can take; what it cannot is counted. The last output of a container may exceed the window. */
static void give(struct attachment *attachment, int stream, const uint8_t *data, size_t length)
{
    uint32_t *window = &attachment->window[stream - 1];
    size_t room = room_of(attachment, stream);
    if (attachment->container->phase == EXITED && !attachment->given_up)
        room = send_backlog(&attachment->requester) > BACKLOG_MAX ? 0 : length;
    size_t given = length < room ? length : room;
    if (given > 0)
        send_output(attachment, stream, data, given);
    *window -= given < *window ? (uint32_t)given : *window;
    attachment->left_out[stream - 1] += length - given;
}

static struct container *container_of(struct output *output)
{
    return output->stream == SHIM_STDOUT ? CONTAINER_OF(output, struct container, standard.out[0])
                                         : CONTAINER_OF(output, struct container, standard.out[1]);
}

size_t container_output_room(struct output *output)
{
    struct container *container = container_of(output);
    size_t room = SIZE_MAX;
    for (struct attachment *at = container->attachments; at != NULL; at = at->next) {
        if (at->given_up || !wants(at, output->stream) || container->phase == EXITED)
            continue;
        size_t own = room_of(at, output->stream);
        if (own == 0 && !at->patience.armed)
            timer_set(&at->patience, PATIENCE_MS, patience_over);
        room = own < room ? own : room;
    }
    return room;
}

void container_output(struct output *output, const uint8_t *data, size_t length)
{
    struct container *container = container_of(output);
    log_write(&container->log, output->stream, data, length);
    for (struct attachment *at = container->attachments; at != NULL; at = at->next)
        if (wants(at, output->stream))
            give(at, output->stream, data, length);
}

void container_output_ended(struct output *output)
{
    log_end(&container_of(output)->log, output->stream);
}

void container_attach(const struct requester *from, const struct attach_request *request)
{
    struct container *container = container_find(request->container);
    if (container == NULL || container->phase == CREATING) {
        send_error(from, ENOENT, "no such container");
        return;
    }
    if (container->phase == EXITED) {
        send_error(from, ESRCH, "the container has exited");
        return;
    }
    struct attachment *attachment = attachment_count < SHIM_EXECS_MAX ? calloc(1, sizeof *attachment) : NULL;
    if (attachment == NULL) {
        send_error(from, ENOMEM, "too many attachments");
        return;
    }
    attachment->requester = *from;
    attachment->container = container;
    attachment->io = request->io;
    attachment->window[0] = attachment->window[1] = SHIM_WINDOW;
    attachment->next = container->attachments;
    container->attachments = attachment;
    attachment_count++;
    uint8_t data[4];
    struct writer body = {.data = data, .size = sizeof data};
    write_u8(&body, container->standard.is_terminal);
    send_frame(from, SHIM_REPLY, &body);
}

/* The first client with standard input that leaves ends it, when the container was made with stdinOnce. */
static void stdin_left(struct container *container, const struct attachment *attachment)
{
    if ((attachment->io & SHIM_IO_STDIN) != 0 && (container->io & SHIM_IO_STDIN_ONCE) != 0)
        input_finish(&container->standard.in);
}

static void attachment_free(struct container *container, struct attachment *attachment)
{
    struct attachment **at = &container->attachments;
    while (*at != attachment)
        at = &(*at)->next;
    *at = attachment->next;
    attachment_count--;
    timer_stop(&attachment->patience);
    stdin_left(container, attachment);
    free(attachment);
    wake(container);
}

void attachments_end(struct container *container, int code, uint8_t flags)
{
    while (container->attachments != NULL) {
        for (int stream = SHIM_STDOUT; stream <= SHIM_STDERR; stream++)
            if (container->attachments->left_out[stream - 1] > 0)
                send_output(container->attachments, stream, (const uint8_t *)"", 0);
        send_end(&container->attachments->requester, code, flags);
        attachment_free(container, container->attachments);
    }
}

void attachments_disown(struct container *container, const struct connection *connection)
{
    for (struct attachment *at = container->attachments, *next; at != NULL; at = next) {
        next = at->next;
        if (at->requester.connection == connection)
            attachment_free(container, at);
    }
}

static bool frame_for(struct container *container, struct attachment *attachment,
                      const struct frame *frame)
{
    struct resize_request size;
    struct window_request window;
    switch (frame->kind) {
    case SHIM_CANCEL:
        send_end(&attachment->requester, 0, SHIM_END_DETACHED);
        attachment_free(container, attachment);
        return frame->body_length == 0;
    case SHIM_STDIN:
        return (attachment->io & SHIM_IO_STDIN) != 0 &&
               input_write(&container->standard.in, &attachment->requester, frame->body, frame->body_length);
    case SHIM_CLOSE_STDIN:
        stdin_left(container, attachment);
        return frame->body_length == 0;
    case SHIM_RESIZE:
        if (!decode_resize(frame, &size))
            return false;
        terminal_resize(&container->standard.terminal, size.width, size.height);
        return true;
    case SHIM_WINDOW_ADD:
        if (!decode_window(frame, &window) ||
            window.bytes > SHIM_WINDOW - attachment->window[window.stream - 1])
            return false;
        attachment->window[window.stream - 1] += window.bytes;
        attachment->given_up = false;
        timer_stop(&attachment->patience);
        wake(container);
        return true;
    default:
        return false;
    }
}

void attachments_wake(const struct connection *connection)
{
    for (struct container *at = containers_first(); at != NULL; at = at->next)
        for (struct attachment *one = at->attachments; one != NULL; one = one->next)
            if (one->requester.connection == connection)
                wake(at);
}

bool attachment_frame(const struct requester *from, const struct frame *frame, bool *good)
{
    for (struct container *at = containers_first(); at != NULL; at = at->next)
        for (struct attachment *attachment = at->attachments; attachment != NULL;
             attachment = attachment->next)
            if (attachment->requester.connection == from->connection &&
                attachment->requester.id == from->id) {
                *good = frame_for(at, attachment, frame);
                return true;
            }
    return false;
}
