/* Every process of a container, by its cgroup: for those that share a pid namespace with others. */
#ifndef VITRINE_SHIM_CGROUP_H
#define VITRINE_SHIM_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The cgroup directories of one container: NUL-ended paths one after another. */
struct cgroups {
    char *paths;
    size_t length;
};

/*
 * Signals every process in them, below them too, and returns how many there were. SIGKILL goes through
 * cgroup.kill where there is one (v2), and with `freeze` a v1 freezer holds them still meanwhile.
 */
size_t cgroups_signal(const struct cgroups *cgroups, int signal, bool freeze);
/* How many processes are in them. */
size_t cgroups_count(const struct cgroups *cgroups);
/*
 * Kills `root`, its descendants and the members of its session among the processes of the
 * cgroups; of all processes when there are none. Returns how many it found.
 */
size_t session_kill(const struct cgroups *cgroups, pid_t root, pid_t session);

#endif
