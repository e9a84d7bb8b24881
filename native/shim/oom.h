/*
 * Notice of processes that the kernel killed for memory. v2: memory.events; v1: memory.oom_control with
 * an eventfd. The files are opened when the container is made, so the count can be read at its end whatever became
 * of the directory.
 */
#ifndef VITRINE_SHIM_OOM_H
#define VITRINE_SHIM_OOM_H

#include "cgroup.h"
#include "loop.h"

struct oom {
    struct watch watch;  /* memory.events, or the eventfd of v1 */
    int counter;         /* memory.events or memory.oom_control; -1: no memory controller */
    bool eventfd;
    uint64_t first, told;
    struct timer again;
    int tries;
    void (*killed)(struct oom *oom);
};

/* Watches the first of the directories that has a memory controller. `killed` may come many times. */
void oom_open(struct oom *oom, const struct cgroups *cgroups, void (*killed)(struct oom *oom));
/* How many processes have been killed since oom_open. */
uint64_t oom_count(const struct oom *oom);
void oom_close(struct oom *oom);

#endif
