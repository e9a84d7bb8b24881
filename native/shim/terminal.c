#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_size(const struct terminal *terminal)
{
    struct winsize size = {.ws_col = terminal->width, .ws_row = terminal->height};
    if (terminal->master >= 0 && terminal->width > 0 && terminal->height > 0)
        ioctl(terminal->master, TIOCSWINSZ, &size);
}

void terminal_take(struct terminal *terminal)
{
    char byte;
    union {
        struct cmsghdr align;
        char data[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.data,
                             .msg_controllen = sizeof control.data};
    if (terminal->socket.fd < 0)
        return;
    ssize_t length = recvmsg(terminal->socket.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    loop_close(&terminal->socket);
    struct cmsghdr *header = length < 0 ? NULL : CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(int)))
        return;
    int master;
    memcpy(&master, CMSG_DATA(header), sizeof master);
    terminal->master = fcntl(master, F_DUPFD_CLOEXEC, 0);
    set_size(terminal);
    terminal->arrived(terminal, master);
}

static void socket_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    terminal_take(CONTAINER_OF(watch, struct terminal, socket));
}

int terminal_open(struct terminal *terminal, int *theirs,
                  void (*arrived)(struct terminal *terminal, int master))
{
    int pair[2];
    *terminal = (struct terminal){.socket = {.fd = -1}, .master = -1, .arrived = arrived};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    int error = loop_watch(&terminal->socket, pair[0], EPOLLIN, socket_ready);
    if (error < 0) {
        close(pair[0]);
        close(pair[1]);
        terminal->socket.fd = -1;
        return error;
    }
    *theirs = pair[1];
    return 0;
}

void terminal_resize(struct terminal *terminal, uint16_t width, uint16_t height)
{
    terminal->width = width;
    terminal->height = height;
    set_size(terminal);
}

void terminal_close(struct terminal *terminal)
{
    loop_close(&terminal->socket);
    if (terminal->master >= 0)
        close(terminal->master);
    terminal->master = -1;
}
