/* A Plan of the daemon's own ops, run in the calling thread with the code that vitrine-oci has. */
#include <errno.h>
#include <unistd.h>

#include "../exec/executor.h"
#include "vitrine.h"

static int check_host_plan(const struct plan *plan)
{
    for (uint16_t i = 0; i < plan->count; i++) {
        struct op op;
        plan_op(plan, i, &op);
        if (op.process != PROCESS_HOST)
            return -EINVAL;
        if (!library_allows(op.code))
            return -EPERM;
    }
    return 0;
}

int64_t vt_run_plan(const uint8_t *bytes, uint64_t length, uint8_t *reports, uint64_t reports_size)
{
    struct plan plan;
    struct executor x;
    uint16_t bad;
    if (!plan_decode(bytes, length, &plan, &bad))
        return -EINVAL;
    int error = check_host_plan(&plan);
    if (error < 0)
        return error;
    if (reports_size < (uint64_t)plan.count * REPORT_SIZE_MAX)
        return -ENOBUFS;
    executor_init(&x, &plan, PROCESS_HOST);
    x.library = true;
    x.reports = reports;
    x.reports_size = reports_size;
    if (run_process(&x) < 0)
        undo_mounts(&x);
    for (unsigned i = 0; i < x.mounted_count; i++)
        close(x.mounted[i]);
    for (int i = 0; i < PLAN_SLOTS_MAX; i++)
        if (x.slots[i] >= 0)
            close(x.slots[i]);
    if (x.procfs >= 0)
        close(x.procfs);
    return (int64_t)x.reports_used;
}
