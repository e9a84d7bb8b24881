/**
 * New names: mkdir(2), mknod(2), symlink(2), link(2), and open(2) with O_CREAT. Who will own the new file,
 * and everything that can forbid it, in the order in which Linux asks.
 */
import { AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, PATH_MAX, S_ISGID, S_ISUID } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { NewFile } from "./file-system.ts";
import type { Dentry, FileType } from "./inode.ts";
import { storedOwner } from "./mapped-ids.ts";
import type { Mount } from "./mount.ts";
import { type Start, startPoint, type Walk, walk } from "./path-walk.ts";
import {
  capableOnHost,
  capableOver,
  checkPermission,
  hasOwners,
  inGroup,
  mayExecute,
  mayRead,
  mayWrite,
  ownerOrCapable,
  permits,
  wantWrite,
} from "./permission.ts";
import { byteLength } from "./utf8-length.ts";

/** filename_create(): the directory a new name goes to, checked that the name is free and the mount writable. */
export function walkToNew(caller: Process, start: Start, path: string, directory: boolean): Walk {
  const found = walk(caller, start, path, { wantParent: true });
  if (found.last !== "name") refuse("EEXIST");
  const there = found.dentry.inode.fileSystem.lookup(found.dentry, found.name, caller);
  if (there !== undefined) refuse("EEXIST");
  // Only a directory may be made with a slash behind its name.
  if (found.trailingSlash && !directory) refuse("ENOENT");
  wantWrite(found.mount);
  return found;
}

/** may_create(): a live directory, ids that can be stored there, permission to write to it. */
export function checkCreate(caller: Process, mount: Mount, directory: Dentry): void {
  if (directory.deleted) refuse("ENOENT");
  const { fsuid, fsgid } = caller.credentials;
  const { userNamespace } = directory.inode.fileSystem;
  if (
    (mount.idmap !== undefined || userNamespace.parent !== undefined) &&
    (storedOwner(mount, userNamespace, "uid", fsuid) === undefined ||
      storedOwner(mount, userNamespace, "gid", fsgid) === undefined)
  ) {
    refuse("EOVERFLOW");
  }
  checkPermission(caller, mount, directory.inode, mayWrite | mayExecute);
}

/** inode_init_owner(): the maker's ids, or the directory's group when that has its set-group-id bit. */
function withOwner(
  caller: Process,
  mount: Mount,
  directory: Dentry,
  file: Omit<NewFile, "uid" | "gid">,
): NewFile {
  const { credentials } = caller;
  const { inode } = directory;
  const { userNamespace } = inode.fileSystem;
  const plain = mount.idmap === undefined;
  const uid = plain
    ? credentials.fsuid
    : (storedOwner(mount, userNamespace, "uid", credentials.fsuid) ?? 0);
  let gid = plain
    ? credentials.fsgid
    : (storedOwner(mount, userNamespace, "gid", credentials.fsgid) ?? 0);
  let { mode } = file;
  if ((inode.mode & S_ISGID) !== 0) {
    gid = inode.gid;
    if (file.type === "directory") mode |= S_ISGID;
    else if (
      (mode & (S_ISGID | 0o010)) === (S_ISGID | 0o010) &&
      !inGroup(credentials, gid) &&
      !capableOver(caller, mount, inode, "CAP_FSETID")
    ) {
      mode &= ~S_ISGID;
    }
  }
  return { ...file, mode, uid, gid };
}

/** Makes the file; the checks are done. */
export function createIn(
  caller: Process,
  mount: Mount,
  directory: Dentry,
  name: string,
  file: Omit<NewFile, "uid" | "gid">,
): Dentry {
  const owned = withOwner(caller, mount, directory, file);
  return directory.inode.fileSystem.create(directory, name, owned, caller);
}

/** mkdirat(2). */
export function makeDirectory(caller: Process, start: Start, path: string, mode: number): void {
  const found = walkToNew(caller, start, path, true);
  checkCreate(caller, found.mount, found.dentry);
  createIn(caller, found.mount, found.dentry, found.name, {
    type: "directory",
    mode: mode & 0o1777 & ~caller.umask,
  });
}

/** mknodat(2). EPERM for a directory, and for devices without CAP_MKNOD on the host; whiteouts are free. */
export function makeNode(
  caller: Process,
  start: Start,
  path: string,
  type: FileType,
  mode: number,
  major: number,
  minor: number,
): void {
  if (type === "directory") refuse("EPERM");
  if (type === "symlink") refuse("EINVAL");
  const found = walkToNew(caller, start, path, false);
  checkCreate(caller, found.mount, found.dentry);
  if (type === "char" || type === "block") {
    const whiteout = type === "char" && major === 0 && minor === 0;
    if (!whiteout) {
      if (!capableOnHost(caller, "CAP_MKNOD")) refuse("EPERM");
      caller.machine.mayUseDevice?.(caller, type, major, minor, "m");
    }
  }
  createIn(caller, found.mount, found.dentry, found.name, {
    type,
    mode: mode & 0o7777 & ~caller.umask,
    major,
    minor,
  });
}

/** symlinkat(2). */
export function makeSymlink(caller: Process, target: string, start: Start, path: string): void {
  if (target === "") refuse("ENOENT");
  if (target.length >= PATH_MAX / 3 && byteLength(target) >= PATH_MAX) refuse("ENAMETOOLONG");
  const found = walkToNew(caller, start, path, false);
  checkCreate(caller, found.mount, found.dentry);
  createIn(caller, found.mount, found.dentry, found.name, {
    type: "symlink",
    mode: 0o777,
    target,
  });
}

/** linkat(2). EXDEV between mounts, EPERM for directories, fs.protected_hardlinks (proc_sys_fs(5)). */
export function makeLink(
  caller: Process,
  fromStart: Start,
  from: string,
  toStart: Start,
  to: string,
  flags: number,
): void {
  const source =
    from === "" && (flags & AT_EMPTY_PATH) !== 0
      ? startPoint(caller, fromStart)
      : walk(caller, fromStart, from, { followLast: (flags & AT_SYMLINK_FOLLOW) !== 0 });
  const { inode } = source.dentry;
  const found = walkToNew(caller, toStart, to, false);
  if (source.mount !== found.mount) refuse("EXDEV");
  checkLinkable(caller, source.mount, source.dentry);
  checkCreate(caller, found.mount, found.dentry);
  if (inode.type === "directory") refuse("EPERM");
  if (inode.nlink === 0) refuse("ENOENT");
  found.dentry.inode.fileSystem.link(found.dentry, found.name, inode, caller);
}

/** may_linkat(): one's own, or a plain file that one may read and write. */
function checkLinkable(caller: Process, mount: Mount, entry: Dentry): void {
  const { inode } = entry;
  if (!hasOwners(mount, inode)) refuse("EOVERFLOW");
  if (caller.machine.sysctls.get("fs.protected_hardlinks") === "0") return;
  const setsId =
    (inode.mode & S_ISUID) !== 0 || (inode.mode & (S_ISGID | 0o010)) === (S_ISGID | 0o010);
  const harmless =
    inode.type === "file" && !setsId && permits(caller, mount, inode, mayRead | mayWrite);
  if (!harmless && !ownerOrCapable(caller, mount, inode)) refuse("EPERM");
}
