/**
 * The memory controller: charges go up the tree, a limit that is hit ends in the OOM killer (cgroup-v1/memory.rst,
 * cgroup-v2.rst). The model has anonymous memory only, so there is nothing to reclaim and no swap: what does not
 * fit is killed for at once.
 */
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { type Coroutine, WaitQueue } from "../task.ts";
import { isControlled, nodeOf } from "./controller.ts";
import type { CgroupNode } from "./hierarchy.ts";
import { killForMemory } from "./oom.ts";

export class MemoryState {
  usage = 0;
  peak = 0;
  /** memory.max, memory.limit_in_bytes: bytes, Infinity without. */
  max = Number.POSITIVE_INFINITY;
  high = Number.POSITIVE_INFINITY;
  memswMax = Number.POSITIVE_INFINITY;
  /** Charges that met the limit: failcnt of v1, "max" of v2. */
  hits = 0;
  highs = 0;
  ooms = 0;
  oomKills = 0;
  oomGroupKills = 0;
  oomKillsHere = 0;
  /** v1 memory.oom_control, v2 memory.oom.group. */
  oomKillDisabled = false;
  oomGroup = false;
  /** Those who wait for memory while killing is disabled. */
  waiters: WaitQueue | undefined;
  underOom = 0;
  listeners: Set<() => void> | undefined;
}

/** What is charged to a cgroup its owner has since left: memory stays where it was charged. */
const leftBehind = new WeakMap<Process, { readonly node: CgroupNode; bytes: number }[]>();

export function memoryState(node: CgroupNode): MemoryState {
  node.memory ??= new MemoryState();
  return node.memory;
}

/** Calls `listener` after each OOM kill counted at `node`: eventfd of v1, inotify of v2. Returns how to stop. */
export function onOom(node: CgroupNode, listener: () => void): () => void {
  const state = memoryState(node);
  state.listeners ??= new Set();
  state.listeners.add(listener);
  return () => state.listeners?.delete(listener);
}

function add(node: CgroupNode | undefined, bytes: number): void {
  for (let at = node; at !== undefined; at = at.parent) {
    const state = memoryState(at);
    state.usage += bytes;
    if (state.usage > state.peak) state.peak = state.usage;
    if (bytes < 0) state.waiters?.wake();
  }
}

function limitOf(node: CgroupNode, machine: Machine): number {
  if (node.parent === undefined) return machine.options.memoryTotalBytes;
  if (!isControlled(node, "memory")) return Number.POSITIVE_INFINITY;
  const state = node.memory;
  return state === undefined ? Number.POSITIVE_INFINITY : Math.min(state.max, state.memswMax);
}

/** The lowest node whose limit `bytes` more would pass. */
function overLimit(from: CgroupNode, bytes: number, machine: Machine): CgroupNode | undefined {
  for (let at: CgroupNode | undefined = from; at !== undefined; at = at.parent)
    if ((at.memory?.usage ?? 0) + bytes > limitOf(at, machine)) return at;
  return undefined;
}

/**
 * `process` gets `bytes` more anonymous memory, or gives some back. Kills when a limit is met, the caller itself if
 * need be: then it does not return. ENOMEM when nobody can be killed.
 */
export function* chargeMemory(process: Process, bytes: number): Coroutine<void> {
  if (bytes <= 0) {
    releaseMemory(process, -bytes);
    return;
  }
  const { machine } = process;
  for (;;) {
    const node = nodeOf(process, "memory");
    if (node === undefined) break;
    const full = overLimit(node, bytes, machine);
    if (full === undefined) {
      add(node, bytes);
      break;
    }
    yield* makeRoom(process, full);
  }
  process.memoryBytes += bytes;
  yield* slowDown(process);
}

/** One round of the OOM killer at `full`, or, where that is disabled, a wait until somebody frees. */
function* makeRoom(process: Process, full: CgroupNode): Coroutine<void> {
  const state = memoryState(full);
  countUp(full, "hits");
  if (state.oomKillDisabled) {
    state.waiters ??= new WaitQueue();
    state.underOom++;
    notify(full);
    try {
      yield { on: [state.waiters] };
    } finally {
      state.underOom--;
    }
    return;
  }
  countUp(full, "ooms");
  const killed = killForMemory(process.machine, full);
  if (killed.length === 0) refuse("ENOMEM");
  // A process that has killed itself ends at this wait.
  if (killed.includes(process)) yield {};
  if (process.state !== "alive") refuse("ENOMEM");
}

/** memory.high: whoever is beyond it is made slow, more the further, at most two seconds a charge. */
function* slowDown(process: Process): Coroutine<void> {
  const { machine } = process;
  let delay = 0;
  for (let at = nodeOf(process, "memory"); at !== undefined; at = at.parent) {
    const state = at.memory;
    if (state === undefined || state.usage <= state.high || !isControlled(at, "memory")) continue;
    countUp(at, "highs");
    const beyond = (state.usage - state.high) / Math.max(state.high, 4096);
    delay = Math.max(delay, Math.min(2e9, Math.ceil(beyond * beyond * 1e9)));
  }
  if (delay > 0) yield { untilNs: machine.scheduler.nowNs + BigInt(delay) };
}

/** Events count where they happen; in v2 also at everybody above (memory.events is hierarchical). */
export function countUp(
  node: CgroupNode,
  event: "hits" | "highs" | "ooms" | "oomKills" | "oomGroupKills",
): void {
  memoryState(node)[event]++;
  if (node.hierarchy.version === 1) return;
  for (let at = node.parent; at?.parent !== undefined; at = at.parent) memoryState(at)[event]++;
}

/** An OOM kill of a member of `node` is counted, and whoever listens is told. */
export function countOomKill(node: CgroupNode): void {
  memoryState(node).oomKillsHere++;
  countUp(node, "oomKills");
  notify(node);
  if (node.hierarchy.version === 1) return;
  for (let at = node.parent; at !== undefined; at = at.parent) notify(at);
}

function notify(node: CgroupNode): void {
  for (const listener of [...(node.memory?.listeners ?? [])]) listener();
}

/** Gives back at most what it has: first what is charged to its present cgroup, then what it left elsewhere. */
export function releaseMemory(process: Process, bytes: number): void {
  let left = Math.min(bytes, process.memoryBytes);
  process.memoryBytes -= left;
  const elsewhere = leftBehind.get(process);
  if (elsewhere === undefined) {
    add(nodeOf(process, "memory"), -left);
    return;
  }
  const away = elsewhere.reduce((sum, one) => sum + one.bytes, 0);
  const here = Math.min(left, process.memoryBytes + left - away);
  add(nodeOf(process, "memory"), -here);
  left -= here;
  for (const one of elsewhere) {
    const part = Math.min(left, one.bytes);
    add(one.node, -part);
    one.bytes -= part;
    left -= part;
  }
  const rest = elsewhere.filter((one) => one.bytes > 0);
  if (rest.length === 0) leftBehind.delete(process);
  else leftBehind.set(process, rest);
}

/** `process` goes to another cgroup: what it has stays charged to `from` (charges do not move since Linux 6.11). */
export function leaveChargesBehind(process: Process, from: CgroupNode): void {
  const elsewhere = leftBehind.get(process) ?? [];
  const away = elsewhere.reduce((sum, one) => sum + one.bytes, 0);
  const bytes = process.memoryBytes - away;
  if (bytes > 0) leftBehind.set(process, [...elsewhere, { node: from, bytes }]);
}

/** A lower limit: v1 refuses with EBUSY what cannot be reclaimed, v2 kills until it fits. */
export function setMemoryMax(node: CgroupNode, max: number, machine: Machine): void {
  const state = memoryState(node);
  if (node.hierarchy.version === 1) {
    if (max > state.memswMax) refuse("EINVAL");
    if (state.usage > max) refuse("EBUSY");
    state.max = max;
    state.waiters?.wake();
    return;
  }
  state.max = max;
  while (state.usage > max) {
    countUp(node, "ooms");
    if (killForMemory(machine, node).length === 0) return;
  }
}
