/** Who is in which cgroup: born into the parent's, moved by a write to cgroup.procs, out at the end (cgroups(7)). */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import { takesNobody } from "./cpuset.ts";
import { applyFreezer } from "./freezer.ts";
import type { CgroupNode } from "./hierarchy.ts";
import { leaveChargesBehind, releaseMemory } from "./memory.ts";
import { countZombie, notePidsPeak } from "./pids.ts";

/** Controllers that may compete inside a thread tree, so that processes beside them are no contradiction. */
const threaded = new Set(["cpu", "cpuset", "pids", "perf_event"]);

/** v2: true when this node could be the root of a thread tree; such nodes escape the no-internal-process rule. */
export function mayHoldThreads(node: CgroupNode): boolean {
  if (node.parent === undefined) return true;
  for (const child of node.children.values()) if (child.population > 0) return false;
  return node.subtreeControl.every((name) => threaded.has(name));
}

/** Whether `process` may go there at all: EBUSY (no internal processes), ENOSPC (empty cpuset), ENODEV. */
export function checkJoin(node: CgroupNode): void {
  if (node.removed) refuse("ENODEV");
  if (node.hierarchy.version === 2) {
    if (node.subtreeControl.length > 0 && !mayHoldThreads(node)) refuse("EBUSY");
  } else if (node.hierarchy.controllers.includes("cpuset") && takesNobody(node)) {
    refuse("ENOSPC");
  }
}

/** Moves a process within one hierarchy, by its rules; who may do so is settled before. */
export function joinCgroup(process: Process, node: CgroupNode): void {
  const from = process.cgroups.get(node.hierarchy.id);
  checkJoin(node);
  if (from === node) return;
  from?.removeProcess(process);
  if (from?.controllers.includes("memory") && process.memoryBytes > 0)
    leaveChargesBehind(process, from);
  enter(process, node);
}

function enter(process: Process, node: CgroupNode): void {
  process.cgroups.set(node.hierarchy.id, node);
  node.addProcess(process);
  if (node.hierarchy.controllers.includes("pids")) notePidsPeak(node);
  if (process.frozen || node.hierarchy.version === 2 || node.hierarchy.controllers[0] === "freezer")
    applyFreezer(process);
}

/** A child is where its parent is; `into` is CLONE_INTO_CGROUP, whose rules have to be asked for first (checkJoin). */
export function inheritCgroups(child: Process, parent: Process, into?: CgroupNode): void {
  for (const [id, node] of parent.cgroups)
    enter(child, into !== undefined && into.hierarchy.id === id ? into : node);
}

/** The end of a process: out of every cgroup, its memory free; pids.current counts it until it is reaped. */
export function leaveCgroups(process: Process): void {
  releaseMemory(process, process.memoryBytes);
  for (const node of process.cgroups.values()) {
    node.removeProcess(process);
    if (node.hierarchy.controllers.includes("pids")) countZombie(process, node);
  }
}

/**
 * Who may move `process` into `node`. v1: root, or somebody of the same user (EACCES). v2: who may write to
 * cgroup.procs of the common ancestor too; `mayWrite` asks that.
 */
export function checkMover(
  mover: Process,
  process: Process,
  node: CgroupNode,
  mayWrite: (node: CgroupNode) => boolean,
): void {
  if (node.hierarchy.version === 1) {
    const { euid } = mover.credentials;
    const { uid, suid, userNamespace } = process.credentials;
    if (euid === 0 || euid === uid || euid === suid) return;
    if (capableIn(mover.credentials, userNamespace, "CAP_SYS_NICE") && isCpuset(node)) return;
    refuse("EACCES");
  }
  const from = process.cgroups.get(node.hierarchy.id);
  const common = commonAncestor(from ?? node, node);
  if (!mayWrite(common)) refuse("EACCES");
}

function isCpuset(node: CgroupNode): boolean {
  return node.hierarchy.controllers.includes("cpuset");
}

function commonAncestor(a: CgroupNode, b: CgroupNode): CgroupNode {
  const above = new Set<CgroupNode>();
  for (let at: CgroupNode | undefined = a; at !== undefined; at = at.parent) above.add(at);
  for (let at: CgroupNode | undefined = b; at !== undefined; at = at.parent)
    if (above.has(at)) return at;
  return b.hierarchy.root;
}
