/**
 * May this process do that with this file? Permission bits, owners, the capabilities that override them, and
 * what the mount forbids: inode_permission() and its kin in fs/namei.c; capabilities(7), path_resolution(7).
 */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import type { CapabilityName, Credentials } from "../user/credentials.ts";
import { fromHostId } from "../user/user-namespace.ts";
import type { Inode } from "./inode.ts";
import { ownerThrough } from "./mapped-ids.ts";
import { type Mount, mountReadOnly } from "./mount.ts";

/** Bits of a permission mask, as access(2) has them. */
export const mayExecute = 1;
export const mayWrite = 2;
export const mayRead = 4;

/** ns_capable(): in the user namespace the process is in. */
export function capableHere(caller: Process, capability: CapabilityName): boolean {
  const { credentials } = caller;
  return capableIn(credentials, credentials.userNamespace, capability);
}

/** capable(): in the host's user namespace. */
export function capableOnHost(caller: Process, capability: CapabilityName): boolean {
  return capableIn(caller.credentials, caller.machine.initUserNamespace, capability);
}

/** capable_wrt_inode_uidgid(): the capability, and both owners have ids in the caller's user namespace. */
export function capableOver(
  caller: Process,
  mount: Mount | undefined,
  inode: Inode,
  capability: CapabilityName,
): boolean {
  if (!capableHere(caller, capability)) return false;
  const namespace = caller.credentials.userNamespace;
  if (namespace.parent === undefined && mount?.idmap === undefined) return true;
  const uid = ownerThrough(mount, inode, "uid");
  const gid = ownerThrough(mount, inode, "gid");
  return (
    uid !== undefined &&
    gid !== undefined &&
    fromHostId(namespace, "uid", uid) !== undefined &&
    fromHostId(namespace, "gid", gid) !== undefined
  );
}

/** in_group_p(): the file system group or a supplementary one. */
export function inGroup(credentials: Credentials, gid: number | undefined): boolean {
  return gid !== undefined && (credentials.fsgid === gid || credentials.groups.includes(gid));
}

/** inode_owner_or_capable(): the owner, or CAP_FOWNER over it. */
export function ownerOrCapable(caller: Process, mount: Mount | undefined, inode: Inode): boolean {
  const uid = ownerThrough(mount, inode, "uid");
  if (uid === caller.credentials.fsuid) return true;
  return (
    uid !== undefined &&
    capableHere(caller, "CAP_FOWNER") &&
    fromHostId(caller.credentials.userNamespace, "uid", uid) !== undefined
  );
}

/** Whether the bits or a capability allow all of `mask`. */
export function permits(
  caller: Process,
  mount: Mount | undefined,
  inode: Inode,
  mask: number,
): boolean {
  const { credentials } = caller;
  const plain = mount?.idmap === undefined;
  const uid = plain ? inode.uid : ownerThrough(mount, inode, "uid");
  let bits = inode.mode;
  if (uid === credentials.fsuid) bits >>= 6;
  else if (inGroup(credentials, plain ? inode.gid : ownerThrough(mount, inode, "gid"))) bits >>= 3;
  if ((mask & ~bits & 7) === 0) return true;
  if (inode.type === "directory") {
    if ((mask & mayWrite) === 0 && capableOver(caller, mount, inode, "CAP_DAC_READ_SEARCH")) {
      return true;
    }
    return capableOver(caller, mount, inode, "CAP_DAC_OVERRIDE");
  }
  if (mask === mayRead && capableOver(caller, mount, inode, "CAP_DAC_READ_SEARCH")) return true;
  return (
    ((mask & mayExecute) === 0 || (inode.mode & 0o111) !== 0) &&
    capableOver(caller, mount, inode, "CAP_DAC_OVERRIDE")
  );
}

/** inode_permission(): EROFS where the file system is read-only, EACCES where bits and capabilities say no. */
export function checkPermission(
  caller: Process,
  mount: Mount | undefined,
  inode: Inode,
  mask: number,
): void {
  if ((mask & mayWrite) !== 0) {
    const { type } = inode;
    if (
      inode.fileSystem.readOnly &&
      (type === "file" || type === "directory" || type === "symlink")
    ) {
      refuse("EROFS");
    }
    // Its owner could not be written back.
    if (mount?.idmap !== undefined && !hasOwners(mount, inode)) refuse("EACCES");
  }
  if (!permits(caller, mount, inode, mask)) refuse("EACCES");
}

/** Both owners have ids on this mount. */
export function hasOwners(mount: Mount | undefined, inode: Inode): boolean {
  return (
    ownerThrough(mount, inode, "uid") !== undefined &&
    ownerThrough(mount, inode, "gid") !== undefined
  );
}

/** mnt_want_write(): EROFS on a read-only mount or file system. */
export function wantWrite(mount: Mount): void {
  if ((mount.attributes & mountReadOnly) !== 0 || mount.fileSystem.readOnly) refuse("EROFS");
}
