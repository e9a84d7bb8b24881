/* Memory files: what goes to a program and what comes back from it, bounded by seals. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../exec/seal.h"
#include "vitrine.h"

int32_t vt_memfd_sealed(const uint8_t *bytes, uint64_t length)
{
    int fd = memfd_create("vitrine", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    uint64_t done = 0;
    while (done < length) {
        ssize_t count = pwrite(fd, bytes + done, length - done, (off_t)done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            int error = errno;
            close(fd);
            return -error;
        }
        done += (uint64_t)count;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int32_t vt_sealed_program(const char *path)
{
    return sealed_copy(path);
}

/*
 * The same file opened anew. Writers of what memfd_create(2) returns race for its offset and overwrite each
 * other; only for a description that open(2) made does the kernel take turns (FMODE_ATOMIC_POS).
 */
static int open_anew(int fd)
{
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int anew = open(name, O_RDWR | O_CLOEXEC);
    return anew < 0 ? -errno : anew;
}

int32_t vt_memfd_bounded(uint64_t size)
{
    int fd = memfd_create("vitrine-output", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    bool good = ftruncate(fd, (off_t)size) == 0 &&
                fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) == 0;
    int result = good ? open_anew(fd) : -errno;
    close(fd);
    return result;
}

int64_t vt_offset(int32_t fd)
{
    off_t offset = lseek(fd, 0, SEEK_CUR);
    return offset < 0 ? -errno : offset;
}
