#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"

#define CHUNK_SIZE 4096

uint8_t shared_buffer[SHARED_BUFFER_SIZE];

struct chunk {
    struct chunk *next;
    struct requester from;
    uint32_t start, length;
    uint8_t data[CHUNK_SIZE];
};

int pipe_open(int *reading, int *writing)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    *reading = fds[0];
    *writing = fds[1];
    return 0;
}

void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int make_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

/* Reads once. Returns the bytes, 0 at the end or when nothing is there. */
static size_t read_once(struct output *output, size_t most)
{
    size_t room = output->room == NULL ? SHARED_BUFFER_SIZE : output->room(output);
    if (room == 0) {
        loop_change(&output->watch, 0);
        return 0;
    }
    if (room > SHARED_BUFFER_SIZE)
        room = SHARED_BUFFER_SIZE;
    ssize_t length = read(output->watch.fd, shared_buffer, room < most ? room : most);
    if (length > 0) {
        output->data(output, shared_buffer, (size_t)length);
        return (size_t)length;
    }
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    /* End of file; a terminal says EIO when its last user has gone. */
    loop_close(&output->watch);
    output->ended(output);
    return 0;
}

static void output_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    read_once(CONTAINER_OF(watch, struct output, watch), SHARED_BUFFER_SIZE);
}

int output_open(struct output *output, int fd, int stream)
{
    output->stream = stream;
    output->watch.fd = -1;
    int error = make_nonblocking(fd);
    if (error == 0)
        error = loop_watch(&output->watch, fd, EPOLLIN, output_ready);
    if (error < 0) {
        close(fd);
        output->watch.fd = -1;
    }
    return error;
}

void output_wake(struct output *output)
{
    if (output->watch.fd >= 0 && (output->room == NULL || output->room(output) > 0))
        loop_change(&output->watch, EPOLLIN);
}

void output_drain(struct output *output, size_t most)
{
    while (most > 0 && output->watch.fd >= 0) {
        size_t length = read_once(output, most);
        if (length == 0)
            return;
        most -= length;
    }
}

void output_close(struct output *output)
{
    loop_close(&output->watch);
}

static void grant(const struct requester *to, size_t bytes)
{
    uint8_t data[4];
    struct writer body = {.data = data, .size = sizeof data};
    write_u32(&body, (uint32_t)bytes);
    send_frame(to, SHIM_STDIN_WINDOW, &body);
}

static void drop_first(struct input *input)
{
    struct chunk *chunk = input->first;
    input->first = chunk->next;
    if (input->first == NULL)
        input->last = NULL;
    free(chunk);
}

void input_close(struct input *input)
{
    loop_close(&input->watch);
    while (input->first != NULL) {
        grant(&input->first->from, input->first->length);
        drop_first(input);
    }
}

/* Writes what waits, as far as the reader takes it. */
static void push(struct input *input)
{
    while (input->first != NULL) {
        struct chunk *chunk = input->first;
        ssize_t written = write(input->watch.fd, chunk->data + chunk->start, chunk->length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN) {
            loop_change(&input->watch, EPOLLOUT);
            return;
        }
        if (written < 0) { /* nobody reads any more */
            input_close(input);
            return;
        }
        grant(&chunk->from, (size_t)written);
        chunk->start += (uint32_t)written;
        chunk->length -= (uint32_t)written;
        if (chunk->length == 0)
            drop_first(input);
    }
    loop_change(&input->watch, 0);
    if (input->closing)
        input_close(input);
}

static void input_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    push(CONTAINER_OF(watch, struct input, watch));
}

int input_open(struct input *input, int fd, bool terminal)
{
    *input = (struct input){.watch = {.fd = -1}, .terminal = terminal};
    int error = make_nonblocking(fd);
    if (error < 0) {
        close(fd);
        return error;
    }
    return loop_watch(&input->watch, fd, 0, input_ready);
}

static size_t waiting(const struct input *input, const struct requester *from)
{
    size_t length = 0;
    for (const struct chunk *at = input->first; at != NULL; at = at->next)
        if (at->from.connection == from->connection && at->from.id == from->id)
            length += at->length;
    return length;
}

/* Keeps bytes at the end of the queue. Returns how many it took; fewer only without memory. */
static size_t keep(struct input *input, const struct requester *from, const uint8_t *data, size_t length)
{
    struct chunk *chunk = input->last;
    if (chunk == NULL || chunk->from.connection != from->connection || chunk->from.id != from->id ||
        chunk->start + chunk->length == CHUNK_SIZE) {
        chunk = malloc(sizeof *chunk);
        if (chunk == NULL)
            return 0;
        chunk->next = NULL;
        chunk->from = *from;
        chunk->start = chunk->length = 0;
        if (input->last == NULL)
            input->first = chunk;
        else
            input->last->next = chunk;
        input->last = chunk;
    }
    size_t room = CHUNK_SIZE - chunk->start - chunk->length;
    size_t taken = length < room ? length : room;
    memcpy(chunk->data + chunk->start + chunk->length, data, taken);
    chunk->length += (uint32_t)taken;
    return taken;
}

bool input_write(struct input *input, const struct requester *from, const uint8_t *data, size_t length)
{
    if (waiting(input, from) + length > SHIM_WINDOW)
        return false;
    if (input->watch.fd < 0 || input->closing) {
        grant(from, length);
        return true;
    }
    while (length > 0) {
        size_t taken = keep(input, from, data, length);
        if (taken == 0)
            return false;
        data += taken;
        length -= taken;
    }
    push(input);
    return true;
}

void input_finish(struct input *input)
{
    if (input->terminal || input->watch.fd < 0)
        return;
    input->closing = true;
    push(input);
}

void input_disown(struct input *input, const struct connection *connection)
{
    for (struct chunk *at = input->first; at != NULL; at = at->next)
        if (at->from.connection == connection)
            at->from.connection = NULL;
}
