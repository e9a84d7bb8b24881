/** The pids controller: a limit on processes, zombies that nobody reaps included (cgroup-v1/pids.rst, cgroup-v2.rst). */
import type { FileTable } from "../fs/pseudo-entry.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { isControlled, nodeOf } from "./controller.ts";
import type { CgroupHierarchy, CgroupNode } from "./hierarchy.ts";
import { writtenInteger } from "./written-value.ts";

export class PidsState {
  max = Number.POSITIVE_INFINITY;
  peak = 0;
  /** Forks refused; v1: to processes of this node, v2: by limits here and below. */
  refused = 0;
  refusedHere = 0;
}

/** PID_MAX_LIMIT. */
const limitMax = 4_194_304;

/** Takes those out of the count that have been reaped since. */
function forgetReaped(hierarchy: CgroupHierarchy): void {
  for (const [process, node] of hierarchy.zombies) {
    if (process.state === "zombie") continue;
    hierarchy.zombies.delete(process);
    for (let at: CgroupNode | undefined = node; at !== undefined; at = at.parent) at.zombies--;
  }
}

/** A member has died: it counts until it is reaped. */
export function countZombie(process: Process, node: CgroupNode): void {
  forgetReaped(node.hierarchy);
  node.hierarchy.zombies.set(process, node);
  for (let at: CgroupNode | undefined = node; at !== undefined; at = at.parent) at.zombies++;
}

/** pids.current. */
export function pidsCurrent(node: CgroupNode): number {
  if (node.zombies > 0) forgetReaped(node.hierarchy);
  return node.population + node.zombies;
}

/** fork(2): EAGAIN when it would go beyond pids.max here or above. `into`: CLONE_INTO_CGROUP. */
export function mayFork(process: Process, into?: CgroupNode): void {
  const own = nodeOf(process, "pids");
  const start = into !== undefined && into.hierarchy === own?.hierarchy ? into : own;
  for (let at = start; at !== undefined; at = at.parent) {
    const max = at.pids?.max;
    if (max === undefined || !isControlled(at, "pids") || pidsCurrent(at) + 1 <= max) continue;
    countRefusal(start as CgroupNode, at);
    refuse("EAGAIN", "pids.max");
  }
}

function countRefusal(forking: CgroupNode, limiting: CgroupNode): void {
  if (forking.hierarchy.version === 1) {
    pidsState(forking).refused++;
    return;
  }
  pidsState(limiting).refusedHere++;
  for (let at = limiting; at.parent !== undefined; at = at.parent) pidsState(at).refused++;
}

function pidsState(node: CgroupNode): PidsState {
  node.pids ??= new PidsState();
  return node.pids;
}

/** Keeps the high-water mark where somebody has asked for limits. */
export function notePidsPeak(node: CgroupNode): void {
  for (let at: CgroupNode | undefined = node; at !== undefined; at = at.parent)
    if (at.pids !== undefined) at.pids.peak = Math.max(at.pids.peak, at.population + at.zombies);
}

function setMax(node: CgroupNode, text: string): void {
  const trimmed = text.trim();
  let max = Number.POSITIVE_INFINITY;
  if (trimmed !== "max") {
    max = writtenInteger(trimmed);
    if (max < 0 || max > limitMax) refuse("EINVAL");
  }
  const state = pidsState(node);
  state.max = max;
  state.peak = Math.max(state.peak, pidsCurrent(node));
}

export const pidsFiles: FileTable<CgroupNode> = new Map([
  ["pids.current", { mode: 0o444, text: (node) => `${pidsCurrent(node)}\n` }],
  ["pids.events", { mode: 0o444, text: (node) => `max ${node.pids?.refused ?? 0}\n` }],
  [
    "pids.max",
    {
      mode: 0o644,
      text: (node) => (Number.isFinite(node.pids?.max) ? `${node.pids?.max}\n` : "max\n"),
      write: setMax,
    },
  ],
  [
    "pids.peak",
    { mode: 0o444, text: (node) => `${Math.max(node.pids?.peak ?? 0, pidsCurrent(node))}\n` },
  ],
]);

export const pidsFilesV2: FileTable<CgroupNode> = new Map([
  ...pidsFiles,
  ["pids.events.local", { mode: 0o444, text: (node) => `max ${node.pids?.refusedHere ?? 0}\n` }],
]);
