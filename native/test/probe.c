/*
 * vitrine-probe: looks around inside a container and says what is there, one "key value" a line.
 *
 * vitrine-probe COMMAND [ARGUMENT...] [+ COMMAND ...]: commands separated by "+" run one after another.
 * `cat` shows the first line of a file. `swap A B` exchanges names until it is killed. `out FILE` sends what follows there.
 * `nosys NUMBER PROGRAM [ARGUMENT...]` becomes that program, with the system call answering ENOSYS.
 * A command that cannot do its work prints "error <command> <errno>" and the probe goes on; the exit
 * status is that of `exit`, else 0.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

typedef int command_function(int argc, char *argv[]);

extern char **environ;

/* The lines of a file that start with one of `keys` (all for NULL), each after `prefix`. */
static int print_lines(const char *prefix, const char *path, const char *const keys[])
{
    char line[8192];
    FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    while (fgets(line, sizeof line, file)) {
        int wanted = keys == NULL;
        for (size_t i = 0; keys && keys[i]; i++)
            wanted |= strncmp(line, keys[i], strlen(keys[i])) == 0;
        if (wanted)
            printf("%s%s", prefix, line);
    }
    fclose(file);
    return 0;
}

static int do_id(int argc, char *argv[])
{
    uid_t r, e, s;
    gid_t groups[256];
    (void)argc, (void)argv;
    getresuid(&r, &e, &s);
    printf("uid %u %u %u\n", r, e, s);
    getresgid(&r, &e, &s);
    printf("gid %u %u %u\n", r, e, s);
    int count = getgroups(256, groups);
    printf("groups");
    for (int i = 0; i < count; i++)
        printf(" %u", groups[i]);
    printf("\npid %d\nppid %d\nsid %d\n", getpid(), getppid(), getsid(0));
    return 0;
}

static int do_caps(int argc, char *argv[])
{
    static const char *const keys[] = {"CapInh", "CapPrm", "CapEff",  "CapBnd",
                                       "CapAmb", "NoNewPrivs", "Seccomp:", NULL};
    (void)argc, (void)argv;
    return print_lines("", "/proc/self/status", keys);
}

static int do_signals(int argc, char *argv[])
{
    static const char *const keys[] = {"SigBlk", "SigIgn", "SigCgt", NULL};
    (void)argc, (void)argv;
    return print_lines("", "/proc/self/status", keys);
}

static int do_mounts(int argc, char *argv[])
{
    (void)argc, (void)argv;
    return print_lines("mount ", "/proc/self/mountinfo", NULL);
}

static int do_ns(int argc, char *argv[])
{
    static const char *const types[] = {"mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"};
    (void)argc, (void)argv;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char path[64];
        struct stat st;
        snprintf(path, sizeof path, "/proc/self/ns/%s", types[i]);
        if (stat(path, &st) == 0)
            printf("ns %s %lu\n", types[i], (unsigned long)st.st_ino);
    }
    return 0;
}

/* Every open fd and what it is; found without /proc, so nothing can be hidden there. */
static int do_fds(int argc, char *argv[])
{
    (void)argc, (void)argv;
    for (int fd = 0; fd < 1024; fd++) {
        struct stat st;
        if (fstat(fd, &st) < 0)
            continue;
        const char *type = S_ISDIR(st.st_mode)    ? "directory"
                           : S_ISREG(st.st_mode)  ? "file"
                           : S_ISFIFO(st.st_mode) ? "pipe"
                           : S_ISSOCK(st.st_mode) ? "socket"
                           : S_ISCHR(st.st_mode)  ? "char"
                                                  : "other";
        printf("fd %d %s\n", fd, type);
    }
    return 0;
}

static int do_rlimits(int argc, char *argv[])
{
    (void)argc, (void)argv;
    for (int i = 0; i < 16; i++) {
        struct rlimit limit;
        if (syscall(SYS_prlimit64, 0, i, NULL, &limit) == 0)
            printf("rlimit %d %lld %lld\n", i, (long long)limit.rlim_cur, (long long)limit.rlim_max);
    }
    return 0;
}

static int do_env(int argc, char *argv[])
{
    (void)argc, (void)argv;
    for (char **at = environ; *at; at++)
        printf("env %s\n", *at);
    return 0;
}

static int do_uts(int argc, char *argv[])
{
    struct utsname name;
    (void)argc, (void)argv;
    if (uname(&name) < 0)
        return -errno;
    printf("hostname %s\ndomainname %s\n", name.nodename, name.domainname);
    return 0;
}

static int do_cwd(int argc, char *argv[])
{
    char cwd[4096];
    (void)argc, (void)argv;
    if (syscall(SYS_getcwd, cwd, sizeof cwd) < 0)
        return -errno;
    printf("cwd %s\n", cwd);
    return 0;
}

static int do_umask(int argc, char *argv[])
{
    (void)argc, (void)argv;
    printf("umask %04o\n", umask(0));
    return 0;
}

static int do_cat(int argc, char *argv[])
{
    char buffer[4096];
    if (argc < 2)
        return -EINVAL;
    int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, buffer, sizeof buffer - 1);
    int error = n < 0 ? errno : 0;
    close(fd);
    if (error)
        return -error;
    buffer[n] = 0;
    buffer[strcspn(buffer, "\n")] = 0;
    printf("content %s %s\n", argv[1], buffer);
    return 0;
}

static int do_write(int argc, char *argv[])
{
    if (argc < 3)
        return -EINVAL;
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, argv[2], strlen(argv[2]));
    int error = n < 0 ? errno : 0;
    close(fd);
    if (!error)
        printf("written %s\n", argv[1]);
    return -error;
}

static int do_stat(int argc, char *argv[])
{
    struct stat st;
    if (argc < 2)
        return -EINVAL;
    if (lstat(argv[1], &st) < 0)
        return -errno;
    printf("stat %s %o %u:%u %u:%u %lld\n", argv[1], st.st_mode, st.st_uid, st.st_gid,
           major(st.st_rdev), minor(st.st_rdev), (long long)st.st_size);
    return 0;
}

static int do_readlink(int argc, char *argv[])
{
    char target[4096];
    if (argc < 2)
        return -EINVAL;
    ssize_t n = readlink(argv[1], target, sizeof target - 1);
    if (n < 0)
        return -errno;
    target[n] = 0;
    printf("link %s %s\n", argv[1], target);
    return 0;
}

static int do_ls(int argc, char *argv[])
{
    DIR *dir = argc > 1 ? opendir(argv[1]) : NULL;
    if (!dir)
        return argc > 1 ? -errno : -EINVAL;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            printf("entry %s %s\n", argv[1], entry->d_name);
    closedir(dir);
    return 0;
}

/* Whether a system call is let through: the arguments are harmless or senseless. */
static int do_try(int argc, char *argv[])
{
    long result = -1;
    errno = EINVAL;
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "mount") == 0)
        result = mount("none", "/", "tmpfs", MS_REMOUNT | MS_BIND, NULL);
    else if (strcmp(name, "unshare") == 0)
        result = syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */);
    else if (strcmp(name, "sethostname") == 0)
        result = sethostname("probe", 5);
    else if (strcmp(name, "setuid") == 0)
        result = setuid(0);
    else if (strcmp(name, "getpid") == 0)
        result = syscall(SYS_getpid);
    else if (strcmp(name, "ptrace") == 0)
        result = ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    else if (strcmp(name, "mknod") == 0)
        result = mknod("/tmp/vitrine-probe-node", S_IFCHR | 0600, makedev(1, 3));
    else if (strcmp(name, "getppid") == 0)
        result = syscall(SYS_getppid);
    else if (strcmp(name, "rawsocket") == 0)
        result = socket(AF_INET, SOCK_RAW, 1);
    printf("try %s %d\n", name, result < 0 ? errno : 0);
    return 0;
}

/* CVE-2019-5736: the executable of another process, opened for writing. */
static int do_exe(int argc, char *argv[])
{
    char path[64];
    if (argc < 2)
        return -EINVAL;
    snprintf(path, sizeof path, "/proc/%s/exe", argv[1]);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    printf("exe %s %d\n", argv[1], fd < 0 ? errno : 0);
    if (fd >= 0)
        close(fd);
    return 0;
}

static int do_tty(int argc, char *argv[])
{
    struct stat st;
    struct winsize size = {0};
    (void)argc, (void)argv;
    if (fstat(0, &st) < 0)
        return -errno;
    ioctl(0, TIOCGWINSZ, &size);
    printf("tty %d %u:%u %ux%u %d\n", isatty(0), major(st.st_rdev), minor(st.st_rdev), size.ws_col,
           size.ws_row, (int)tcgetsid(0));
    return 0;
}

static int do_sleep(int argc, char *argv[])
{
    fflush(stdout);
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
    usleep((useconds_t)(seconds * 1e6));
    return 0;
}

static int do_say(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++)
        printf("%s%s", argv[i], i + 1 < argc ? " " : "\n");
    return 0;
}

static int do_out(int argc, char *argv[])
{
    if (argc < 2)
        return -EINVAL;
    fflush(stdout);
    return freopen(argv[1], "we", stdout) ? 0 : -errno;
}

static int do_nosys(int argc, char *argv[])
{
    if (argc < 3)
        return -EINVAL;
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(argv[1]), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        return -errno;
    execv(argv[2], argv + 2);
    return -errno;
}

/* Exchanges two names as fast as can be, until it is killed: the attacker of a path race. */
static int do_swap(int argc, char *argv[])
{
    if (argc < 3)
        return -EINVAL;
    printf("swapping\n");
    fflush(stdout);
    for (;;)
        if (syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], 2 /* RENAME_EXCHANGE */) < 0)
            return -errno;
}

static int do_exit(int argc, char *argv[])
{
    fflush(stdout);
    _exit(argc > 1 ? atoi(argv[1]) : 0);
}

static const struct {
    const char *name;
    command_function *run;
} commands[] = {
    {"id", do_id},           {"caps", do_caps},     {"signals", do_signals}, {"mounts", do_mounts},
    {"ns", do_ns},           {"fds", do_fds},       {"rlimits", do_rlimits}, {"env", do_env},
    {"uts", do_uts},         {"cwd", do_cwd},       {"umask", do_umask},     {"cat", do_cat},
    {"write", do_write},     {"stat", do_stat},     {"ls", do_ls},           {"try", do_try},
    {"exe", do_exe},         {"tty", do_tty},       {"sleep", do_sleep},     {"say", do_say},
    {"exit", do_exit},       {"out", do_out},       {"nosys", do_nosys},
    {"swap", do_swap},       {"readlink", do_readlink},
};

static void run_command(int argc, char *argv[])
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, argv[0]) != 0)
            continue;
        int error = commands[i].run(argc, argv);
        if (error < 0)
            printf("error %s %s %d\n", argv[0], argc > 1 ? argv[1] : "-", -error);
        return;
    }
    printf("unknown %s\n", argv[0]);
}

int main(int argc, char *argv[])
{
    for (int at = 1; at < argc;) {
        int end = at;
        while (end < argc && strcmp(argv[end], "+") != 0)
            end++;
        if (end > at)
            run_command(end - at, argv + at);
        fflush(stdout);
        at = end + 1;
    }
    return 0;
}
