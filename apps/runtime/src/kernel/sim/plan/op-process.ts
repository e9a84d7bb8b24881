/** Ops that make processes and let them wait for each other, as native/exec/op-process.c does them. */
import type { IdMapping, OpOf } from "../../op.ts";
import { SIGKILL } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { close, fileOf } from "../syscall/file.ts";
import {
  type CloneHow,
  clone3,
  deliverSignal,
  pidfdOpen,
  setns,
  unshare,
  wait4,
} from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { cgroupNodeOf } from "./cgroup-of.ts";
import { childMain } from "./child-main.ts";
import { Gate, type PlanProcess } from "./plan-process.ts";
import { procfsWrite } from "./private-procfs.ts";

/** A pipe for each barrier of the Plan, made before the first clone3 so that both sides have it. */
function makeBarriers(x: PlanProcess): void {
  if (x.shared.barriers !== undefined) return;
  x.shared.barriers = new Map();
  for (const { op } of x.shared.plan.steps) {
    if (op.op === "await" || op.op === "release") x.shared.barriers.set(op.barrier, new Gate());
  }
  keepOwnEnds(x);
}

/** Only the ends this process uses, so that its death is an end of file for the other one. */
function keepOwnEnds(x: PlanProcess): void {
  for (const index of x.indexes) {
    const op = x.shared.plan.steps[index]?.op;
    if (op?.op === "await") x.shared.barriers?.get(op.barrier)?.readers.add(x.process);
    if (op?.op === "release") x.shared.barriers?.get(op.barrier)?.writers.add(x.process);
  }
}

/** Every end that a process holds, let go of when it leaves the executor. */
export function leaveGates(x: PlanProcess): void {
  for (const gate of x.shared.barriers?.values() ?? []) gate.leave(x.process);
  x.gate?.leave(x.process);
  x.shared.start?.leave(x.process);
}

/** Whether a later idMap of this process is what lets `child` go on. */
function hasIdMap(x: PlanProcess, child: string, after: number): boolean {
  return x.indexes.some((index) => {
    const op = x.shared.plan.steps[index]?.op;
    return index > after && op?.op === "idMap" && op.child === child;
  });
}

/** The cgroup a slot's directory is of; clone3 answers EBADF for anything else. */
function cgroupOf(x: PlanProcess, op: OpOf<"clone3">): Pick<CloneHow, "cgroup"> {
  if (op.cgroup === undefined) return {};
  const { point } = fileOf(x.process, x.slot(op.cgroup, "cgroup"));
  const node = point === undefined ? undefined : cgroupNodeOf(point.dentry);
  if (node === undefined) return x.fail("EBADF", "namespaces or cgroup");
  return { cgroup: node };
}

export function clone3Op(x: PlanProcess, op: OpOf<"clone3">, index: number): number {
  const { child, namespaces } = op;
  if (child === x.self || x.children.has(child)) {
    x.fail("EINVAL", "child: that process runs already");
  }
  const cgroup = cgroupOf(x, op);
  makeBarriers(x);
  const born = x.fork(child);
  born.ownMounts ||= namespaces.includes("mnt");
  const gate = hasIdMap(x, child, index) ? new Gate() : undefined;
  gate?.writers.add(x.process);
  let process: Process;
  try {
    process = clone3(x.process, {
      namespaces,
      ...cgroup,
      body: (made) => {
        born.process = made;
        return childMain(born, gate);
      },
    });
  } catch (thrown) {
    return x.failed(thrown, "namespaces or cgroup");
  }
  // It has not run yet, but a death before its first turn must be seen too.
  born.process = process;
  born.parent = process.parent;
  keepOwnEnds(born);
  gate?.readers.add(process);
  x.children.set(child, process);
  x.shared.born(child, process);
  x.gate = gate;
  return process.pidIn(x.process.namespaces.pid) ?? process.pid;
}

/** Children that were started and shall not live on: killed and reaped. */
export function* killChildren(x: PlanProcess): Coroutine<void> {
  for (const child of x.children.values()) {
    if (child.state === "alive") deliverSignal(child, SIGKILL);
    try {
      const pid = child.pidIn(x.process.namespaces.pid);
      if (pid !== undefined) yield* wait4(x.process, pid);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
    }
  }
  x.children.clear();
}

export function unshareOp(x: PlanProcess, op: OpOf<"unshare">): number {
  try {
    unshare(x.process, op.namespaces);
  } catch (thrown) {
    x.failed(thrown, "namespaces");
  }
  if (op.namespaces.includes("mnt")) x.ownMounts = true;
  return 0;
}

export function setnsOp(x: PlanProcess, op: OpOf<"setns">): number {
  const fd = x.slot(op.fd, "fd");
  const joinsMounts = op.namespaces.includes("mnt");
  if (joinsMounts || op.namespaces.includes("user")) {
    x.ownMounts = true;
    x.foreignRoot ||= joinsMounts;
  }
  try {
    setns(x.process, fd, op.namespaces);
  } catch (thrown) {
    x.failed(thrown, "namespaces");
  }
  return 0;
}

export function pidfdOpenOp(x: PlanProcess, op: OpOf<"pidfdOpen">): number {
  let fd: number;
  try {
    fd = pidfdOpen(x.process, op.pid);
  } catch (thrown) {
    return x.failed(thrown, `pid ${op.pid}`);
  }
  const { process } = fileOf(x.process, fd);
  const alive = process?.state === "alive";
  if (op.startTime !== 0 && !(alive && process.startTime === op.startTime)) {
    close(x.process, fd);
    const why = alive ? "is another process by now" : "is gone";
    x.fail("ESRCH", `pid ${op.pid} ${why}`);
  }
  return x.fill(op.as, fd);
}

function writeMap(x: PlanProcess, pid: number, file: string, map: readonly IdMapping[]): void {
  if (map.length === 0) return;
  const lines = map.map((one) => `${one.containerId} ${one.hostId} ${one.size}\n`).join("");
  try {
    procfsWrite(x, `${pid}/${file}`, lines);
  } catch (thrown) {
    x.failed(thrown, file);
  }
}

export function idMapOp(x: PlanProcess, op: OpOf<"idMap">): number {
  const child = x.children.get(op.child);
  if (child === undefined || x.gate === undefined) {
    return x.fail("ESRCH", "child: no such process waits for its ids");
  }
  const pid = child.pidIn(x.process.namespaces.pid) ?? child.pid;
  writeMap(x, pid, "uid_map", op.uid);
  writeMap(x, pid, "gid_map", op.gid);
  const { gate } = x;
  x.gate = undefined;
  try {
    gate.write(x.process);
  } catch {
    x.fail("EPIPE", "child");
  }
  return 0;
}

export function* awaitOp(x: PlanProcess, op: OpOf<"await">): Coroutine<number> {
  const gate = x.shared.barriers?.get(op.barrier);
  if (gate === undefined) return x.fail("EBADF", "barrier: nobody was cloned to meet there");
  try {
    yield* gate.read();
  } catch (thrown) {
    x.failed(thrown, "barrier: the other process has ended");
  }
  return 0;
}

export function releaseOp(x: PlanProcess, op: OpOf<"release">): number {
  const gate = x.shared.barriers?.get(op.barrier);
  if (gate === undefined || !gate.writers.has(x.process)) {
    return x.fail("EBADF", "barrier: nobody was cloned to meet there");
  }
  try {
    gate.write(x.process);
  } catch (thrown) {
    if (isRefusal(thrown, "EPIPE")) x.fail("ECANCELED", "barrier");
    throw thrown;
  }
  return 0;
}

export function* awaitStartOp(x: PlanProcess): Coroutine<number> {
  const { start } = x.shared;
  if (start === undefined) return x.fail("EBADF", "start: slot is empty");
  start.readers.add(x.process);
  x.shared.ready();
  try {
    yield* start.read();
  } catch (thrown) {
    x.failed(thrown, "start: the shim has gone");
  } finally {
    start.leave(x.process);
  }
  return 0;
}
