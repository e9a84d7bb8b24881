/**
 * What the runtime says against what the kernel holds. The engine's own books are read as List and Status
 * show them; the kernel's side is the model's state itself. Every sentence returned is a bug of one of them.
 */
import type { Process } from "../../kernel/sim/index.ts";
import type { Stage } from "../stage.ts";
import { networkContradictions } from "./network-contradictions.ts";
import { strangers } from "./strangers.ts";

function processOf(stage: Stage, pid: number, startTime: number): Process | undefined {
  const process = stage.simulation.machine.process(pid);
  if (process?.state !== "alive") return undefined;
  return startTime === 0 || process.startTime === startTime ? process : undefined;
}

/** Live processes in the cgroups of a container. */
function population(stage: Stage, id: string): number {
  const pids = new Set<number>();
  for (const process of stage.simulation.machine.processes.values()) {
    if (process.state !== "alive") continue;
    for (const node of process.cgroups.values()) if (node.path.includes(id)) pids.add(process.pid);
  }
  return pids.size;
}

function ofContainers(stage: Stage): string[] {
  const found: string[] = [];
  const running = new Map<string, number>();
  for (const record of stage.engine.parts.containers.all()) {
    const { id, state, pid, startTime, podId, config } = record;
    const alive = processOf(stage, pid, startTime) !== undefined;
    const short = `container ${id.slice(0, 12)}`;
    if (state === "running" && !alive)
      found.push(`${short} is said to run, but pid ${pid} does not`);
    if (state === "created" && pid !== 0 && !alive) {
      found.push(`${short} is said to wait for its start, but pid ${pid} is gone`);
    }
    if (state === "exited") {
      const left = population(stage, id);
      if (left > 0) found.push(`${short} is said to have exited, but ${left} processes live`);
    }
    if (state !== "running") continue;
    const workload = `${podId} ${config.metadata?.name}`;
    running.set(workload, (running.get(workload) ?? 0) + 1);
  }
  for (const [workload, count] of running) {
    if (count > 1) found.push(`${count} instances of ${workload} run at once`);
  }
  return found;
}

function ofPods(stage: Stage): string[] {
  const found: string[] = [];
  for (const { id, state, pid, startTime } of stage.engine.parts.pods.all()) {
    if (state !== "ready") continue;
    if (processOf(stage, pid, startTime) === undefined) {
      found.push(`pod ${id.slice(0, 12)} is said to be ready, but its pause process is gone`);
    }
  }
  return found;
}

/** Commands that run, by their workload, as the process table has them: records may be wrong, twice running is not. */
function ofWorkloads(stage: Stage): string[] {
  const running = new Map<string, Set<string>>();
  const { pods, containers } = stage.engine.parts;
  for (const { id, podId, pid, startTime, config } of containers.all()) {
    const process = processOf(stage, pid, startTime);
    if (process === undefined || waitsForStart.has(process.comm)) continue;
    const uid = pods.get(podId)?.config.metadata?.uid ?? podId;
    const workload = `${uid} ${config.metadata?.name}`;
    const ids = running.get(workload) ?? new Set();
    running.set(workload, ids.add(id));
  }
  return [...running]
    .filter(([, ids]) => ids.size > 1)
    .map(([workload, ids]) => `${ids.size} processes of ${workload} run at once`);
}

/** What a container's first process is called before it has become its command. */
const waitsForStart: ReadonlySet<string> = new Set(["vitrine-oci", "init"]);

/** Processes in cgroups that no record knows. */
function ofStrangers(stage: Stage): string[] {
  const { parts } = stage.engine;
  const known = new Set([
    ...parts.pods.all().map(({ id }) => id),
    ...parts.containers.all().map(({ id }) => id),
  ]);
  const found = new Set<string>();
  for (const process of stage.simulation.machine.processes.values()) {
    if (process.state !== "alive") continue;
    for (const node of process.cgroups.values()) {
      for (const id of node.path.match(/[0-9a-f]{64}/g) ?? []) {
        if (known.has(id)) continue;
        found.add(`${process.comm} lives in the cgroup of ${id.slice(0, 12)}, which nobody knows`);
      }
    }
  }
  return [...found];
}

/** Every contradiction there is now; none in a runtime that tells the truth. */
export function contradictions(stage: Stage): readonly string[] {
  return [
    ...ofContainers(stage),
    ...ofPods(stage),
    ...ofWorkloads(stage),
    ...ofStrangers(stage),
    ...strangers(stage),
    ...networkContradictions(stage),
  ];
}
