/* The end of every process of a Plan: no fd left but stdio, then the program. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor.h"
#include "syscalls.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define KEEP_MAX (PLAN_SLOTS_MAX + 8 + 2 * PLAN_BARRIERS_MAX)

static int compare(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;
    return left < right ? -1 : left > right;
}

/* Closes every fd from `from` on that is not in `keep`. */
static int close_all_but(struct executor *x, unsigned from, int *keep, size_t count)
{
    unsigned next = from;
    qsort(keep, count, sizeof *keep, compare);
    for (size_t i = 0; i < count; i++) {
        if (keep[i] < 0 || (unsigned)keep[i] < next)
            continue;
        if ((unsigned)keep[i] > next && sys_close_range(next, (unsigned)keep[i] - 1, 0) < 0)
            return fail(x, errno, "close_range");
        next = (unsigned)keep[i] + 1;
    }
    return sys_close_range(next, ~0u, 0) < 0 ? fail(x, errno, "close_range") : 0;
}

static bool kept(const int *keep, size_t count, int fd)
{
    for (size_t i = 0; i < count; i++)
        if (keep[i] == fd)
            return true;
    return false;
}

/*
 * The slots that the Plan keeps, and the executor's own fds, which end with execve: the report, the
 * barriers and `start` may still be needed.
 */
int op_close_range(struct executor *x, const struct op *op)
{
    int keep[KEEP_MAX];
    size_t count = 0;
    struct op_list list = op->u.close_range.keep;
    while (list.count > 0) {
        int fd = slot_fd(x, list_u16(&list), "keep");
        if (fd < 0)
            return fd;
        keep[count++] = fd;
    }
    keep[count++] = x->report_fd;
    keep[count++] = x->procfs;
    keep[count++] = x->slots[PLAN_SLOT_START];
    keep[count++] = x->gate[1];
    for (int i = 0; i < PLAN_BARRIERS_MAX; i++) {
        keep[count++] = x->barriers[i][0];
        keep[count++] = x->barriers[i][1];
    }
    int result = close_all_but(x, op->u.close_range.from, keep, count);
    for (int i = 0; result == 0 && i < PLAN_SLOTS_MAX; i++) {
        int fd = x->slots[i];
        if (fd >= 0 && (unsigned)fd >= op->u.close_range.from && !kept(keep, count, fd))
            x->slots[i] = -1;
    }
    x->null_device = x->mask_mount = -1;
    x->mounted_count = 0;
    return result;
}

static char **string_array(struct op_list list)
{
    char **array = calloc((size_t)list.count + 1, sizeof *array);
    for (size_t i = 0; array && list.count > 0; i++) {
        union {
            const char *in;
            char *out; /* execve(2) promises not to write */
        } text = {.in = list_string(&list)};
        array[i] = text.out;
    }
    return array;
}

/* Says what the errno of execve alone leaves open. */
static int explain(struct executor *x, int error, const char *path)
{
    struct stat st;
    detail_quoted(x, path);
    detail_text(x, ": ");
    if (error == ENOENT && stat(path, &st) == 0)
        detail_text(x, "its interpreter or loader does not exist");
    else if (error == EACCES && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        detail_text(x, "is a directory");
    else if (error == EACCES)
        detail_text(x, "permission denied or not executable");
    else if (error == ENOEXEC)
        detail_text(x, "no program of this machine, and no #! line");
    else
        detail_text(x, strerror(error));
    return -error;
}

static const char *path_variable(char *const env[])
{
    for (; *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    return DEFAULT_PATH;
}

/* execvp(3): the first in PATH that can be run; EACCES of one is remembered but does not stop. */
static int exec_in_path(struct executor *x, const char *name, char *const argv[], char *const env[])
{
    char path[PATH_MAX];
    char denied[PATH_MAX] = "";
    if (name[0] == 0)
        return fail(x, ENOENT, "the command is empty");
    for (const char *at = path_variable(env);;) {
        size_t length = strcspn(at, ":");
        size_t dot = length == 0 ? 1 : length; /* an empty entry is the working directory */
        if (dot + 1 + strlen(name) < sizeof path) {
            memcpy(path, length == 0 ? "." : at, dot);
            path[dot] = '/';
            memcpy(path + dot + 1, name, strlen(name) + 1);
            execve(path, argv, env);
            if (errno == EACCES && !denied[0])
                memcpy(denied, path, strlen(path) + 1);
            else if (errno != ENOENT && errno != ENOTDIR && errno != EACCES && errno != ESTALE)
                return explain(x, errno, path);
        }
        if (at[length] == 0)
            break;
        at += length + 1;
    }
    if (denied[0])
        return explain(x, EACCES, denied);
    detail_quoted(x, name);
    detail_text(x, ": executable file not found in $PATH");
    return -ENOENT;
}

int op_execve(struct executor *x, const struct op *op)
{
    char cwd[PLAN_PATH_MAX + 1];
    if (syscall(SYS_getcwd, cwd, sizeof cwd) < 0 || cwd[0] != '/')
        return fail(x, EXDEV, "working directory is outside the root");
    char **argv = string_array(op->u.execve.argv);
    char **env = string_array(op->u.execve.env);
    if (!argv || !env)
        return -ENOMEM;
    if (!argv[0])
        return fail(x, EINVAL, "argv is empty");
    report_announce(x, REPORT_EXEC, op->index);
    int result = close_all_but(x, 3, &x->report_fd, 1);
    if (result < 0)
        return result;
    umask(x->umask);
    signal(SIGPIPE, SIG_DFL);
    if (strchr(op->path, '/')) {
        execve(op->path, argv, env);
        return explain(x, errno, op->path);
    }
    return exec_in_path(x, op->path, argv, env);
}
