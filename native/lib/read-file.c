/* Reading a file of an image: its path and its type are the image author's choice. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vitrine.h"

#define RETRIES_MAX 128 /* RESOLVE_IN_ROOT answers EAGAIN while something is being renamed */

static int open_in_root(int root, const char *path)
{
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    int fd = -1;
    for (int tries = 0; tries < RETRIES_MAX; tries++) {
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return fd < 0 ? -errno : fd;
}

/* Opens for reading what an O_PATH fd already holds, after it turned out to be a regular file. */
static int reopen_regular(int held)
{
    struct stat status;
    if (fstat(held, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", held);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

static int64_t read_all(int fd, uint8_t *bytes, uint64_t size)
{
    uint64_t done = 0;
    for (;;) {
        uint8_t beyond;
        int full = done == size;
        ssize_t count = full ? read(fd, &beyond, 1) : read(fd, bytes + done, size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            return (int64_t)done;
        if (full)
            return -EFBIG;
        done += (uint64_t)count;
    }
}

int64_t vt_read_in_root(const char *root, const char *path, uint8_t *bytes, uint64_t size)
{
    int directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    int held = open_in_root(directory, path);
    close(directory);
    if (held < 0)
        return held;
    int fd = reopen_regular(held);
    close(held);
    if (fd < 0)
        return fd;
    int64_t result = read_all(fd, bytes, size);
    close(fd);
    return result;
}
