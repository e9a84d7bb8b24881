/* The Plan's binary form: the frame, and the body of every op. See plan.h for the grammar. */
#include <string.h>

#include "reader.h"

static void at_path(struct reader *r, struct op *op)
{
    op->at = read_optional_slot(r);
    op->path = read_string(r, PLAN_PATH_MAX);
}

static void mapping_lists(struct reader *r, struct op *op)
{
    op->u.id_map.child = read_enum(r, PLAN_PROCESSES);
    op->u.id_map.uid = read_numbers(r, PLAN_MAPPINGS_MAX, 12);
    op->u.id_map.gid = read_numbers(r, PLAN_MAPPINGS_MAX, 12);
}

/* A process that clone3 may make: the two that are no process of ours to begin with. */
static uint8_t child_process(struct reader *r)
{
    uint8_t child = read_enum(r, PLAN_PROCESSES);
    if (child != PROCESS_INIT && child != PROCESS_EXEC)
        r->bad = true;
    return child;
}

static void process_body(struct reader *r, struct op *op)
{
    switch (op->code) {
    case OP_CLONE3:
        op->u.clone.child = child_process(r);
        op->flags = read_bits(r, PLAN_NS_ALL);
        op->u.clone.cgroup = read_optional_slot(r);
        break;
    case OP_UNSHARE:
        op->flags = read_bits(r, PLAN_NS_ALL);
        break;
    case OP_SETNS:
        op->fd = read_slot(r);
        op->flags = read_bits(r, PLAN_NS_ALL);
        break;
    case OP_PIDFD_OPEN:
        op->u.pidfd.pid = (int32_t)read_u32(r);
        op->u.pidfd.start_time = read_u64(r);
        op->as = read_slot(r);
        break;
    case OP_ID_MAP:
        mapping_lists(r, op);
        break;
    case OP_AWAIT:
    case OP_RELEASE:
        op->u.barrier = read_enum(r, PLAN_BARRIERS_MAX);
        break;
    case OP_AWAIT_START:
    case OP_SETSID:
        break;
    case OP_CONSOLE:
        op->at = read_slot(r);
        op->u.console.width = read_u16(r);
        op->u.console.height = read_u16(r);
        break;
    case OP_CLOSE_RANGE:
        op->u.close_range.from = read_u32(r);
        op->u.close_range.keep = read_numbers(r, PLAN_SLOTS_MAX, 2);
        break;
    case OP_EXECVE:
        op->path = read_string(r, PLAN_PATH_MAX);
        op->u.execve.argv = read_strings(r, PLAN_LIST_MAX, 1, PLAN_STRING_MAX);
        op->u.execve.env = read_strings(r, PLAN_LIST_MAX, 1, PLAN_STRING_MAX);
        break;
    default:
        r->bad = true;
    }
}

static void file_body(struct reader *r, struct op *op)
{
    switch (op->code) {
    case OP_OPEN:
        at_path(r, op);
        op->flags = read_bits(r, PLAN_OPEN_ALL);
        op->mode = read_u32(r);
        op->as = read_slot(r);
        break;
    case OP_CLOSE:
        op->fd = read_slot(r);
        break;
    case OP_MKDIR:
        at_path(r, op);
        op->mode = read_u32(r);
        op->on = read_bool(r);
        op->uid = read_u32(r);
        op->gid = read_u32(r);
        break;
    case OP_MKNOD:
        at_path(r, op);
        op->u.mknod.type = read_enum(r, NODE_FILE + 1);
        op->u.mknod.major = read_u32(r);
        op->u.mknod.minor = read_u32(r);
        op->mode = read_u32(r);
        op->uid = read_u32(r);
        op->gid = read_u32(r);
        break;
    case OP_SYMLINK:
        op->at = read_optional_slot(r);
        op->text = read_string(r, PLAN_PATH_MAX);
        op->path = read_string(r, PLAN_PATH_MAX);
        break;
    case OP_WRITE_FILE:
        at_path(r, op);
        op->u.data = read_bytes(r, PLAN_SIZE_MAX);
        op->mode = read_u32(r);
        op->flags = read_enum(r, WRITE_EXISTING + 1);
        break;
    case OP_CHMOD:
        at_path(r, op);
        op->mode = read_u32(r);
        break;
    case OP_CHOWN:
        at_path(r, op);
        op->uid = read_u32(r);
        op->gid = read_u32(r);
        break;
    case OP_UNLINK:
    case OP_RMDIR:
    case OP_REMOVE_TREE:
        at_path(r, op);
        break;
    case OP_RENAME:
    case OP_COPY_TREE:
        at_path(r, op);
        op->text = read_string(r, PLAN_PATH_MAX);
        break;
    default:
        r->bad = true;
    }
}

static void mount_body(struct reader *r, struct op *op)
{
    switch (op->code) {
    case OP_MOUNT:
        op->text = read_string(r, PLAN_PATH_MAX);
        op->path = read_string(r, PLAN_PATH_MAX);
        op->u.mount.fstype = read_string(r, PLAN_PATH_MAX);
        op->flags = read_bits(r, PLAN_ATTR_ALL);
        op->u.mount.options = (struct op_list){r->at, 1};
        read_string(r, PLAN_PATH_MAX); /* one page is all that mount(2) takes */
        break;
    case OP_FSMOUNT:
        op->u.mount.fstype = read_string(r, PLAN_PATH_MAX);
        op->text = read_string(r, PLAN_PATH_MAX);
        op->u.mount.options = read_strings(r, PLAN_OPTIONS_MAX, 2, PLAN_PATH_MAX);
        op->flags = read_bits(r, PLAN_ATTR_ALL);
        op->as = read_slot(r);
        break;
    case OP_OPEN_TREE:
        at_path(r, op);
        op->on = read_bool(r);
        op->u.attr.recursive = read_bool(r);
        op->as = read_slot(r);
        break;
    case OP_MOUNT_SETATTR:
        op->fd = read_slot(r);
        op->flags = read_bits(r, PLAN_ATTR_ALL);
        op->u.attr.clear = read_bits(r, PLAN_ATTR_ALL);
        op->u.attr.recursive = read_bool(r);
        op->u.attr.propagation = read_enum(r, PROPAGATION_UNBINDABLE + 1);
        op->u.attr.idmap = read_optional_slot(r);
        break;
    case OP_MOVE_MOUNT:
        op->fd = read_slot(r);
        at_path(r, op);
        op->u.create = read_enum(r, CREATE_FILE + 1);
        op->on = read_bool(r);
        break;
    case OP_PROPAGATE:
        at_path(r, op);
        op->u.attr.propagation = read_enum(r, PROPAGATION_UNBINDABLE + 1);
        op->u.attr.recursive = read_bool(r);
        break;
    case OP_PIVOT_ROOT:
    case OP_CHROOT:
        op->fd = read_slot(r);
        break;
    case OP_UMOUNT:
        op->path = read_string(r, PLAN_PATH_MAX);
        op->on = read_bool(r);
        break;
    case OP_MASK_PATH:
    case OP_READONLY_PATH:
        op->path = read_string(r, PLAN_PATH_MAX);
        break;
    default:
        r->bad = true;
    }
}

static void attribute_body(struct reader *r, struct op *op)
{
    switch (op->code) {
    case OP_SETHOSTNAME:
    case OP_SETDOMAINNAME:
    case OP_LINK_UP:
    case OP_CGROUP_JOIN:
    case OP_APPARMOR:
    case OP_SELINUX:
        op->path = read_string(r, PLAN_PATH_MAX);
        break;
    case OP_SYSCTL:
        op->path = read_string(r, PLAN_PATH_MAX);
        op->text = read_string(r, PLAN_PATH_MAX);
        break;
    case OP_RLIMIT:
        op->u.rlimit.type = read_enum(r, 16);
        op->u.rlimit.soft = read_u64(r);
        op->u.rlimit.hard = read_u64(r);
        break;
    case OP_OOM_SCORE_ADJ:
        op->u.number = (int32_t)read_u32(r);
        op->on = read_bool(r);
        break;
    case OP_UMASK:
        op->mode = read_bits(r, 0777);
        break;
    case OP_CHDIR:
        op->path = read_string(r, PLAN_PATH_MAX);
        op->on = read_bool(r);
        break;
    case OP_SETGROUPS:
        op->u.groups = read_numbers(r, PLAN_GROUPS_MAX, 4);
        break;
    case OP_SETRESGID:
        op->gid = read_u32(r);
        break;
    case OP_SETRESUID:
        op->uid = read_u32(r);
        break;
    case OP_KEEP_CAPS:
    case OP_DUMPABLE:
        op->on = read_bool(r);
        break;
    case OP_CAP_BOUNDING:
        op->u.caps.effective = read_u64(r);
        break;
    case OP_CAPSET:
        op->u.caps.effective = read_u64(r);
        op->u.caps.permitted = read_u64(r);
        op->u.caps.inheritable = read_u64(r);
        op->u.caps.ambient = read_u64(r);
        break;
    case OP_NO_NEW_PRIVS:
        break;
    case OP_PARENT_DEATH_SIGNAL:
        op->u.number = (int32_t)read_u32(r);
        break;
    case OP_SECCOMP:
        op->u.data = read_bytes(r, PLAN_FILTER_MAX * 8);
        op->flags = read_bits(r, PLAN_SECCOMP_ALL);
        break;
    case OP_DEVICE_FILTER:
        op->path = read_string(r, PLAN_PATH_MAX);
        op->u.data = read_bytes(r, PLAN_FILTER_MAX * 8);
        break;
    default:
        r->bad = true;
    }
}

bool op_decode(const uint8_t *body, size_t size, struct op *op)
{
    struct reader r = {body, body + size, false};
    op->at = op->fd = op->as = PLAN_SLOT_NONE;
    if (op->code < OP_OPEN)
        process_body(&r, op);
    else if (op->code < OP_MOUNT)
        file_body(&r, op);
    else if (op->code < OP_SETHOSTNAME)
        mount_body(&r, op);
    else
        attribute_body(&r, op);
    return !r.bad && r.at == r.end;
}

/* Reads one op's header and body; advances `r` past it. */
static bool next_op(struct reader *r, struct op *op)
{
    memset(op, 0, sizeof *op);
    op->code = read_u16(r);
    op->process = read_enum(r, PLAN_PROCESSES);
    op->ignore_count = read_enum(r, PLAN_IGNORE_MAX + 1);
    uint32_t size = read_u32(r);
    size_t ignore_size = (size_t)op->ignore_count * 2;
    if (r->bad || (size_t)(r->end - r->at) < ignore_size)
        return false;
    op->ignore = r->at;
    r->at += ignore_size;
    if ((size_t)(r->end - r->at) < size)
        return false;
    const uint8_t *body = r->at;
    r->at += size;
    return op_decode(body, size, op);
}

bool plan_decode(const uint8_t *bytes, size_t size, struct plan *plan, uint16_t *bad)
{
    *bad = 0;
    plan->count = 0;
    if (size > PLAN_SIZE_MAX)
        return false;
    struct reader r = {bytes, bytes + size, false};
    uint32_t magic = read_u32(&r);
    uint16_t version = read_u16(&r);
    uint16_t count = read_u16(&r);
    uint32_t length = read_u32(&r);
    if (r.bad || magic != PLAN_MAGIC || version != PLAN_VERSION || count > PLAN_OPS_MAX ||
        length != size)
        return false;
    plan->bytes = bytes;
    plan->size = length;
    for (uint16_t i = 0; i < count; i++) {
        struct op op;
        *bad = i;
        plan->offset[i] = (uint32_t)(r.at - bytes);
        if (!next_op(&r, &op))
            return false;
    }
    *bad = count;
    plan->count = count;
    return r.at == r.end;
}

void plan_op(const struct plan *plan, uint16_t index, struct op *op)
{
    struct reader r = {plan->bytes + plan->offset[index], plan->bytes + plan->size, false};
    (void)next_op(&r, op); /* plan_decode() accepted it */
    op->index = index;
}
