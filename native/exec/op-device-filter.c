/*
 * The devices of a cgroup v2: an eBPF program that the kernel asks at every open and mknod of a device
 * (BPF_PROG_TYPE_CGROUP_DEVICE, cgroup-v2.rst "Device controller"). It lives as long as the cgroup.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "executor.h"
#include "path.h"
#include "syscalls.h"

static int sys_bpf(enum bpf_cmd command, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

static int load(struct executor *x, const struct op_bytes *program)
{
    struct bpf_insn *instructions = malloc(program->size);
    if (!instructions)
        return -ENOMEM;
    memcpy(instructions, program->data, program->size);
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insns = (uintptr_t)instructions;
    attr.insn_cnt = (uint32_t)(program->size / sizeof *instructions);
    attr.license = (uintptr_t) "Apache-2.0"; /* it calls no helper of the kernel */
    int fd = sys_bpf(BPF_PROG_LOAD, &attr);
    int result = fd < 0 ? fail(x, errno, "program") : fd;
    free(instructions);
    return result;
}

int op_device_filter(struct executor *x, const struct op *op)
{
    struct statfs fs;
    if (op->u.data.size == 0 || op->u.data.size % sizeof(struct bpf_insn) != 0)
        return fail(x, EINVAL, "program is no whole number of instructions");
    int dir = open_at(x, PLAN_SLOT_NONE, op->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, 0);
    if (dir < 0)
        return fail_path(x, -dir, "path", op->path);
    int result = 0;
    int program = -1;
    if (fstatfs(dir, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
        result = fail_path(x, EXDEV, "no cgroup of version 2:", op->path);
    else if ((program = load(x, &op->u.data)) < 0)
        result = program;
    if (result == 0) {
        union bpf_attr attr;
        memset(&attr, 0, sizeof attr);
        attr.target_fd = (uint32_t)dir;
        attr.attach_bpf_fd = (uint32_t)program;
        attr.attach_type = BPF_CGROUP_DEVICE;
        attr.attach_flags = BPF_F_ALLOW_MULTI; /* one above it stays in force too */
        if (sys_bpf(BPF_PROG_ATTACH, &attr) < 0)
            result = fail_path(x, errno, "cannot attach to", op->path);
    }
    if (program >= 0)
        close(program);
    close(dir);
    return result;
}
