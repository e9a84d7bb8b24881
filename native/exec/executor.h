/*
 * The state of one process that runs ops of a Plan, and what the op files share.
 *
 * An op function returns its result (0, a pid, an fd number) or -errno, and may say more with
 * detail_*(). The same op files are compiled into vitrine-oci and into libvitrine.so; the library
 * refuses what would change its caller (see library_allows()).
 */
#ifndef VITRINE_EXECUTOR_H
#define VITRINE_EXECUTOR_H

#include <sys/types.h>

#include "plan-op.h"
#include "report.h"

struct executor {
    const struct plan *plan;
    enum plan_process self;
    bool library; /* inside the daemon: umask, cwd and credentials are not ours */

    /* Reports: to an fd (vitrine-oci), or into a caller's buffer when the fd is -1 (library). */
    int report_fd;
    uint8_t *reports;
    size_t reports_size;
    size_t reports_used;
    bool report_at_once; /* no more gathering: a later op may kill this process */

    char detail[REPORT_DETAIL_MAX];
    size_t detail_length;

    int slots[PLAN_SLOTS_MAX]; /* fd of each slot, or -1 */

    /* "/" may belong to a container: after pivot_root, or after joining its mount namespace. */
    bool foreign_root;
    bool own_mounts; /* what we mount vanishes with this process */
    bool setns_user;

    int procfs;       /* private procfs, -1 until needed */
    int procfs_error; /* why there is none */
    bool need_sysctl; /* the Plan writes /proc/sys, which subset=pid has not */
    int null_device;  /* verified /dev/null of the container, O_PATH; -1 until needed */
    int mask_mount;   /* the empty tmpfs for masked directories; -1 until needed */

    mode_t umask; /* for the program; ours is 0 */
    pid_t parent;

    pid_t child[PLAN_PROCESSES];
    int child_pidfd[PLAN_PROCESSES];
    int gate[2];                          /* idMap lets a child in a new user namespace go on */
    int barriers[PLAN_BARRIERS_MAX][2];   /* read end, write end */
    bool barriers_made;

    /* Host mounts of this run, undone when a later op fails. */
    int mounted[16];
    unsigned mounted_count;
};

/* run.c */
void executor_init(struct executor *x, const struct plan *plan, enum plan_process self);
/* Runs every op of this process in order; 0, or -errno of the op that stopped it. */
int run_process(struct executor *x);
/* Whether the Plan has an op `code` in process `process` (or in any, for -1). */
bool plan_has(const struct plan *plan, int process, uint16_t code);
/* Which ops the library runs in its caller's process. */
bool library_allows(uint16_t code);
int execute_op(struct executor *x, const struct op *op);

/* report.c */
uint64_t monotonic_ns(void);
void report_op(struct executor *x, uint16_t index, int result, bool ignored, uint64_t start);
void report_announce(struct executor *x, uint8_t kind, uint16_t index);
void report_flush(struct executor *x);
void detail_text(struct executor *x, const char *text);
void detail_number(struct executor *x, long long number);
/* `what` in quotes, after what was said before. */
void detail_quoted(struct executor *x, const char *what);
/* Says which argument was wrong, and returns -error. */
int fail(struct executor *x, int error, const char *argument);
int fail_path(struct executor *x, int error, const char *argument, const char *path);

/* Slots (run.c). */
int slot_fd(struct executor *x, uint16_t slot, const char *argument);
int slot_fill(struct executor *x, uint16_t slot, int fd);

/* The ops, by file. */
int op_clone3(struct executor *x, const struct op *op);
int op_unshare(struct executor *x, const struct op *op);
int op_setns(struct executor *x, const struct op *op);
int op_pidfd_open(struct executor *x, const struct op *op);
int op_id_map(struct executor *x, const struct op *op);
int op_await(struct executor *x, const struct op *op);
int op_release(struct executor *x, const struct op *op);
int op_await_start(struct executor *x, const struct op *op);
int op_console(struct executor *x, const struct op *op);
int op_close_range(struct executor *x, const struct op *op);
int op_execve(struct executor *x, const struct op *op);
void kill_children(struct executor *x);

int op_open(struct executor *x, const struct op *op);
int op_close(struct executor *x, const struct op *op);
int op_mkdir(struct executor *x, const struct op *op);
int op_mknod(struct executor *x, const struct op *op);
int op_symlink(struct executor *x, const struct op *op);
int op_write_file(struct executor *x, const struct op *op);
int op_chmod(struct executor *x, const struct op *op);
int op_chown(struct executor *x, const struct op *op);
int op_unlink(struct executor *x, const struct op *op, int flags);
int op_rename(struct executor *x, const struct op *op);
int op_remove_tree(struct executor *x, const struct op *op);
int op_copy_tree(struct executor *x, const struct op *op);

int op_mount(struct executor *x, const struct op *op);
int op_fsmount(struct executor *x, const struct op *op);
int op_open_tree(struct executor *x, const struct op *op);
int op_mount_setattr(struct executor *x, const struct op *op);
int op_move_mount(struct executor *x, const struct op *op);
int op_propagate(struct executor *x, const struct op *op);
int op_pivot_root(struct executor *x, const struct op *op);
int op_chroot(struct executor *x, const struct op *op);
int op_umount(struct executor *x, const struct op *op);
int op_mask_path(struct executor *x, const struct op *op);
int op_readonly_path(struct executor *x, const struct op *op);
void undo_mounts(struct executor *x);

int op_sysctl(struct executor *x, const struct op *op);
int op_link_up(struct executor *x, const struct op *op);
int op_rlimit(struct executor *x, const struct op *op);
int op_oom_score_adj(struct executor *x, const struct op *op);
int op_chdir(struct executor *x, const struct op *op);
int op_setgroups(struct executor *x, const struct op *op);
int op_cap_bounding(struct executor *x, const struct op *op);
int op_capset(struct executor *x, const struct op *op);
int op_parent_death_signal(struct executor *x, const struct op *op);
int op_cgroup_join(struct executor *x, const struct op *op);
int op_apparmor(struct executor *x, const struct op *op);
int op_selinux(struct executor *x, const struct op *op);
int op_seccomp(struct executor *x, const struct op *op);
int op_device_filter(struct executor *x, const struct op *op);

#endif
