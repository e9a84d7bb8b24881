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

/** Whether one more, beyond the `extra` already counted, is over the soft limit, and nothing excuses it. */
export function isOverProcessLimit(process: Process, extra: number): boolean {
  const { soft } = process.rlimits.nproc;
  const { credentials, machine } = process;
  if (soft < 0 || credentials.uid === 0) return false;
  if ((countsOf(machine).get(credentials.uid) ?? 0) + extra <= soft) return false;
  const host = machine.initUserNamespace;
  return (
    !capableIn(credentials, host, "CAP_SYS_RESOURCE") &&
    !capableIn(credentials, host, "CAP_SYS_ADMIN")
  );
}
