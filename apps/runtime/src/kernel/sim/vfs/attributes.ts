/** What is known of a file besides its bytes, and changing it: stat(2), chmod(2), chown(2), utimensat(2). */
import { S_ISGID, S_ISUID } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import { toHostId } from "../user/user-namespace.ts";
import type { Dentry, FileType } from "./inode.ts";
import { ownerThrough, shownOwner, storedOwner } from "./mapped-ids.ts";
import type { Mount, PathPoint } from "./mount.ts";
import type { OpenFile } from "./open-file.ts";
import {
  capableHere,
  capableOver,
  checkPermission,
  inGroup,
  mayWrite,
  ownerOrCapable,
  wantWrite,
} from "./permission.ts";

/** stat(2); ids as the caller's user namespace calls them (65534 without mapping). */
export interface Stat {
  readonly device: number;
  readonly inode: number;
  readonly type: FileType;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly major: number;
  readonly minor: number;
  readonly mtimeNs: bigint;
}

/** stat(2) of a place. */
export function statOf(caller: Process, { mount, dentry }: PathPoint): Stat {
  const { inode } = dentry;
  const { fileSystem } = inode;
  return {
    device: fileSystem.device,
    inode: inode.number,
    type: inode.type,
    mode: inode.mode,
    nlink: inode.nlink,
    uid: shownOwner(caller, mount, inode, "uid"),
    gid: shownOwner(caller, mount, inode, "gid"),
    size: fileSystem.size(dentry),
    major: inode.major,
    minor: inode.minor,
    mtimeNs: inode.mtimeNs,
  };
}

/** fstat(2) of something outside every file system: pipes, sockets, namespaces, pidfds. */
export function statOfFile(caller: Process, file: OpenFile): Stat {
  if (file.point !== undefined) return statOf(caller, file.point);
  const { label, inode } = file;
  const pipe = label.startsWith("pipe:");
  const type: FileType = pipe ? "fifo" : label.startsWith("socket:") ? "socket" : "file";
  const number = label.slice(label.indexOf("[") + 1, -1);
  return {
    device: 1,
    inode: file.namespace?.inode ?? (label.startsWith("anon_inode:") ? 1 : Number(number) || 1),
    type,
    mode: inode?.mode ?? (type === "socket" ? 0o777 : file.namespace !== undefined ? 0o444 : 0o600),
    nlink: 1,
    uid: inode === undefined ? 0 : shownOwner(caller, undefined, inode, "uid"),
    gid: inode === undefined ? 0 : shownOwner(caller, undefined, inode, "gid"),
    size: 0,
    major: 0,
    minor: 0,
    mtimeNs: caller.machine.unixNs(),
  };
}

/** fchown(2) of a pipe or socket, whose inode belongs to the host: CAP_CHOWN there, ids that have a mapping. */
export function changeOwnerOfFile(caller: Process, file: OpenFile, uid: number, gid: number): void {
  const { credentials, machine } = caller;
  if (!capableIn(credentials, machine.initUserNamespace, "CAP_CHOWN")) refuse("EPERM");
  const namespace = credentials.userNamespace;
  const before = file.owner ?? { uid: 0, gid: 0 };
  file.owner = {
    uid: uid < 0 ? before.uid : (toHostId(namespace, "uid", uid) ?? refuse("EINVAL")),
    gid: gid < 0 ? before.gid : (toHostId(namespace, "gid", gid) ?? refuse("EINVAL")),
  };
}

/** chmod(2): the owner or CAP_FOWNER; the set-group-id bit goes when the group is not one's own. */
export function changeMode(caller: Process, mount: Mount, dentry: Dentry, mode: number): void {
  wantWrite(mount);
  const { inode } = dentry;
  if (inode.type === "symlink") refuse("EOPNOTSUPP");
  checkIdKnown(mount, dentry, "uid");
  checkIdKnown(mount, dentry, "gid");
  if (!ownerOrCapable(caller, mount, inode)) refuse("EPERM");
  let bits = mode & 0o7777;
  if (
    (bits & S_ISGID) !== 0 &&
    !inGroup(caller.credentials, ownerThrough(mount, inode, "gid")) &&
    !capableOver(caller, mount, inode, "CAP_FSETID")
  ) {
    bits &= ~S_ISGID;
  }
  inode.fileSystem.setAttributes(dentry, { mode: bits });
}

/** An id that the mount has no name for must be replaced before anything else of the file changes (notify_change()). */
function checkIdKnown(mount: Mount, { inode }: Dentry, kind: "uid" | "gid"): void {
  if (mount.idmap !== undefined && ownerThrough(mount, inode, kind) === undefined) {
    refuse("EOVERFLOW");
  }
}

/** chown(2): -1 leaves an id; ids are the caller's. Set-id bits of files go. */
export function changeOwner(
  caller: Process,
  mount: Mount,
  dentry: Dentry,
  uid: number,
  gid: number,
): void {
  const namespace = caller.credentials.userNamespace;
  const newUid = uid === -1 ? undefined : (toHostId(namespace, "uid", uid) ?? refuse("EINVAL"));
  const newGid = gid === -1 ? undefined : (toHostId(namespace, "gid", gid) ?? refuse("EINVAL"));
  wantWrite(mount);
  const { inode } = dentry;
  const { fileSystem } = inode;
  const storedUid = stored(mount, dentry, "uid", newUid);
  const storedGid = stored(mount, dentry, "gid", newGid);
  if (newUid === undefined) checkIdKnown(mount, dentry, "uid");
  if (newGid === undefined) checkIdKnown(mount, dentry, "gid");
  if (newUid !== undefined && !mayChown(caller, mount, dentry, newUid)) refuse("EPERM");
  if (newGid !== undefined && !mayChgrp(caller, mount, dentry, newGid)) refuse("EPERM");
  const change: { mode?: number; uid?: number; gid?: number } = {};
  if (storedUid !== undefined) change.uid = storedUid;
  if (storedGid !== undefined) change.gid = storedGid;
  if (inode.type !== "directory" && (inode.mode & (S_ISUID | S_ISGID)) !== 0) {
    change.mode = withoutSetId(caller, mount, dentry);
    // Taking the bits away is a change of mode, which CAP_CHOWN alone does not allow (setattr_prepare()).
    if (change.mode !== inode.mode && !ownerOrCapable(caller, mount, inode)) refuse("EPERM");
  }
  fileSystem.setAttributes(dentry, change);
}

function stored(
  mount: Mount,
  dentry: Dentry,
  kind: "uid" | "gid",
  id: number | undefined,
): number | undefined {
  if (id === undefined) return undefined;
  const { userNamespace } = dentry.inode.fileSystem;
  return storedOwner(mount, userNamespace, kind, id) ?? refuse("EOVERFLOW");
}

/** chown_ok(). */
function mayChown(caller: Process, mount: Mount, { inode }: Dentry, uid: number): boolean {
  const owner = ownerThrough(mount, inode, "uid");
  if (owner === caller.credentials.fsuid && uid === owner) return true;
  if (capableOver(caller, mount, inode, "CAP_CHOWN")) return true;
  return owner === undefined && capableHere(caller, "CAP_CHOWN");
}

/** chgrp_ok(): the owner may give the file to a group of theirs. */
function mayChgrp(caller: Process, mount: Mount, { inode }: Dentry, gid: number): boolean {
  const { credentials } = caller;
  const group = ownerThrough(mount, inode, "gid");
  if (ownerThrough(mount, inode, "uid") === credentials.fsuid) {
    if (gid === group || inGroup(credentials, gid)) return true;
  }
  if (capableOver(caller, mount, inode, "CAP_CHOWN")) return true;
  return group === undefined && capableHere(caller, "CAP_CHOWN");
}

/** setattr_should_drop_sgid(): set-user-id always goes, set-group-id when the file is executable or foreign. */
function withoutSetId(caller: Process, mount: Mount, { inode }: Dentry): number {
  let mode = inode.mode & ~S_ISUID;
  const foreign =
    !inGroup(caller.credentials, ownerThrough(mount, inode, "gid")) &&
    !capableOver(caller, mount, inode, "CAP_FSETID");
  if ((mode & 0o010) !== 0 || foreign) mode &= ~S_ISGID;
  return mode;
}

/** utimensat(2): `mtimeNs` unset means now, for which write permission is enough. */
export function changeTime(
  caller: Process,
  mount: Mount,
  dentry: Dentry,
  mtimeNs: bigint | undefined,
): void {
  wantWrite(mount);
  const { inode } = dentry;
  if (!ownerOrCapable(caller, mount, inode)) {
    if (mtimeNs !== undefined) refuse("EPERM");
    checkPermission(caller, mount, inode, mayWrite);
  }
  inode.fileSystem.setTime(dentry, mtimeNs ?? caller.machine.unixNs());
}
