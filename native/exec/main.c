/*
 * vitrine-oci PLAN_FD REPORT_FD [SLOT=FD ...]
 *
 * Runs the `oci` ops of a Plan, which start its other processes. See docs/architecture.md; the forms
 * of what is read and written are in plan.h and report.h. Exit status: 0, 1 when an op failed, 2 when
 * it was started wrongly. It decides nothing: what happens is in the Plan.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor.h"
#include "procfs.h"
#include "seal.h"
#include "syscalls.h"

static _Noreturn void die(const char *why)
{
    static const char prefix[] = "vitrine-oci: ";
    ssize_t ignored = write(2, prefix, sizeof prefix - 1);
    ignored = write(2, why, strlen(why));
    ignored = write(2, "\n", 1);
    (void)ignored;
    _exit(2);
}

/* A whole decimal number below `limit`, nothing else; -1 otherwise. */
static int parse_number(const char *text, long limit)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    errno = 0;
    long number = strtol(text, &end, 10);
    return errno || *end || number >= limit ? -1 : (int)number;
}

static int parse_fd(const char *text)
{
    int fd = parse_number(text, 1 << 20);
    if (fd < 0 || fcntl(fd, F_GETFD) < 0)
        die("a PLAN_FD, REPORT_FD or SLOT=FD is no open file descriptor");
    return fd;
}

static int parse_slot(const char *name, size_t length)
{
    if (length == 5 && memcmp(name, "start", 5) == 0)
        return PLAN_SLOT_START;
    if (length == 7 && memcmp(name, "console", 7) == 0)
        return PLAN_SLOT_CONSOLE;
    die("a slot is neither start nor console");
}

/* What a starter may have left: ignored and blocked signals, a umask, fds 0 to 2 closed. */
static void reset_inherited(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    signal(SIGPIPE, SIG_IGN); /* a reader of reports that goes away is no reason to die half-way */
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(0);
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_NOFOLLOW) != fd)
            die("stdio is closed and /dev/null cannot be opened");
}

/* The Plan mapped read-only. A sealed memfd cannot change under us; anything else is copied. */
static const uint8_t *map_plan(int fd, size_t *size)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > (off_t)PLAN_SIZE_MAX)
        die("PLAN_FD is no file of the size of a plan");
    *size = (size_t)st.st_size;
    if (is_sealed(fd)) {
        void *map = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED)
            die("the plan cannot be mapped");
        return map;
    }
    uint8_t *copy = malloc(*size);
    if (!copy || pread(fd, copy, *size, 0) != (ssize_t)*size)
        die("the plan cannot be read");
    return copy;
}

/* A Plan with ops of the daemon in it was sent to the wrong place. */
static int refuse_host_ops(struct executor *x)
{
    for (uint16_t i = 0; i < x->plan->count; i++) {
        struct op op;
        plan_op(x->plan, i, &op);
        if (op.process == PROCESS_HOST) {
            fail(x, EINVAL, "an op of the host in a plan of vitrine-oci");
            report_op(x, i, -EINVAL, false, monotonic_ns());
            return -EINVAL;
        }
    }
    return 0;
}

/* Whether an op will write to procfs, which is then made now, before we enter anything foreign. */
static bool needs_procfs(const struct plan *plan)
{
    static const uint16_t codes[] = {OP_SYSCTL, OP_OOM_SCORE_ADJ, OP_APPARMOR, OP_SELINUX, OP_ID_MAP};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (plan_has(plan, -1, codes[i]))
            return true;
    return false;
}

int main(int argc, char *argv[], char *env[])
{
    static struct plan plan;
    static struct executor executor;
    static uint8_t reports[4096 + REPORT_SIZE_MAX];
    struct executor *x = &executor;
    size_t size;
    uint16_t bad;

    int error = run_sealed(argv, env);
    if (error < 0)
        die("cannot run from a sealed copy of itself");
    if (argc < 3)
        die("usage: vitrine-oci PLAN_FD REPORT_FD [start=FD] [console=FD]");
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NAME, "vitrine:[oci]", 0, 0, 0);
    reset_inherited();
    if (sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        die("close_range(2) does not work: Linux 5.12 or newer is needed");
    const uint8_t *bytes = map_plan(parse_fd(argv[1]), &size);
    bool good = plan_decode(bytes, size, &plan, &bad);
    executor_init(x, &plan, PROCESS_OCI);
    x->report_fd = parse_fd(argv[2]);
    x->reports = reports;
    x->reports_size = sizeof reports;
    for (int fd = 0; fd < 3; fd++)
        x->slots[fd] = fd;
    for (int i = 3; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (!equals)
            die("an argument is not SLOT=FD");
        x->slots[parse_slot(argv[i], (size_t)(equals - argv[i]))] = parse_fd(equals + 1);
    }
    close(parse_fd(argv[1]));
    if (!good) {
        fail(x, EINVAL, "the plan is malformed at op ");
        detail_number(x, bad);
        report_op(x, REPORT_NO_INDEX, -EINVAL, false, monotonic_ns());
        error = -EINVAL;
    } else {
        error = refuse_host_ops(x);
    }
    if (error == 0 && needs_procfs(&plan))
        procfs_root(x); /* a failure is the error of the op that needs it */
    if (error == 0)
        error = run_process(x);
    report_flush(x);
    if (error < 0) {
        kill_children(x);
        undo_mounts(x);
    }
    return error < 0 ? 1 : 0;
}
