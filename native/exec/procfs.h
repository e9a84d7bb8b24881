/*
 * The executor's own procfs. A container can mount things over its /proc, so what the executor writes
 * there (sysctl, oom_score_adj, LSM attributes, uid_map) goes through a private, detached instance
 * that nobody else sees, or, where that cannot be made, through a /proc that is verified to be one.
 */
#ifndef VITRINE_PROCFS_H
#define VITRINE_PROCFS_H

#include "executor.h"

/* fd of the root of a procfs, or -errno. Made on first use; kept in x->procfs. */
int procfs_root(struct executor *x);

/* Opens a file of that procfs without leaving it: no mount over it, no magic link. */
int procfs_open(struct executor *x, const char *path, int flags);

/* Writes `value` in one write(2); 0 or -errno. */
int procfs_write(struct executor *x, const char *path, const char *value);

/* Reads at most size - 1 bytes and ends them with NUL; the length or -errno. */
int procfs_read(struct executor *x, const char *path, char *buffer, size_t size);

#endif
