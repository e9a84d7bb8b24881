/** Resource limits that pid 1 begins with (getrlimit(2), include/asm-generic/resource.h). */
import type { RlimitType } from "../../op.ts";
import type { Machine } from "../machine.ts";
import type { Rlimit } from "./process.ts";

const unlimited: Rlimit = { soft: -1, hard: -1 };

/** As a distribution's init passes them on; processes and signals go by the machine's memory, as in fork_init(). */
export function initialRlimits(machine: Machine): Readonly<Record<RlimitType, Rlimit>> {
  const tasks = Math.floor(machine.options.memoryTotalBytes / (8 * 16384 * 2));
  const perUser = { soft: tasks, hard: tasks };
  return {
    as: unlimited,
    core: { soft: 0, hard: -1 },
    cpu: unlimited,
    data: unlimited,
    fsize: unlimited,
    locks: unlimited,
    memlock: { soft: 8388608, hard: 8388608 },
    msgqueue: { soft: 819200, hard: 819200 },
    nice: { soft: 0, hard: 0 },
    nofile: { soft: 1024, hard: 1048576 },
    nproc: perUser,
    rss: unlimited,
    rtprio: { soft: 0, hard: 0 },
    rttime: unlimited,
    sigpending: perUser,
    stack: { soft: 8388608, hard: -1 },
  };
}
