/* Ops on what a process and its namespaces are: limits, groups, capabilities, cgroups, labels. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "path.h"
#include "procfs.h"
#include "syscalls.h"

#define CAPABILITIES_MAX 64

/* "net.ipv4.ip_forward" or "net/ipv4/conf/eth0.1/forwarding": a slash anywhere keeps dots as they are. */
int op_sysctl(struct executor *x, const struct op *op)
{
    char path[512];
    bool slashes = strchr(op->path, '/') != NULL;
    int length = snprintf(path, sizeof path, "sys/%s", op->path);
    if (length < 0 || (size_t)length >= sizeof path)
        return fail(x, ENAMETOOLONG, "key");
    for (char *at = path + 4; *at && !slashes; at++)
        if (*at == '.')
            *at = '/';
    if (op->path[0] == '/' || op->path[0] == 0 || strstr(op->path, "..") != NULL)
        return fail_path(x, EINVAL, "key", op->path);
    int error = procfs_write(x, path, op->text);
    return error < 0 ? fail_path(x, -error, "key", op->path) : 0;
}

int op_link_up(struct executor *x, const struct op *op)
{
    struct ifreq request;
    memset(&request, 0, sizeof request);
    if (strlen(op->path) >= sizeof request.ifr_name)
        return fail_path(x, ENAMETOOLONG, "name", op->path);
    memcpy(request.ifr_name, op->path, strlen(op->path));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int result = ioctl(fd, SIOCGIFFLAGS, &request);
    if (result == 0) {
        request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
        result = ioctl(fd, SIOCSIFFLAGS, &request);
    }
    int error = errno;
    close(fd);
    return result < 0 ? fail_path(x, error, "name", op->path) : 0;
}

int op_rlimit(struct executor *x, const struct op *op)
{
    struct rlimit limit = {.rlim_cur = op->u.rlimit.soft, .rlim_max = op->u.rlimit.hard};
    /* The system call itself: C libraries do not agree on the type of its second argument. */
    return syscall(SYS_prlimit64, 0, (int)op->u.rlimit.type, &limit, NULL) < 0
               ? fail(x, errno, "limit")
               : 0;
}

int op_oom_score_adj(struct executor *x, const struct op *op)
{
    char value[16];
    char kept[16];
    snprintf(value, sizeof value, "%d", op->u.number);
    int error = procfs_write(x, "self/oom_score_adj", value);
    if ((error == -EACCES || error == -EPERM) && op->on &&
        procfs_read(x, "self/oom_score_adj", kept, sizeof kept) > 0) {
        kept[strcspn(kept, "\n")] = 0;
        x->detail_length = 0;
        detail_text(x, "stays at ");
        detail_text(x, kept);
        detail_text(x, ": to lower it needs CAP_SYS_RESOURCE");
        return 0;
    }
    return error < 0 ? fail(x, -error, "value") : 0;
}

/* getcwd(2) itself: the C library's would make up a path where the kernel says "(unreachable)". */
static int check_cwd(struct executor *x)
{
    char cwd[PLAN_PATH_MAX + 1];
    if (syscall(SYS_getcwd, cwd, sizeof cwd) < 0)
        return fail(x, errno == ENOENT ? ENOENT : errno, "working directory");
    return cwd[0] == '/' ? 0 : fail_path(x, EXDEV, "working directory is outside the root:", cwd);
}

int op_chdir(struct executor *x, const struct op *op)
{
    int fd = open_at(x, PLAN_SLOT_NONE, op->path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_MAGICLINKS);
    if (fd == -ENOENT && op->on)
        fd = make_directories(x, PLAN_SLOT_NONE, op->path, 0755);
    if (fd < 0)
        return fail_path(x, -fd, "path", op->path);
    int result = fchdir(fd) < 0 ? fail_path(x, errno, "path", op->path) : check_cwd(x);
    close(fd);
    return result;
}

int op_setgroups(struct executor *x, const struct op *op)
{
    struct op_list list = op->u.groups;
    uint32_t count = list.count;
    gid_t *groups = calloc(count + 1, sizeof *groups);
    if (!groups)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        groups[i] = list_u32(&list);
    int result = setgroups(count, groups) < 0 ? fail(x, errno, "groups") : 0;
    free(groups);
    return result;
}

int op_cap_bounding(struct executor *x, const struct op *op)
{
    for (int cap = 0; cap < CAPABILITIES_MAX; cap++) {
        int present = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
        if (present < 0)
            return 0; /* past the last one this kernel knows */
        bool keep = op->u.caps.effective >> cap & 1;
        if (present == 1 && !keep && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
            int error = errno;
            fail(x, error, "capability ");
            detail_number(x, cap);
            return -error;
        }
    }
    return 0;
}

/* Raises the ambient set; each needs to be permitted and inheritable by then. */
static int set_ambient(struct executor *x, uint64_t set)
{
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return fail(x, errno, "ambient");
    for (int cap = 0; cap < CAPABILITIES_MAX; cap++) {
        if ((set >> cap & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0) {
            int error = errno;
            fail(x, error, "ambient capability ");
            detail_number(x, cap);
            return -error;
        }
    }
    return 0;
}

int op_capset(struct executor *x, const struct op *op)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2];
    for (int i = 0; i < 2; i++) {
        data[i].effective = (uint32_t)(op->u.caps.effective >> (32 * i));
        data[i].permitted = (uint32_t)(op->u.caps.permitted >> (32 * i));
        data[i].inheritable = (uint32_t)(op->u.caps.inheritable >> (32 * i));
    }
    if (syscall(SYS_capset, &header, data) < 0)
        return fail(x, errno, "sets");
    return set_ambient(x, op->u.caps.ambient);
}

int op_parent_death_signal(struct executor *x, const struct op *op)
{
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)op->u.number, 0, 0, 0) < 0)
        return fail(x, errno, "signal");
    return getppid() == x->parent ? 0 : fail(x, ESRCH, "the parent has died already");
}

int op_cgroup_join(struct executor *x, const struct op *op)
{
    struct statfs fs;
    int dir = open_at(x, PLAN_SLOT_NONE, op->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, 0);
    if (dir < 0)
        return fail_path(x, -dir, "path", op->path);
    int result = 0;
    if (fstatfs(dir, &fs) < 0 ||
        (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC)) {
        result = fail_path(x, EXDEV, "no cgroup:", op->path);
    } else {
        /* "tasks" moves this one thread, which is all we are, without the lock over all of fork. */
        const char *file = fs.f_type == CGROUP_SUPER_MAGIC ? "tasks" : "cgroup.procs";
        int fd = openat(dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || write(fd, "0", 1) != 1)
            result = fail_path(x, errno, file, op->path);
        if (fd >= 0)
            close(fd);
    }
    close(dir);
    return result;
}

int op_apparmor(struct executor *x, const struct op *op)
{
    char command[PLAN_PATH_MAX + 8];
    snprintf(command, sizeof command, "exec %s", op->path);
    int error = procfs_write(x, "thread-self/attr/apparmor/exec", command);
    if (error == -ENOENT)
        error = procfs_write(x, "thread-self/attr/exec", command);
    if (error == 0)
        x->detail_length = 0;
    return error < 0 ? fail_path(x, -error, "profile", op->path) : 0;
}

int op_selinux(struct executor *x, const struct op *op)
{
    int error = procfs_write(x, "thread-self/attr/exec", op->path);
    return error < 0 ? fail_path(x, -error, "label", op->path) : 0;
}

int op_seccomp(struct executor *x, const struct op *op)
{
    struct sock_filter *filter;
    size_t size = op->u.data.size;
    unsigned flags = 0;
    if (size == 0 || size % sizeof *filter != 0)
        return fail(x, EINVAL, "filter is no whole number of instructions");
    filter = malloc(size);
    if (!filter)
        return -ENOMEM;
    memcpy(filter, op->u.data.data, size);
    struct sock_fprog program = {.len = (unsigned short)(size / sizeof *filter), .filter = filter};
    if (op->flags & PLAN_SECCOMP_LOG)
        flags |= SECCOMP_FILTER_FLAG_LOG;
    if (op->flags & PLAN_SECCOMP_SPEC_ALLOW)
        flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    if (op->flags & PLAN_SECCOMP_TSYNC)
        flags |= SECCOMP_FILTER_FLAG_TSYNC;
    /* From here on the filter may kill this process: what it did before must be known. */
    report_flush(x);
    x->report_at_once = true;
    int result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) < 0
                     ? fail(x, errno, "filter")
                     : 0;
    free(filter);
    return result;
}
