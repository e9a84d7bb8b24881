/*
 * The last wall: even code that a stranger's bytes took over could only go on writing the tree it may
 * write anyway. Numbers are those of the machine this is compiled for; seccomp(2).
 */
#include "sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "fail.h"

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#error "name this machine's AUDIT_ARCH"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW(name)                                                                                \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1),                                         \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

void sandbox(void)
{
    struct sock_filter filter[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        ALLOW(read),
        ALLOW(write),
        ALLOW(openat),
        ALLOW(openat2),
        ALLOW(close),
        ALLOW(fstat),
        ALLOW(newfstatat),
        ALLOW(getdents64),
        ALLOW(lseek),
        ALLOW(fcntl), /* fdopendir(3) asks how its fd was opened */
        ALLOW(mkdirat),
        ALLOW(mknodat),
        ALLOW(symlinkat),
        ALLOW(linkat),
        ALLOW(unlinkat),
        ALLOW(readlinkat),
        ALLOW(fchown),
        ALLOW(fchownat),
        ALLOW(fchmod),
        ALLOW(fchdir),
        ALLOW(fsetxattr),
        ALLOW(lsetxattr),
        ALLOW(utimensat),
        ALLOW(syncfs),
        ALLOW(capset),
        ALLOW(brk),
        ALLOW(mmap),
        ALLOW(munmap),
        ALLOW(mremap),
        ALLOW(rt_sigreturn),
        ALLOW(exit),
        ALLOW(exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
        fail(errno, "seccomp", "");
}
