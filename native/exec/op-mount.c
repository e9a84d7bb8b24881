/* Ops on mounts: made detached, given their attributes, then attached by fd onto fd. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "mount-attr.h"
#include "path.h"
#include "syscalls.h"

/* Flags of mount(2) for attributes of a Plan. */
static unsigned long mount_flags(uint32_t set)
{
    static const struct {
        uint32_t bit;
        unsigned long flag;
    } map[] = {
        {PLAN_ATTR_RDONLY, MS_RDONLY},     {PLAN_ATTR_NOSUID, MS_NOSUID},
        {PLAN_ATTR_NODEV, MS_NODEV},       {PLAN_ATTR_NOEXEC, MS_NOEXEC},
        {PLAN_ATTR_NOATIME, MS_NOATIME},   {PLAN_ATTR_RELATIME, MS_RELATIME},
        {PLAN_ATTR_STRICTATIME, MS_STRICTATIME}, {PLAN_ATTR_NODIRATIME, MS_NODIRATIME},
        {PLAN_ATTR_NOSYMFOLLOW, 256 /* MS_NOSYMFOLLOW */},
    };
    unsigned long flags = 0;
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (set & map[i].bit)
            flags |= map[i].flag;
    return flags;
}

uint64_t mount_attrs(uint32_t set)
{
    static const struct {
        uint32_t bit;
        uint64_t attr;
    } map[] = {
        {PLAN_ATTR_RDONLY, MOUNT_ATTR_RDONLY},
        {PLAN_ATTR_NOSUID, MOUNT_ATTR_NOSUID},
        {PLAN_ATTR_NODEV, MOUNT_ATTR_NODEV},
        {PLAN_ATTR_NOEXEC, MOUNT_ATTR_NOEXEC},
        {PLAN_ATTR_NOATIME, MOUNT_ATTR_NOATIME},
        {PLAN_ATTR_STRICTATIME, MOUNT_ATTR_STRICTATIME},
        {PLAN_ATTR_NODIRATIME, MOUNT_ATTR_NODIRATIME},
        {PLAN_ATTR_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW},
    };
    uint64_t attrs = 0;
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (set & map[i].bit)
            attrs |= map[i].attr;
    return attrs; /* relatime is the absence of the other two */
}

static uint64_t propagation_flag(uint8_t propagation)
{
    static const uint64_t flags[] = {0, MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE};
    return flags[propagation];
}

/* Remembers a mount of the host's namespace, so that a failure later in the Plan can take it away. */
static void remember(struct executor *x, int target)
{
    if (x->own_mounts || x->mounted_count == sizeof x->mounted / sizeof x->mounted[0]) {
        close(target);
        return;
    }
    x->mounted[x->mounted_count++] = target;
}

void undo_mounts(struct executor *x)
{
    while (x->mounted_count > 0) {
        char path[32];
        int fd = x->mounted[--x->mounted_count];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        umount2(path, MNT_DETACH);
        close(fd);
    }
}

int op_mount(struct executor *x, const struct op *op)
{
    struct op_list data = op->u.mount.options;
    const char *options = list_string(&data);
    unsigned long flags = mount_flags(op->flags);
    const char *fstype = op->u.mount.fstype;
    if (op->path[0] != '/')
        return fail_path(x, EINVAL, "target is not absolute:", op->path);
    if (strcmp(fstype, "bind") == 0 || strcmp(fstype, "rbind") == 0)
        flags |= fstype[0] == 'r' ? MS_BIND | MS_REC : MS_BIND;
    const char *source = op->text[0] ? op->text : "none";
    if (mount(source, op->path, fstype, flags, options[0] ? options : NULL) < 0) {
        int error = errno;
        fail_path(x, error, "source", source);
        detail_text(x, " target ");
        detail_quoted(x, op->path);
        return -error;
    }
    int target = open(op->path, O_PATH | O_CLOEXEC);
    if (target >= 0)
        remember(x, target);
    return 0;
}

/* What the file system says of a configuration it refused: lines like "e overlay: ...". */
static void fs_log(struct executor *x, int fs)
{
    for (int i = 0; i < 8; i++) {
        char line[200];
        ssize_t n = read(fs, line, sizeof line - 1);
        if (n <= 0)
            return;
        while (n > 0 && line[n - 1] == '\n')
            n--;
        line[n] = 0;
        if (line[0] == 'e' || line[0] == 'w') {
            detail_text(x, "; ");
            detail_text(x, line + (n > 2 ? 2 : 0));
        }
    }
}

static int configure(struct executor *x, int fs, const struct op *op)
{
    struct op_list options = op->u.mount.options;
    if (op->text[0] && sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", op->text) < 0)
        return fail_path(x, errno, "source", op->text);
    while (options.count > 0) {
        const char *key = list_string(&options);
        options.count++; /* counted in pairs */
        const char *value = list_string(&options);
        int done = value[0] ? sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value)
                            : sys_fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL);
        if (done < 0) {
            int error = errno;
            fail_path(x, error, "option", key);
            detail_text(x, "=");
            detail_text(x, value);
            return -error;
        }
    }
    if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
        return fail_path(x, errno, "create", op->u.mount.fstype);
    return 0;
}

int op_fsmount(struct executor *x, const struct op *op)
{
    int fs = sys_fsopen(op->u.mount.fstype);
    if (fs < 0)
        return fail_path(x, errno, "fstype", op->u.mount.fstype);
    int result = configure(x, fs, op);
    if (result == 0) {
        result = sys_fsmount(fs, (unsigned)mount_attrs(op->flags));
        if (result < 0)
            result = fail(x, errno, "attrs");
    }
    if (result < 0)
        fs_log(x, fs);
    close(fs);
    return slot_fill(x, op->as, result);
}

int op_open_tree(struct executor *x, const struct op *op)
{
    int fd = open_at(x, op->at, op->path, O_PATH, 0, 0);
    if (fd < 0)
        return fail_path(x, -fd, "path", op->path);
    if (!op->on)
        return slot_fill(x, op->as, fd);
    unsigned flags = AT_EMPTY_PATH | OPEN_TREE_CLONE | (op->u.attr.recursive ? AT_RECURSIVE : 0u);
    int tree = sys_open_tree(fd, "", flags);
    int error = errno;
    close(fd);
    if (tree < 0)
        return fail_path(x, error, "path", op->path);
    return slot_fill(x, op->as, tree);
}

int op_mount_setattr(struct executor *x, const struct op *op)
{
    int fd = slot_fd(x, op->fd, "fd");
    if (fd < 0)
        return fd;
    struct mount_attr attr = {
        .attr_set = mount_attrs(op->flags),
        .attr_clr = mount_attrs(op->u.attr.clear),
        .propagation = propagation_flag(op->u.attr.propagation),
    };
    /* The access time attributes are one field: to set any, the field is cleared first. */
    if ((op->flags | op->u.attr.clear) &
        (PLAN_ATTR_NOATIME | PLAN_ATTR_RELATIME | PLAN_ATTR_STRICTATIME))
        attr.attr_clr |= MOUNT_ATTR__ATIME;
    if (op->u.attr.idmap != PLAN_SLOT_NONE) {
        int userns = slot_fd(x, op->u.attr.idmap, "idmap");
        if (userns < 0)
            return userns;
        attr.attr_set |= MOUNT_ATTR_IDMAP;
        attr.userns_fd = (uint64_t)(unsigned)userns;
    }
    unsigned flags = AT_EMPTY_PATH | (op->u.attr.recursive ? AT_RECURSIVE : 0u);
    return sys_mount_setattr(fd, flags, &attr) < 0 ? fail(x, errno, "mount_setattr") : 0;
}

/* A file to mount a file on; an existing one, or a dangling symlink's target, will do. */
static int make_file(struct executor *x, const struct op *op)
{
    char name[256];
    int fd = open_at(x, op->at, op->path, O_PATH, 0, 0);
    if (fd != -ENOENT)
        return fd;
    int parent = open_parent(x, op->at, op->path, name);
    if (parent == -ENOENT) {
        char above[PLAN_PATH_MAX + 1];
        size_t length = strlen(op->path);
        while (length > 0 && op->path[length - 1] != '/')
            length--;
        memcpy(above, op->path, length);
        above[length] = 0;
        parent = make_directories(x, op->at, above, 0755);
    }
    if (parent < 0)
        return parent;
    int made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
    int error = errno;
    if (made >= 0) {
        close(made);
        fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        error = errno;
    }
    close(parent);
    return fd < 0 ? -error : fd;
}

static int open_mount_point(struct executor *x, const struct op *op)
{
    if (op->on) {
        /* "Ordinary": no symlink in the whole path, or /proc could be a directory of a volume. */
        int fd = open_at(x, op->at, op->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
        if (fd == -ENOENT && op->u.create == CREATE_DIRECTORY) {
            fd = make_directories(x, op->at, op->path, 0755);
            if (fd >= 0)
                close(fd);
            fd = open_at(x, op->at, op->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
        }
        if (fd == -ELOOP || fd == -ENOTDIR)
            fail(x, -fd, "must be mounted on an ordinary directory:");
        return fd;
    }
    if (op->u.create == CREATE_FILE)
        return make_file(x, op);
    int fd = open_at(x, op->at, op->path, O_PATH, 0, 0);
    if (fd == -ENOENT && op->u.create == CREATE_DIRECTORY)
        fd = make_directories(x, op->at, op->path, 0755);
    return fd;
}

static bool is_procfs(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/*
 * Nothing may be mounted inside a container's /proc, where the executor and programs look for truth
 * (CVE-2019-16884), but on the few files that tools replace to show limits instead of the host.
 */
static bool forbidden_in_proc(int target, const char *path)
{
    static const char *const allowed[] = {"cpuinfo", "diskstats", "loadavg", "meminfo",
                                          "slabinfo", "stat", "swaps", "uptime"};
    if (!is_procfs(target))
        return false;
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    struct stat st;
    bool file = fstat(target, &st) == 0 && S_ISREG(st.st_mode);
    for (size_t i = 0; file && i < sizeof allowed / sizeof allowed[0]; i++)
        if (strcmp(name, allowed[i]) == 0)
            return false;
    return true;
}

static bool is_proc_itself(const char *path)
{
    while (*path == '/')
        path++;
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/')
        length--;
    return length == 4 && memcmp(path, "proc", 4) == 0;
}

int op_move_mount(struct executor *x, const struct op *op)
{
    int fd = slot_fd(x, op->fd, "fd");
    if (fd < 0)
        return fd;
    int target = open_mount_point(x, op);
    if (target < 0)
        return fail_path(x, -target, "mount point", op->path);
    int result = 0;
    bool inside = op->at != PLAN_SLOT_NONE;
    if (inside && !is_procfs(fd) && is_proc_itself(op->path))
        result = fail(x, EPERM, "only a procfs may be mounted on /proc");
    else if (inside && !op->on && forbidden_in_proc(target, op->path))
        result = fail_path(x, EPERM, "inside /proc:", op->path);
    else if (sys_move_mount(fd, target) < 0)
        result = fail_path(x, errno, "mount point", op->path);
    close(target);
    if (result == 0) {
        int mounted = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (mounted >= 0)
            remember(x, mounted);
    }
    return result;
}

int op_propagate(struct executor *x, const struct op *op)
{
    int fd = open_at(x, op->at, op->path, O_PATH, 0, 0);
    if (fd < 0)
        return fail_path(x, -fd, "path", op->path);
    struct mount_attr attr = {.propagation = propagation_flag(op->u.attr.propagation)};
    unsigned flags = AT_EMPTY_PATH | (op->u.attr.recursive ? AT_RECURSIVE : 0u);
    int result = sys_mount_setattr(fd, flags, &attr) < 0 ? fail_path(x, errno, "path", op->path) : 0;
    close(fd);
    return result;
}

int op_pivot_root(struct executor *x, const struct op *op)
{
    char cwd[64];
    int root = slot_fd(x, op->fd, "root");
    if (root < 0)
        return root;
    if (fchdir(root) < 0)
        return fail(x, errno, "fchdir to root");
    if (syscall(SYS_pivot_root, ".", ".") < 0)
        return fail(x, errno, "pivot_root");
    /* The old root lies on top of the new one now, and "." is it. */
    if (umount2(".", MNT_DETACH) < 0)
        return fail(x, errno, "detaching the old root");
    if (chdir("/") < 0)
        return fail(x, errno, "chdir to /");
    if (syscall(SYS_getcwd, cwd, sizeof cwd) < 0 || strcmp(cwd, "/") != 0)
        return fail(x, EXDEV, "the new root is not /");
    x->foreign_root = true;
    return 0;
}

int op_chroot(struct executor *x, const struct op *op)
{
    int root = slot_fd(x, op->fd, "root");
    if (root < 0)
        return root;
    if (fchdir(root) < 0)
        return fail(x, errno, "fchdir to root");
    if (chroot(".") < 0)
        return fail(x, errno, "chroot");
    if (chdir("/") < 0)
        return fail(x, errno, "chdir to /");
    x->foreign_root = true;
    return 0;
}

int op_umount(struct executor *x, const struct op *op)
{
    int flags = UMOUNT_NOFOLLOW | (op->on ? MNT_DETACH : 0);
    if (op->path[0] != '/')
        return fail_path(x, EINVAL, "no absolute path:", op->path);
    return umount2(op->path, flags) < 0 ? fail_path(x, errno, "path", op->path) : 0;
}
