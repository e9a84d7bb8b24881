/* A connection that exists before the program at its other end does: nobody has to wait for a listener. */
#include <errno.h>
#include <sys/socket.h>

#include "vitrine.h"

int32_t vt_socket_pair(int32_t *out)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return -errno;
    out[0] = pair[0];
    out[1] = pair[1];
    return 0;
}
