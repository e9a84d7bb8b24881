#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"

#define DEPTH_MAX 16
#define PIDS_MAX 32768
#define CHUNK 64

/* A growing list of pids. */
struct pids {
    pid_t *data;
    size_t length, size;
};

static void pids_add(struct pids *pids, pid_t pid)
{
    if (pids->length == pids->size) {
        size_t size = pids->size == 0 ? 64 : pids->size * 2;
        pid_t *data = size > PIDS_MAX ? NULL : realloc(pids->data, size * sizeof *data);
        if (data == NULL)
            return;
        pids->data = data;
        pids->size = size;
    }
    pids->data[pids->length++] = pid;
}

static bool pids_have(const struct pids *pids, pid_t pid)
{
    for (size_t i = 0; i < pids->length; i++)
        if (pids->data[i] == pid)
            return true;
    return false;
}

/* Adds the pids that a cgroup.procs lists. */
static void read_procs(int directory, struct pids *pids)
{
    char data[4096];
    pid_t pid = 0;
    int fd = openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    for (;;) {
        ssize_t length = read(fd, data, sizeof data);
        if (length <= 0)
            break;
        for (ssize_t i = 0; i < length; i++) {
            if (data[i] >= '0' && data[i] <= '9') {
                pid = pid * 10 + (data[i] - '0');
                continue;
            }
            if (pid > 0)
                pids_add(pids, pid);
            pid = 0;
        }
    }
    close(fd);
}

/* Adds the pids of a cgroup and those below it; takes `directory` over. */
static void read_tree(int directory, struct pids *pids, int depth)
{
    read_procs(directory, pids);
    DIR *entries = depth >= DEPTH_MAX ? NULL : fdopendir(directory);
    if (entries == NULL) {
        close(directory);
        return;
    }
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        int child = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (child >= 0)
            read_tree(child, pids, depth + 1);
    }
    closedir(entries);
}

static int open_cgroup(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static const char *next_path(const struct cgroups *cgroups, const char *path)
{
    path += strlen(path) + 1;
    return path < cgroups->paths + cgroups->length ? path : NULL;
}

static const char *first_path(const struct cgroups *cgroups)
{
    return cgroups->length == 0 ? NULL : cgroups->paths;
}

/* Members of every hierarchy given; a process moves through all of them together, but one may have moved itself. */
static void read_members(const struct cgroups *cgroups, struct pids *pids)
{
    for (const char *path = first_path(cgroups); path != NULL; path = next_path(cgroups, path)) {
        struct pids found = {0};
        int directory = open_cgroup(path);
        if (directory >= 0)
            read_tree(directory, &found, 0);
        for (size_t i = 0; i < found.length; i++)
            if (!pids_have(pids, found.data[i]))
                pids_add(pids, found.data[i]);
        free(found.data);
    }
}

/* Writes `text` to a control file where it exists. */
static bool write_control(const struct cgroups *cgroups, const char *name, const char *text)
{
    bool written = false;
    for (const char *path = first_path(cgroups); path != NULL; path = next_path(cgroups, path)) {
        int directory = open_cgroup(path);
        if (directory < 0)
            continue;
        int fd = openat(directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        close(directory);
        if (fd < 0)
            continue;
        written |= write(fd, text, strlen(text)) > 0;
        close(fd);
    }
    return written;
}

size_t cgroups_count(const struct cgroups *cgroups)
{
    struct pids pids = {0};
    read_members(cgroups, &pids);
    free(pids.data);
    return pids.length;
}

/*
 * Signals those of `pids` that are certainly still members when they are hit: a pidfd is opened first,
 * and only then the membership is read again.
 */
static void signal_members(const struct cgroups *cgroups, const pid_t *pids, size_t count, int signal)
{
    int fds[CHUNK];
    struct pids still = {0};
    for (size_t i = 0; i < count; i++)
        fds[i] = pidfd_of(pids[i]);
    read_members(cgroups, &still);
    for (size_t i = 0; i < count; i++) {
        if (fds[i] < 0)
            continue;
        if (pids_have(&still, pids[i]))
            pidfd_signal(fds[i], signal);
        close(fds[i]);
    }
    free(still.data);
}

size_t cgroups_signal(const struct cgroups *cgroups, int signal, bool freeze)
{
    struct pids pids = {0};
    if (signal == SIGKILL && write_control(cgroups, "cgroup.kill", "1"))
        freeze = false;
    bool frozen = freeze && write_control(cgroups, "freezer.state", "FROZEN");
    read_members(cgroups, &pids);
    for (size_t i = 0; i < pids.length; i += CHUNK) {
        size_t left = pids.length - i;
        signal_members(cgroups, pids.data + i, left < CHUNK ? left : CHUNK, signal);
    }
    if (frozen)
        write_control(cgroups, "freezer.state", "THAWED");
    free(pids.data);
    return pids.length;
}

/* Adds every process of the machine. */
static void read_all(struct pids *pids)
{
    DIR *entries = opendir("/proc");
    if (entries == NULL)
        return;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid > 0)
            pids_add(pids, (pid_t)pid);
    }
    closedir(entries);
}

/* Adds to `doomed` the members that belong to the session or descend from somebody doomed. */
static void judge(const struct pids *members, pid_t root, pid_t session, struct pids *doomed,
                  uint64_t *started)
{
    for (size_t i = 0; i < members->length; i++) {
        struct process_stat stat;
        pid_t pid = members->data[i];
        if (pids_have(doomed, pid) || process_stat(pid, &stat) < 0)
            continue;
        if (pid != root && stat.session != root && stat.session != session &&
            !pids_have(doomed, stat.parent))
            continue;
        pids_add(doomed, pid);
        started[doomed->length - 1] = stat.start_time;
    }
}

size_t session_kill(const struct cgroups *cgroups, pid_t root, pid_t session)
{
    struct pids members = {0}, doomed = {0};
    if (cgroups->length > 0)
        read_members(cgroups, &members);
    else
        read_all(&members);
    if (!pids_have(&members, root))
        pids_add(&members, root);
    uint64_t *started = calloc(members.length + 1, sizeof *started);
    /* Until no further descendant turns up: the list has no useful order. */
    for (size_t before = 1; started != NULL && before != doomed.length;) {
        before = doomed.length;
        judge(&members, root, session, &doomed, started);
    }
    size_t killed = 0;
    for (size_t i = 0; i < doomed.length; i++) {
        struct process_stat stat;
        int fd = pidfd_of(doomed.data[i]);
        if (fd < 0)
            continue;
        /* Read after pidfd_open: the pidfd is of the process that was judged. */
        if (process_stat(doomed.data[i], &stat) == 0 && stat.start_time == started[i] &&
            stat.state != 'Z' && pidfd_signal(fd, SIGKILL) == 0)
            killed++;
        close(fd);
    }
    free(started);
    free(members.data);
    free(doomed.data);
    return killed;
}
