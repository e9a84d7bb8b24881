/*
 * The pause container: holds a pod's namespaces, reaps orphans when it is PID 1 of a shared PID
 * namespace, and ends on SIGTERM or SIGINT. It needs no library, so it has none: a few kilobytes of
 * text, one page of stack. Blocking all signals and waiting for them beats handlers: nothing is
 * interrupted, nothing is lost.
 */
#include <asm/unistd.h>
#include <linux/signal.h>
#include <linux/wait.h>

#define SIGNAL_SET_SIZE 8

void _start(void) __attribute__((noreturn, naked));
__attribute__((noreturn, used)) static void pause_main(void);

#if defined(__x86_64__)
void _start(void)
{
    __asm__ volatile("xor %ebp, %ebp\n\tand $-16, %rsp\n\tcall pause_main");
}

static long call(long number, long a, const void *b, void *c, long d)
{
    register long r10 __asm__("r10") = d;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
void _start(void)
{
    __asm__ volatile("mov x29, #0\n\tbl pause_main");
}

static long call(long number, long a, const void *b, void *c, long d)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register const void *x1 __asm__("x1") = b;
    register void *x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;

    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
#else
#error "write the system call of this machine"
#endif

static void reap(void)
{
    while (call(__NR_wait4, -1, 0, (void *)WNOHANG, 0) > 0)
        ;
}

static void pause_main(void)
{
    const unsigned long all = ~0ul;

    call(__NR_rt_sigprocmask, SIG_BLOCK, &all, 0, SIGNAL_SET_SIZE);
    /* Children that ended before the signals were blocked. */
    reap();
    for (;;) {
        long signal = call(__NR_rt_sigtimedwait, (long)&all, 0, 0, SIGNAL_SET_SIZE);

        if (signal == SIGTERM || signal == SIGINT)
            for (;;)
                call(__NR_exit_group, 0, 0, 0, 0);
        if (signal == SIGCHLD)
            reap();
    }
}
