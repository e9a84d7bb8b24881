/* What the fuzzer drives: decode, and when the Plan is accepted, read every op and list of it. */
#include <stdlib.h>
#include <string.h>

#include "../exec/plan-op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t touch(struct op_list list, bool strings)
{
    size_t sum = 0;
    while (list.count > 0)
        sum += strings ? strlen(list_string(&list)) : list_u32(&list);
    return sum;
}

static size_t touch_op(const struct op *op)
{
    size_t sum = op->path ? strlen(op->path) : 0;
    sum += op->text ? strlen(op->text) : 0;
    if (op->code == OP_EXECVE)
        sum += touch(op->u.execve.argv, true) + touch(op->u.execve.env, true);
    if (op->code == OP_SETGROUPS)
        sum += touch(op->u.groups, false);
    if (op->code == OP_FSMOUNT || op->code == OP_MOUNT) {
        struct op_list list = op->u.mount.options;
        list.count *= op->code == OP_FSMOUNT ? 2 : 1;
        sum += touch(list, true) + strlen(op->u.mount.fstype);
    }
    if (op->code == OP_ID_MAP) {
        struct op_list list = op->u.id_map.uid;
        list.count *= 3;
        sum += touch(list, false);
    }
    for (unsigned i = 0; i < op->ignore_count; i++)
        sum += op->ignore[2 * i];
    if (op->code == OP_SECCOMP || op->code == OP_WRITE_FILE || op->code == OP_DEVICE_FILTER)
        for (uint32_t i = 0; i < op->u.data.size; i++)
            sum += op->u.data.data[i];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan plan;
    static volatile size_t sink;
    uint16_t bad;
    uint8_t *exact = malloc(size ? size : 1); /* so that ASan sees a read past the end */
    if (!exact)
        return 0;
    memcpy(exact, data, size);
    if (plan_decode(exact, size, &plan, &bad)) {
        for (uint16_t i = 0; i < plan.count; i++) {
            struct op op;
            plan_op(&plan, i, &op);
            sink += touch_op(&op);
        }
    } else if (bad > PLAN_OPS_MAX) {
        abort();
    }
    free(exact);
    return 0;
}
