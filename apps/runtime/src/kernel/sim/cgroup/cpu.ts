/**
 * CPU time: shared by weight, and limited by quota a period (sched-bwc.rst, cgroup-v2.rst). Whoever burns CPU
 * waits as long as the work takes on the machine's CPUs; a cgroup whose quota is used up waits for the next period.
 */
import type { Process } from "../process/process.ts";
import type { Coroutine } from "../task.ts";
import { hierarchyOf, isControlled, nodeOf } from "./controller.ts";
import type { CgroupNode } from "./hierarchy.ts";

export class CpuState {
  /** Microseconds a period; Infinity without. */
  quotaUs = Number.POSITIVE_INFINITY;
  periodUs = 100_000;
  burstUs = 0;
  /** cpu.shares of v1 (1024 is ordinary) or cpu.weight of v2 (100). */
  weight: number | undefined;
  idle = false;
  /** Number of the current period since the clock's start, and what of its quota is used, ns. */
  period = -1;
  usedNs = 0;
  throttledIn = -1;
  periods = 0;
  throttled = 0;
  throttledNs = 0;
}

/** At most this long at once, so that others get their turn, ns. */
const sliceNs = 10_000_000;

export function cpuState(node: CgroupNode): CpuState {
  node.cpu ??= new CpuState();
  return node.cpu;
}

/** Processes that burn just now, and the weight of each. */
const burning = new WeakMap<object, Map<Process, number>>();

function burners(process: Process): Map<Process, number> {
  let found = burning.get(process.machine);
  if (found === undefined) {
    found = new Map();
    burning.set(process.machine, found);
  }
  return found;
}

/** Weight of a process among all: that of its cgroups, multiplied down the tree. */
function weightOf(process: Process): number {
  let weight = 1;
  for (let at = nodeOf(process, "cpu"); at?.parent !== undefined; at = at.parent) {
    const own = at.cpu?.weight;
    if (own !== undefined && isControlled(at, "cpu"))
      weight *= own / (at.hierarchy.version === 1 ? 1024 : 100);
  }
  return weight;
}

/** How much longer than alone it takes: 1 while there is a CPU for everybody. */
function stretch(process: Process): number {
  const all = burners(process);
  if (all.size <= process.machine.options.cpuCount) return 1;
  let total = 0;
  for (const weight of all.values()) total += weight;
  const share = ((all.get(process) ?? 1) * process.machine.options.cpuCount) / total;
  return Math.max(1, 1 / share);
}

/** Nodes from the process up that have a quota. */
function limited(process: Process): readonly CgroupNode[] {
  const found: CgroupNode[] = [];
  for (let at = nodeOf(process, "cpu"); at !== undefined; at = at.parent)
    if (at.cpu !== undefined && Number.isFinite(at.cpu.quotaUs) && isControlled(at, "cpu"))
      found.push(at);
  return found;
}

/** What is left of this period's quota, ns. */
function leftNs(state: CpuState, nowNs: number): number {
  const period = Math.floor(nowNs / (state.periodUs * 1000));
  if (period !== state.period) {
    // What a quiet period left over may be used later, as far as the burst allows.
    const unused = state.period < 0 ? 0 : Math.max(0, state.quotaUs * 1000 - state.usedNs);
    state.period = period;
    state.usedNs = -Math.min(unused, state.burstUs * 1000);
    state.periods++;
  }
  return state.quotaUs * 1000 - state.usedNs;
}

/** `process` works for `ns` of CPU time. Longer in real time when it is throttled or CPUs are scarce. */
export function* burn(process: Process, ns: number): Coroutine<void> {
  const { scheduler } = process.machine;
  const all = burners(process);
  let left = Math.max(0, Math.round(ns));
  if (left <= sliceNs && all.size === 0 && limited(process).length === 0) {
    scheduler.charge(left);
    account(process, left);
    // Others get their turn, and timers that are due: whoever burns for ever would stop the machine else.
    yield {};
    return;
  }
  try {
    while (left > 0) {
      const now = Number(scheduler.nowNs);
      const nodes = limited(process);
      let slice = Math.min(left, sliceNs);
      let empty: CpuState | undefined;
      for (const node of nodes) {
        const room = leftNs(cpuState(node), now);
        if (room <= 0) empty = node.cpu;
        slice = Math.min(slice, room);
      }
      if (empty !== undefined) {
        all.delete(process);
        yield* waitForPeriod(process, empty, now);
        continue;
      }
      all.set(process, weightOf(process));
      for (const node of nodes) cpuState(node).usedNs += slice;
      const wallNs = Math.ceil(slice * stretch(process));
      yield* waitUntil(process, scheduler.nowNs + BigInt(wallNs));
      account(process, slice);
      left -= slice;
    }
  } finally {
    all.delete(process);
  }
}

function* waitForPeriod(process: Process, state: CpuState, now: number): Coroutine<void> {
  if (state.throttledIn !== state.period) {
    state.throttledIn = state.period;
    state.throttled++;
    const next = (state.period + 1) * state.periodUs * 1000;
    state.throttledNs += next - now;
  }
  yield* waitUntil(process, BigInt((state.period + 1) * state.periodUs) * 1000n);
}

function* waitUntil(process: Process, untilNs: bigint): Coroutine<void> {
  while (process.machine.scheduler.nowNs < untilNs) yield { untilNs };
}

/** Counts CPU time for the process and for its cgroups: cpuacct of v1, cpu.stat of v2 whatever its controllers. */
function account(process: Process, ns: number): void {
  process.cpuNs += BigInt(ns);
  for (const name of ["cpuacct", ""]) {
    if (name === "" && hierarchyOf(process.machine, "") === undefined) continue;
    for (let at = nodeOf(process, name); at !== undefined; at = at.parent) at.cpuUsageNs += ns;
  }
}
