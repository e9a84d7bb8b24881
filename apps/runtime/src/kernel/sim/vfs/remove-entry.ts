/** Names that go or move: unlink(2), rmdir(2), rename(2), in the order in which Linux asks its questions. */
import { S_ISVTX } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { checkCreate } from "./create-entry.ts";
import type { Dentry } from "./inode.ts";
import { ownerThrough } from "./mapped-ids.ts";
import type { Mount } from "./mount.ts";
import { isLocalMountpoint } from "./mount-tree.ts";
import { unmountFrom } from "./mount-umount.ts";
import { type Start, type Walk, walk } from "./path-walk.ts";
import {
  capableOver,
  checkPermission,
  hasOwners,
  mayExecute,
  mayWrite,
  wantWrite,
} from "./permission.ts";

/** may_delete(): write permission on the directory, its sticky bit, and that the kinds fit. */
function checkDelete(
  caller: Process,
  mount: Mount,
  directory: Dentry,
  entry: Dentry,
  wantDirectory: boolean,
): void {
  if (!hasOwners(mount, entry.inode)) refuse("EOVERFLOW");
  checkPermission(caller, mount, directory.inode, mayWrite | mayExecute);
  if (isSticky(caller, mount, directory, entry)) refuse("EPERM");
  if (wantDirectory) {
    if (entry.inode.type !== "directory") refuse("ENOTDIR");
  } else if (entry.inode.type === "directory") {
    refuse("EISDIR");
  }
  if (directory.deleted) refuse("ENOENT");
}

/** A sticky directory lets only the owner of the file, of the directory, or CAP_FOWNER take a name away. */
function isSticky(caller: Process, mount: Mount, directory: Dentry, entry: Dentry): boolean {
  if ((directory.inode.mode & S_ISVTX) === 0) return false;
  const { fsuid } = caller.credentials;
  if (ownerThrough(mount, entry.inode, "uid") === fsuid) return false;
  if (ownerThrough(mount, directory.inode, "uid") === fsuid) return false;
  return !capableOver(caller, mount, entry.inode, "CAP_FOWNER");
}

/** is_local_mountpoint(): something is mounted there in the caller's own mount namespace. */
function isMountpoint(caller: Process, entry: Dentry): boolean {
  return entry.cover !== undefined && isLocalMountpoint(caller.namespaces.mnt, entry);
}

/** Looks the last component up, without going onto what is mounted there. */
function lastEntry(caller: Process, found: Walk): Dentry | undefined {
  return found.dentry.inode.fileSystem.lookup(found.dentry, found.name, caller);
}

/** rmdir(2): EINVAL for ".", ENOTEMPTY for "..", EBUSY for "/" and for mount points. */
export function removeDirectory(caller: Process, start: Start, path: string): void {
  const found = walk(caller, start, path, { wantParent: true });
  if (found.last === "dotdot") refuse("ENOTEMPTY");
  if (found.last === "dot") refuse("EINVAL");
  if (found.last === "root") refuse("EBUSY");
  wantWrite(found.mount);
  const entry = lastEntry(caller, found) ?? refuse("ENOENT");
  checkDelete(caller, found.mount, found.dentry, entry, true);
  if (isMountpoint(caller, entry)) refuse("EBUSY");
  found.dentry.inode.fileSystem.unlink(found.dentry, entry, caller);
  unmountFrom(caller.machine, entry);
}

/** unlink(2). */
export function removeFile(caller: Process, start: Start, path: string): void {
  const found = walk(caller, start, path, { wantParent: true });
  if (found.last !== "name") refuse("EISDIR");
  wantWrite(found.mount);
  const entry = lastEntry(caller, found) ?? refuse("ENOENT");
  if (found.trailingSlash) refuse(entry.inode.type === "directory" ? "EISDIR" : "ENOTDIR");
  checkDelete(caller, found.mount, found.dentry, entry, false);
  if (isMountpoint(caller, entry)) refuse("EBUSY");
  found.dentry.inode.fileSystem.unlink(found.dentry, entry, caller);
  unmountFrom(caller.machine, entry);
}

/** Is `entry` above `directory`, or the same? */
function isAncestor(entry: Dentry, directory: Dentry): boolean {
  for (let at: Dentry | undefined = directory; at !== undefined; at = at.parent) {
    if (at === entry) return true;
  }
  return false;
}

/** rename(2). EXDEV between mounts, EBUSY for "." and mount points, EINVAL into itself. */
export function renameEntry(
  caller: Process,
  fromStart: Start,
  from: string,
  toStart: Start,
  to: string,
): void {
  const source = walk(caller, fromStart, from, { wantParent: true });
  const goal = walk(caller, toStart, to, { wantParent: true });
  const { mount } = source;
  if (mount !== goal.mount) refuse("EXDEV");
  if (source.last !== "name" || goal.last !== "name") refuse("EBUSY");
  wantWrite(mount);
  const entry = lastEntry(caller, source) ?? refuse("ENOENT");
  const target = lastEntry(caller, goal);
  const isDirectory = entry.inode.type === "directory";
  if (!isDirectory && (source.trailingSlash || goal.trailingSlash)) refuse("ENOTDIR");
  if (isDirectory && isAncestor(entry, goal.dentry)) refuse("EINVAL");
  if (target?.inode.type === "directory" && isAncestor(target, source.dentry)) refuse("ENOTEMPTY");
  // Two names of one file: nothing to do.
  if (target?.inode === entry.inode) return;
  checkDelete(caller, mount, source.dentry, entry, isDirectory);
  if (target === undefined) checkCreate(caller, mount, goal.dentry);
  else checkDelete(caller, mount, goal.dentry, target, isDirectory);
  if (isDirectory && source.dentry !== goal.dentry) {
    // Its ".." changes.
    checkPermission(caller, mount, entry.inode, mayWrite);
  }
  if (isMountpoint(caller, entry)) refuse("EBUSY");
  if (target !== undefined && isMountpoint(caller, target)) refuse("EBUSY");
  const { fileSystem } = entry.inode;
  fileSystem.rename(source.dentry, entry, goal.dentry, goal.name, target, caller);
  if (target !== undefined) unmountFrom(caller.machine, target);
}
