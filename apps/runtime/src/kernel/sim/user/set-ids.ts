/** Changing ids, and what that does to capabilities (setresuid(2), setgroups(2), capabilities(7)). Host ids inside. */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "./capable.ts";
import { commitCredentials } from "./commit-credentials.ts";
import { type Credentials, noCapabilities } from "./credentials.ts";
import { toHostId } from "./user-namespace.ts";

/** NGROUPS_MAX. */
const groupsMax = 65536;

/** The host's id for one of the caller's, `current` for -1; EINVAL without mapping. */
function hostId(caller: Process, kind: "uid" | "gid", id: number, current: number): number {
  if (id === -1 || id === 0xffff_ffff) return current;
  const namespace = caller.credentials.userNamespace;
  return toHostId(namespace, kind, id) ?? refuse("EINVAL", `${kind} ${id} has no mapping`);
}

/**
 * cap_emulate_setxuid(): who leaves uid 0 with all three ids loses all capabilities, but for PR_SET_KEEPCAPS;
 * the effective ones go and come with effective uid 0.
 */
function emulateSetuid(before: Credentials, after: Credentials): Credentials {
  const root = toHostId(before.userNamespace, "uid", 0);
  if (root === undefined) return after;
  let { permitted, effective, ambient } = after;
  const wasRoot = before.uid === root || before.euid === root || before.suid === root;
  const isRoot = after.uid === root || after.euid === root || after.suid === root;
  if (wasRoot && !isRoot) {
    if (!before.keepCaps) {
      permitted = noCapabilities;
      effective = noCapabilities;
    }
    ambient = noCapabilities;
  }
  if (before.euid === root && after.euid !== root) effective = noCapabilities;
  if (before.euid !== root && after.euid === root) effective = permitted;
  return { ...after, permitted, effective, ambient };
}

export function setUids(caller: Process, real: number, effective: number, saved: number): void {
  const before = caller.credentials;
  const uid = hostId(caller, "uid", real, before.uid);
  const euid = hostId(caller, "uid", effective, before.euid);
  const suid = hostId(caller, "uid", saved, before.suid);
  const own = [before.uid, before.euid, before.suid];
  const allOwn = own.includes(uid) && own.includes(euid) && own.includes(suid);
  if (!allOwn && !capableIn(before, before.userNamespace, "CAP_SETUID")) refuse("EPERM");
  const after = { ...before, uid, euid, suid, fsuid: euid };
  commitCredentials(caller, emulateSetuid(before, after));
}

export function setGids(caller: Process, real: number, effective: number, saved: number): void {
  const before = caller.credentials;
  const gid = hostId(caller, "gid", real, before.gid);
  const egid = hostId(caller, "gid", effective, before.egid);
  const sgid = hostId(caller, "gid", saved, before.sgid);
  const own = [before.gid, before.egid, before.sgid];
  const allOwn = own.includes(gid) && own.includes(egid) && own.includes(sgid);
  if (!allOwn && !capableIn(before, before.userNamespace, "CAP_SETGID")) refuse("EPERM");
  commitCredentials(caller, { ...before, gid, egid, sgid, fsgid: egid });
}

/** EPERM without CAP_SETGID, without a gid_map, or where setgroups is denied; EINVAL for ids without mapping. */
export function setSupplementaryGroups(caller: Process, groups: readonly number[]): void {
  const before = caller.credentials;
  const { userNamespace } = before;
  const may =
    userNamespace.gidMap.length > 0 &&
    userNamespace.setgroups === "allow" &&
    capableIn(before, userNamespace, "CAP_SETGID");
  if (!may) refuse("EPERM");
  if (groups.length > groupsMax) refuse("EINVAL");
  const hosts = groups.map((group) => toHostId(userNamespace, "gid", group) ?? refuse("EINVAL"));
  commitCredentials(caller, { ...before, groups: hosts.sort((a, b) => a - b) });
}
