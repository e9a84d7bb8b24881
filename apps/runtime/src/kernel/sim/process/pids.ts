/** Numbers of processes: one in every pid namespace they can be seen from (pid_namespaces(7)). */
import type { PidNamespace } from "../namespace.ts";
import { refuse } from "../refusal.ts";
import type { Process } from "./process.ts";

/** /proc/sys/kernel/pid_max on 64 bits; and where numbering goes on when it is reached. */
export const pidMax = 4_194_304;
const firstAfterWrap = 300;

function freePid(namespace: PidNamespace): number {
  let pid = namespace.lastPid;
  for (let tried = 0; tried < pidMax; tried++) {
    pid = pid + 1 >= pidMax ? firstAfterWrap : pid + 1;
    if (!namespace.processes.has(pid)) return pid;
  }
  return refuse("EAGAIN", "no pid is free");
}

/**
 * Pids for somebody born in `namespace`, outermost first. ENOMEM when its init has died.
 * @see clone(2), ENOMEM
 */
export function newPids(namespace: PidNamespace): readonly number[] {
  if (namespace.init !== undefined && namespace.init.state !== "alive") {
    refuse("ENOMEM", "the init of the pid namespace has ended");
  }
  const pids: number[] = new Array(namespace.level + 1);
  for (let at: PidNamespace | undefined = namespace; at !== undefined; at = at.parent) {
    pids[at.level] = freePid(at);
  }
  return pids;
}

/** Makes `process` known in its namespace and in all above; the first one is the namespace's init. */
export function registerPids(process: Process): void {
  const own = process.namespaces.pid;
  own.init ??= process;
  for (let at: PidNamespace | undefined = own; at !== undefined; at = at.parent) {
    const pid = process.pids[at.level] as number;
    at.processes.set(pid, process);
    at.lastPid = pid;
  }
}

export function forgetPids(process: Process): void {
  for (let at: PidNamespace | undefined = process.namespaces.pid; at; at = at.parent) {
    at.processes.delete(process.pids[at.level] as number);
  }
}

/** The living or dead process that `viewer` calls `pid`. */
export function processAt(viewer: Process, pid: number): Process | undefined {
  return viewer.namespaces.pid.processes.get(pid);
}
