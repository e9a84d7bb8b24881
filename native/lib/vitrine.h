/*
 * libvitrine.so: what the daemon may do to the kernel from any of its threads. Everything here works on
 * fds and pids, keeps no state, starts no thread, allocates nothing that it returns, and answers a value or
 * -errno. Whatever changes the caller's own namespaces, root or credentials is done by vitrine-oci instead.
 */
#ifndef VITRINE_LIB_H
#define VITRINE_LIB_H

#include <stddef.h>
#include <stdint.h>

#define VT_ABI_VERSION 1
#define VT_EXPORT __attribute__((visibility("default")))

#define VT_SPAWN_SETSID 1u
/* SIGKILL when the thread that started it ends (PR_SET_PDEATHSIG). */
#define VT_SPAWN_DIE_WITH_PARENT 2u

VT_EXPORT int32_t vt_abi_version(void);

/*
 * Runs every op of a Plan that belongs wholly to `host` here and now (plan.h). Records of report.h go to
 * `reports`, which has room for REPORT_SIZE_MAX an op (else -ENOBUFS); returns the bytes used there. Nothing
 * is run, and the answer is -EINVAL, when the Plan is malformed or has an op of another process; -EPERM when an
 * op would change the caller (namespaces, credentials, cwd, limits). Slots are closed at the end; what was
 * mounted before a failure is taken away again.
 */
VT_EXPORT int64_t vt_run_plan(const uint8_t *plan, uint64_t length, uint8_t *reports, uint64_t reports_size);

/*
 * Starts a program without copying the caller's memory (vfork semantics). fds[i] becomes fd i of the program,
 * every other fd is closed; signal dispositions and mask are the defaults. Returns the pid and fills
 * *pidfd (close-on-exec). An error of execve is the answer, not an exit code.
 */
VT_EXPORT int32_t vt_spawn(const char *path, char *const *argv, char *const *envp, const char *cwd,
                           const int32_t *fds, int32_t fd_count, uint32_t flags, int32_t *pidfd);

/* 1 and out = {si_code, si_status} when the process of `pidfd` has ended (and reaps it), 0 when it lives. */
VT_EXPORT int32_t vt_wait(int32_t pidfd, int32_t *out);
VT_EXPORT int32_t vt_pidfd_open(int32_t pid);
VT_EXPORT int32_t vt_pidfd_signal(int32_t pidfd, int32_t signal);

/* A memfd that holds `bytes`, sealed against any change; its offset is 0. */
VT_EXPORT int32_t vt_memfd_sealed(const uint8_t *bytes, uint64_t length);
/*
 * A sealed, executable copy of the program at `path`, to be run as /proc/self/fd/N: one copy for every start, and
 * nothing that a container could write to (CVE-2019-5736).
 */
VT_EXPORT int32_t vt_sealed_program(const char *path);
/* A memfd of exactly `size` bytes that cannot grow: a program that writes more gets EPERM. Several may write. */
VT_EXPORT int32_t vt_memfd_bounded(uint64_t size);
/* Two connected unix stream sockets, non-blocking. */
VT_EXPORT int32_t vt_socket_pair(int32_t *out);

/* The file offset, which all holders of the description share: how much a program has written. */
VT_EXPORT int64_t vt_offset(int32_t fd);

/*
 * Reads a regular file inside `root` (openat2 RESOLVE_IN_ROOT, no magic links). Returns the length, -EINVAL for
 * anything that is no regular file (which is never opened for reading), -EFBIG for more than `size` bytes.
 */
VT_EXPORT int64_t vt_read_in_root(const char *root, const char *path, uint8_t *bytes, uint64_t size);

#endif
