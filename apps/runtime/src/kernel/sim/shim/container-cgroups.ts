/** The cgroups of a container, in every hierarchy: who is in them, signals, OOM kills (native/shim/cgroup.c, oom.c). */
import { SIGKILL } from "../abi.ts";
import type { CgroupNode } from "../cgroup/hierarchy.ts";
import type { Machine } from "../machine.ts";
import { cgroupAt } from "../plan/cgroup-of.ts";
import type { Process } from "../process/process.ts";
import { deliverSignal } from "../syscall/process.ts";

function addMembers(node: CgroupNode, members: Set<Process>): void {
  if (node.population === 0) return;
  for (const process of node.processes) if (process.state === "alive") members.add(process);
  for (const child of node.children.values()) addMembers(child, members);
}

/** Processes in these cgroups and below them, each once. */
export function membersOf(machine: Machine, paths: readonly string[]): ReadonlySet<Process> {
  const members = new Set<Process>();
  for (const path of paths) {
    const node = cgroupAt(machine, path);
    if (node !== undefined) addMembers(node, members);
  }
  return members;
}

/** Whether somebody is in one of these cgroups or below. */
export function hasMembers(machine: Machine, paths: readonly string[]): boolean {
  return paths.some((path) => (cgroupAt(machine, path)?.population ?? 0) > 0);
}

/** Signals every member; how many there were. */
export function signalMembers(machine: Machine, paths: readonly string[], signal: number): number {
  const members = membersOf(machine, paths);
  for (const process of members) if (process.state === "alive") deliverSignal(process, signal);
  return members.size;
}

/** Kills what belongs to a command: its session, that of its vitrine-oci, and their descendants (session_kill). */
export function killSession(
  machine: Machine,
  paths: readonly string[],
  root: Process | undefined,
  session: number,
): number {
  const doomed = new Set<Process>();
  const judge = (process: Process): void => {
    if (doomed.has(process) || process.state !== "alive") return;
    doomed.add(process);
    for (const child of process.children) judge(child);
  };
  if (root !== undefined) judge(root);
  for (const process of membersOf(machine, paths)) {
    if (process.session === session || process.session === root?.pid) judge(process);
  }
  for (const process of doomed) if (process.state === "alive") deliverSignal(process, SIGKILL);
  return doomed.size;
}
