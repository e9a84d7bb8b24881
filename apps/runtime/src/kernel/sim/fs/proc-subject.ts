/** Whom a file below /proc/PID is about: a process, and the pid namespace whose numbers that procfs shows. */
import type { PidNamespace } from "../namespace.ts";
import type { Process } from "../process/process.ts";
import { fromHostId, overflowId, type UserNamespace } from "../user/user-namespace.ts";
import type { Owner } from "./pseudo-entry.ts";

export interface ProcSubject {
  readonly process: Process;
  readonly namespace: PidNamespace;
}

/** Who owns the files: the effective ids; root when nobody may dump it (proc(5)). */
export function ownerOf(process: Process): Owner {
  if (!process.dumpable) return { uid: 0, gid: 0 };
  return { uid: process.credentials.euid, gid: process.credentials.egid };
}

/** An id as a reader in `namespace` sees it: 65534 without mapping. */
export function shownId(namespace: UserNamespace, kind: "uid" | "gid", hostId: number): number {
  return fromHostId(namespace, kind, hostId) ?? overflowId;
}

/** A host pid as this procfs numbers it; 0 for processes it does not show. */
export function shownPid({ namespace }: ProcSubject, other: Process | undefined): number {
  return other?.pidIn(namespace) ?? 0;
}

/** Session and process group are kept as host pids of their leaders. */
export function shownGroup(subject: ProcSubject, hostPid: number): number {
  const { namespace, process } = subject;
  if (namespace.parent === undefined) return hostPid;
  return shownPid(subject, process.machine.process(hostPid));
}
