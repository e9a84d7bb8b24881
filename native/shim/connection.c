#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "die.h"

#define SOCKET_NAME "s"
#define SOCKET_NEW "s.new"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* Not shared with streams: handling one request of a batch may read some. */
static uint8_t received_bytes[16 * 1024];

static struct watch listener = {.fd = -1};
static struct connection *connections;
static int connection_count;

bool connections_none(void)
{
    return connections == NULL;
}

static void connection_free(struct connection *connection)
{
    if (connection->busy)
        return;
    frame_reset(&connection->parser);
    free(connection->queue);
    free(connection);
}

static void connection_close(struct connection *connection)
{
    if (connection->closed)
        return;
    connection->closed = true;
    loop_close(&connection->watch);
    struct connection **at = &connections;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    connection_count--;
    if (connection->blob_fd >= 0)
        close(connection->blob_fd);
    connection->blob_fd = -1;
    connection_gone(connection);
    connection_free(connection);
    connections_changed();
}

/* Writes what waits. False when the connection has broken. */
static bool flush_queue(struct connection *connection)
{
    while (connection->queue_length > 0) {
        ssize_t sent = send(connection->watch.fd, connection->queue + connection->queue_start,
                            connection->queue_length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            loop_change(&connection->watch, EPOLLIN | EPOLLOUT);
            return true;
        }
        if (sent < 0)
            return false;
        connection->queue_start += (size_t)sent;
        connection->queue_length -= (size_t)sent;
    }
    /* An idle shim keeps no memory for a queue. */
    free(connection->queue);
    connection->queue = NULL;
    connection->queue_start = connection->queue_size = 0;
    loop_change(&connection->watch, EPOLLIN);
    connection_drained(connection);
    return true;
}

/* Appends bytes to the queue; false when that would be more than a connection may hold back. */
static bool queue_bytes(struct connection *connection, const uint8_t *data, size_t length)
{
    if (length == 0)
        return true;
    if (connection->queue_length + length > SHIM_QUEUE_MAX)
        return false;
    if (connection->queue_start + connection->queue_length + length > connection->queue_size) {
        size_t size = connection->queue_size == 0 ? 4096 : connection->queue_size;
        while (size < connection->queue_length + length)
            size *= 2;
        uint8_t *queue = malloc(size);
        if (queue == NULL)
            return false;
        if (connection->queue_length > 0)
            memcpy(queue, connection->queue + connection->queue_start, connection->queue_length);
        free(connection->queue);
        connection->queue = queue;
        connection->queue_size = size;
        connection->queue_start = 0;
    }
    memcpy(connection->queue + connection->queue_start + connection->queue_length, data, length);
    connection->queue_length += length;
    loop_change(&connection->watch, EPOLLIN | EPOLLOUT);
    return true;
}

/* Sends three parts at once, queueing what the socket does not take. False when the connection must go. */
static bool send_parts(struct connection *connection, struct iovec *parts, int count)
{
    size_t sent = 0;
    if (connection->queue_length == 0) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
        ssize_t result = sendmsg(connection->watch.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (result < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        sent = result < 0 ? 0 : (size_t)result;
    }
    for (int i = 0; i < count; i++) {
        size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        sent -= skip;
        if (!queue_bytes(connection, (const uint8_t *)parts[i].iov_base + skip, parts[i].iov_len - skip))
            return false;
    }
    return true;
}

/* Closing here would pull the connection from under callers, so the socket is shut down and the loop closes it. */
static void give_up(struct connection *connection)
{
    free(connection->queue);
    connection->queue = NULL;
    connection->queue_start = connection->queue_length = connection->queue_size = 0;
    shutdown(connection->watch.fd, SHUT_RDWR);
    loop_change(&connection->watch, EPOLLIN);
}

void send_frame_with(const struct requester *to, uint16_t kind, const struct writer *body,
                     const uint8_t *rest, size_t rest_length)
{
    struct connection *connection = to->connection;
    if (connection == NULL || connection->closed)
        return;
    uint8_t header[SHIM_HEADER_SIZE];
    union {
        const uint8_t *in;
        uint8_t *out;
    } rest_of = {.in = rest};
    size_t length = body == NULL ? 0 : body->length;
    frame_header(header, kind, to->id, length + rest_length);
    struct iovec parts[3] = {
        {.iov_base = header, .iov_len = sizeof header},
        {.iov_base = body == NULL ? NULL : body->data, .iov_len = length},
        {.iov_base = rest_of.out, .iov_len = rest_length},
    };
    if (!send_parts(connection, parts, 3))
        give_up(connection);
}

void send_frame(const struct requester *to, uint16_t kind, const struct writer *body)
{
    send_frame_with(to, kind, body, NULL, 0);
}

void send_error(const struct requester *to, int error, const char *what)
{
    uint8_t data[1024];
    struct writer body = {.data = data, .size = sizeof data};
    size_t length = strlen(what);
    write_i32(&body, error);
    write_u16(&body, SHIM_NO_OP);
    write_u8(&body, 0);
    write_string(&body, what, length > 1000 ? 1000 : length);
    send_frame(to, SHIM_ERROR, &body);
}

void send_event(uint16_t kind, const struct writer *body)
{
    for (struct connection *at = connections; at != NULL; at = at->next)
        send_frame(&(struct requester){.connection = at, .id = 0}, kind, body);
}

size_t send_backlog(const struct requester *to)
{
    return to->connection == NULL ? 0 : to->connection->queue_length;
}

static struct connection *connection_of(struct frame_parser *parser)
{
    return CONTAINER_OF(parser, struct connection, parser);
}

static bool body_arrived(struct frame_parser *parser)
{
    struct connection *connection = connection_of(parser);
    if (parser->frame.blob_length == 0)
        return true;
    unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    connection->blob_fd = memfd_create("plan", flags | MFD_NOEXEC_SEAL);
    if (connection->blob_fd < 0 && errno == EINVAL) /* before Linux 6.3 */
        connection->blob_fd = memfd_create("plan", flags);
    return connection->blob_fd >= 0;
}

static bool blob_arrived(struct frame_parser *parser, const uint8_t *data, size_t length)
{
    int fd = connection_of(parser)->blob_fd;
    while (length > 0) {
        ssize_t written = write(fd, data, length);
        if (written < 0)
            return false;
        data += written;
        length -= (size_t)written;
    }
    return true;
}

static bool frame_arrived(struct frame_parser *parser)
{
    struct connection *connection = connection_of(parser);
    int fd = connection->blob_fd;
    connection->blob_fd = -1;
    if (fd >= 0 &&
        (lseek(fd, 0, SEEK_SET) < 0 ||
         fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)) {
        close(fd);
        return false;
    }
    bool good = request_received(connection, &parser->frame, fd);
    if (fd >= 0)
        close(fd);
    return good && !connection->closed;
}

static void connection_ready(struct watch *watch, uint32_t events)
{
    struct connection *connection = CONTAINER_OF(watch, struct connection, watch);
    bool good = true;
    if ((events & EPOLLOUT) != 0)
        good = flush_queue(connection);
    if (good && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        ssize_t received = recv(watch->fd, received_bytes, sizeof received_bytes, MSG_DONTWAIT);
        if (received > 0) {
            connection->busy = true;
            good = frame_feed(&connection->parser, received_bytes, (size_t)received);
            connection->busy = false;
        } else {
            good = received < 0 && (errno == EAGAIN || errno == EINTR);
        }
    }
    if (connection->closed)
        connection_free(connection);
    else if (!good)
        connection_close(connection);
}

void connection_adopt(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    struct connection *connection = NULL;
    if (connection_count < SHIM_CONNECTIONS_MAX &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == 0)
        connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        close(fd);
        return;
    }
    connection->blob_fd = -1;
    connection->parser = (struct frame_parser){
        .body = body_arrived, .blob = blob_arrived, .end = frame_arrived};
    if (loop_watch(&connection->watch, fd, EPOLLIN, connection_ready) < 0) {
        close(fd);
        free(connection);
        return;
    }
    connection->next = connections;
    connections = connection;
    connection_count++;
    connections_changed();
    uint8_t data[256];
    struct writer body = {.data = data, .size = sizeof data};
    hello_body(&body);
    send_frame(&(struct requester){.connection = connection, .id = 0}, SHIM_HELLO, &body);
}

static void listener_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        connection_adopt(fd);
}

/* The system call itself: musl has no wrapper for renameat2(2). */
static int rename_new(const char *from, const char *to)
{
    const unsigned no_replace = 1; /* RENAME_NOREPLACE */
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, no_replace);
}

void connections_open(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_NEW};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        die("socket", errno);
    /* Bound under another name and renamed, so that whoever finds `s` can connect to it. */
    unlink(SOCKET_NEW);
    mode_t mask = umask(0177);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        die("bind", errno);
    umask(mask);
    if (listen(fd, 128) < 0 || rename_new(SOCKET_NEW, SOCKET_NAME) < 0) {
        int error = errno;
        unlink(SOCKET_NEW);
        die("socket s in the working directory", error);
    }
    if (loop_watch(&listener, fd, EPOLLIN, listener_ready) < 0)
        die("epoll_ctl", errno);
}

void connections_close(void)
{
    unlink(SOCKET_NAME);
    loop_close(&listener);
    for (struct connection *at = connections; at != NULL; at = at->next)
        if (at->queue_length > 0)
            (void)!send(at->watch.fd, at->queue + at->queue_start, at->queue_length,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
}
