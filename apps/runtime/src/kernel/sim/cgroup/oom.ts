/** The OOM killer: who dies when a cgroup, or the machine, is full (mm/oom_kill.c: oom_badness). */

import { SIGKILL } from "../abi.ts";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { deliverSignal } from "../syscall/process.ts";
import { nodeOf } from "./controller.ts";
import type { CgroupNode } from "./hierarchy.ts";
import { countOomKill, countUp, releaseMemory } from "./memory.ts";

const neverKill = -1000;

/** Memory, and oom_score_adj in thousandths of what the cgroup may have; undefined: not to be killed. */
function badness(process: Process, totalBytes: number): number | undefined {
  if (process.oomScoreAdj === neverKill || process === process.machine.init) return undefined;
  if (process.state !== "alive" || process.memoryBytes === 0) return undefined;
  return process.memoryBytes + (process.oomScoreAdj * totalBytes) / 1000;
}

/** /proc/PID/oom_score: 0 to 2000 of the whole machine, 667 for somebody without memory and adjustment. */
export function oomScore(process: Process): number {
  const total = process.machine.options.memoryTotalBytes;
  if (process.oomScoreAdj === neverKill || process === process.machine.init) return 0;
  const points = process.memoryBytes + (process.oomScoreAdj * total) / 1000;
  return Math.max(0, Math.floor((1000 + (points * 1000) / total) * (2 / 3)));
}

function chooseVictim(full: CgroupNode, totalBytes: number): Process | undefined {
  let victim: Process | undefined;
  let worst = Number.NEGATIVE_INFINITY;
  for (const node of full.tree()) {
    for (const process of node.processes) {
      const points = badness(process, totalBytes);
      if (points === undefined || points <= worst) continue;
      victim = process;
      worst = points;
    }
  }
  return victim;
}

/** Kills somebody in `full` or below, with the whole of memory.oom.group around; returns who died, nobody when nobody can. */
export function killForMemory(machine: Machine, full: CgroupNode): readonly Process[] {
  const limit = full.parent === undefined ? Number.POSITIVE_INFINITY : (full.memory?.max ?? 0);
  const total = Math.min(limit, machine.options.memoryTotalBytes);
  const victim = chooseVictim(full, total);
  if (victim === undefined) return [];
  const group = oomGroup(victim, full);
  if (group === undefined) {
    kill(victim);
    return [victim];
  }
  countUp(group, "oomGroupKills");
  const members = [...group.tree()].flatMap((node) => [...node.processes]);
  const doomed = members.filter((one) => one.oomScoreAdj !== neverKill && one.state === "alive");
  for (const one of doomed) kill(one);
  return doomed;
}

/** The outermost cgroup, up to `full`, that wants to die as a whole. */
function oomGroup(victim: Process, full: CgroupNode): CgroupNode | undefined {
  let found: CgroupNode | undefined;
  for (let at = nodeOf(victim, "memory"); at !== undefined; at = at.parent) {
    if (at.memory?.oomGroup === true && at.parent !== undefined) found = at;
    if (at === full) break;
  }
  return found;
}

/** The reaper takes the memory at once, before the victim gets to end. */
function kill(victim: Process): void {
  const { machine } = victim;
  const node = nodeOf(victim, "memory");
  const bytes = victim.memoryBytes;
  releaseMemory(victim, bytes);
  machine.observe?.({
    atNs: machine.scheduler.nowNs,
    pid: victim.pid,
    name: "oom-kill",
    detail: `${victim.comm} in ${node?.path ?? "/"}, ${bytes} bytes, oom_score_adj ${victim.oomScoreAdj}`,
    errno: 0,
  });
  deliverSignal(victim, SIGKILL);
  if (node !== undefined) countOomKill(node);
}
