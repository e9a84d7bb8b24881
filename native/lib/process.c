/* Processes by pidfd: no pid can be another process by now. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vitrine.h"

int32_t vt_abi_version(void)
{
    return VT_ABI_VERSION;
}

int32_t vt_wait(int32_t pidfd, int32_t *out)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0)
        return -errno;
    if (info.si_pid == 0)
        return 0;
    out[0] = info.si_code;
    out[1] = info.si_status;
    return 1;
}

int32_t vt_pidfd_open(int32_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0u);
    return fd < 0 ? -errno : fd;
}

int32_t vt_pidfd_signal(int32_t pidfd, int32_t signal)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0u) < 0 ? -errno : 0;
}
