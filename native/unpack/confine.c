/*
 * Privileges on entry: root with CAP_SYS_ADMIN. On exit: root of a directory that is the whole world,
 * with the seven capabilities that writing files as others, making devices and file capabilities take.
 */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fail.h"
#include "sandbox.h"

#define CAP(name) (1ull << (name))
#define CAPS_EFFECTIVE                                                                             \
    (CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_FOWNER) |         \
     CAP(CAP_FSETID) | CAP(CAP_MKNOD) | CAP(CAP_SETFCAP))
#define CAPS_PERMITTED (CAPS_EFFECTIVE | CAP(CAP_SYS_ADMIN))

static int set_capabilities(unsigned long long effective, unsigned long long permitted)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, 0},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), 0},
    };

    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static void drop_capabilities(void)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
        if (!(CAPS_PERMITTED & 1ull << capability) && prctl(PR_CAPBSET_DROP, capability) < 0)
            fail(errno, "drop a capability", "");
    int error = set_capabilities(CAPS_EFFECTIVE, CAPS_PERMITTED);
    if (error < 0)
        fail(-error, "set capabilities", "");
}

/* The target becomes the root; the old root goes with everything that was mounted there. */
static void enter(const char *target)
{
    struct mount_attr attr = {
        .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
    };

    if (unshare(CLONE_NEWNS) < 0)
        fail(errno, "unshare the mount namespace", "");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        fail(errno, "make mounts private", "/");
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, target,
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    if (tree < 0)
        fail(errno, "open_tree", target);
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        fail(errno, "mount_setattr", target);
    if (syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        fail(errno, "move_mount", target);
    if (fchdir(tree) < 0)
        fail(errno, "fchdir", target);
    close(tree);
    if (syscall(SYS_pivot_root, ".", ".") == 0) {
        if (umount2(".", MNT_DETACH) < 0)
            fail(errno, "detach the old root", "");
    } else if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0) {
        /* On the initial ramfs there is no pivot_root(2); moving the mount over / does the same. */
        fail(errno, "pivot_root", target);
    }
    if (chdir("/") < 0)
        fail(errno, "chdir", "/");
}

void confine(const char *target)
{
    const struct rlimit none = {0, 0};

    enter(target);
    if (setrlimit(RLIMIT_CORE, &none) < 0)
        fail(errno, "forbid core dumps", "");
    drop_capabilities();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail(errno, "set no_new_privs", "");
    sandbox();
}

int set_opaque(int directory)
{
    int error = set_capabilities(CAPS_PERMITTED, CAPS_PERMITTED);

    if (error == 0 && fsetxattr(directory, "trusted.overlay.opaque", "y", 1, 0) < 0)
        error = -errno;
    int lowered = set_capabilities(CAPS_EFFECTIVE, CAPS_PERMITTED);
    return error < 0 ? error : lowered;
}
