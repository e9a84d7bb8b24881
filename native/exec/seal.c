/* Sealed executables; seal.h says why. */
#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscalls.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3; before that every memfd is executable */
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

bool is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & SEALS) == SEALS;
}

static int copy_into(int memory, int file)
{
    struct stat st;
    if (fstat(file, &st) < 0)
        return -errno;
    for (off_t rest = st.st_size; rest > 0;) {
        ssize_t n = sendfile(memory, file, NULL, (size_t)rest);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        rest -= n;
    }
    if (fchmod(memory, 0511) < 0 || fcntl(memory, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    return 0;
}

int sealed_copy(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int memory = memfd_create("vitrine", flags | MFD_EXEC);
    if (memory < 0 && errno == EINVAL)
        memory = memfd_create("vitrine", flags);
    int error = memory < 0 ? -errno : copy_into(memory, file);
    close(file);
    if (error < 0) {
        if (memory >= 0)
            close(memory);
        return error;
    }
    return memory;
}

int run_sealed(char *const argv[], char *const env[])
{
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (self < 0)
        return -errno;
    bool sealed = is_sealed(self);
    close(self);
    if (sealed)
        return 0;
    int copy = sealed_copy("/proc/self/exe");
    if (copy < 0)
        return copy;
    sys_execveat(copy, argv, env);
    int error = errno;
    close(copy);
    return -error;
}
