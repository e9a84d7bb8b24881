/*
 * Every path of a Plan goes through here.
 *
 * A path with a slot lies inside a container's root (or a volume): openat2(2) with RESOLVE_IN_ROOT
 * and RESOLVE_NO_MAGICLINKS resolves it, so that symlinks lead nowhere but inside. A path without
 * one is the host's and trusted, until this process has a foreign root: then "/" is treated like a
 * slot. Functions return an fd or -errno; all fds are close-on-exec.
 */
#ifndef VITRINE_PATH_H
#define VITRINE_PATH_H

#include "executor.h"

/* openat2(2) with a bounded retry of EAGAIN, which means a rename raced with the resolution. */
int open_resolved(int dir, const char *path, int flags, mode_t mode, uint64_t resolve);

/* Opens op-style (at, path). `resolve_more` is added to the resolve flags (RESOLVE_NO_SYMLINKS). */
int open_at(struct executor *x, uint16_t at, const char *path, int flags, mode_t mode,
            uint64_t resolve_more);

/* The directory that holds the last component of `path`, O_PATH; the component into `name`. */
int open_parent(struct executor *x, uint16_t at, const char *path, char name[256]);

/* Makes what is missing of `path` step by step on fds; returns the last directory, O_PATH. */
int make_directories(struct executor *x, uint16_t at, const char *path, mode_t mode);

/* fchmod(2) for an O_PATH fd. */
int chmod_fd(struct executor *x, int fd, mode_t mode);

#endif
