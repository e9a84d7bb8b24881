/** Who may look into whom: ptrace_may_access() with PTRACE_MODE_READ (ptrace(2), proc(5)). */
import { capableIn } from "../user/capable.ts";
import type { Process } from "./process.ts";

/** The same user in all ids and a dumpable target, or CAP_SYS_PTRACE over its user namespace. */
export function mayInspect(viewer: Process, target: Process): boolean {
  if (viewer === target) return true;
  const from = viewer.credentials;
  const of = target.credentials;
  const sameUser =
    from.fsuid === of.uid &&
    from.fsuid === of.euid &&
    from.fsuid === of.suid &&
    from.fsgid === of.gid &&
    from.fsgid === of.egid &&
    from.fsgid === of.sgid;
  const may = capableIn(from, of.userNamespace, "CAP_SYS_PTRACE");
  if (may) return true;
  if (!sameUser || !target.dumpable) return false;
  // cap_ptrace_access_check(): nobody looks into what can do more.
  return from.userNamespace === of.userNamespace && (of.permitted & ~from.permitted) === 0n;
}
