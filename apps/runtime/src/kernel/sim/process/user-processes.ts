/** How many processes each user has, for RLIMIT_NPROC (getrlimit(2)). By real uid on the host. */
import type { Machine } from "../machine.ts";
import { capableIn } from "../user/capable.ts";
import type { Process } from "./process.ts";

const counts = new WeakMap<Machine, Map<number, number>>();

function countsOf(machine: Machine): Map<number, number> {
  let found = counts.get(machine);
  if (found === undefined) {
    found = new Map();
    counts.set(machine, found);
  }
  return found;
}

/** One process more, or with -1 fewer, of this user. */
export function countUser(machine: Machine, uid: number, change: 1 | -1): void {
  const of = countsOf(machine);
  of.set(uid, (of.get(uid) ?? 0) + change);
}

/** is_rlimit_overlimit(): whether `uid` with `extra` more would have more processes than the soft limit of `process`. */
function isOver(process: Process, uid: number, extra: number): boolean {
  const { soft } = process.rlimits.nproc;
  if (soft < 0 || uid === 0) return false;
  return (countsOf(process.machine).get(uid) ?? 0) + extra > soft;
}

/** fork(2): one more is over the limit, and no capability on the host excuses it. */
export function mayNotFork(process: Process): boolean {
  const { credentials, machine } = process;
  if (!isOver(process, credentials.uid, 1)) return false;
  const host = machine.initUserNamespace;
  return (
    !capableIn(credentials, host, "CAP_SYS_RESOURCE") &&
    !capableIn(credentials, host, "CAP_SYS_ADMIN")
  );
}

/** Becoming `uid`: it is not refused, but execve will be while the user stays over the limit (setuid(2), EAGAIN). */
export function noteUserChange(process: Process, uid: number): void {
  process.overProcessLimit = isOver(process, uid, 0);
  countUser(process.machine, process.credentials.uid, -1);
  countUser(process.machine, uid, 1);
}

/** execve(2), EAGAIN: asked once after each change of user. */
export function mayNotExecute(process: Process): boolean {
  if (!process.overProcessLimit) return false;
  if (isOver(process, process.credentials.uid, 0)) return true;
  process.overProcessLimit = false;
  return false;
}
