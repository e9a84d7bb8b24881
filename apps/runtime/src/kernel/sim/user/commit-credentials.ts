/** Giving a process new credentials, with what follows from it (commit_creds(), credentials(7), prctl(2)). */
import type { Process } from "../process/process.ts";
import { noteUserChange } from "../process/user-processes.ts";
import type { Credentials } from "./credentials.ts";
import type { UserNamespace } from "./user-namespace.ts";

/** cred_cap_issubset(): whoever has `after` can do nothing that `before` could not. */
function isSubset(before: Credentials, after: Credentials): boolean {
  if (before.userNamespace === after.userNamespace) {
    return (after.permitted & ~before.permitted) === 0n;
  }
  let at: UserNamespace = after.userNamespace;
  for (; at.parent !== undefined; at = at.parent) {
    if (at.parent === before.userNamespace && at.ownerUid === before.euid) return true;
  }
  return false;
}

/**
 * `after` becomes what `process` is. When effective ids change or rights grow, it is no longer dumpable and
 * forgets its parent-death signal.
 */
export function commitCredentials(process: Process, after: Credentials): void {
  const before = process.credentials;
  if (
    before.euid !== after.euid ||
    before.egid !== after.egid ||
    before.fsuid !== after.fsuid ||
    before.fsgid !== after.fsgid ||
    !isSubset(before, after)
  ) {
    process.dumpable = false;
    process.parentDeathSignal = 0;
  }
  if (before.uid !== after.uid) noteUserChange(process, after.uid);
  process.credentials = after;
}
