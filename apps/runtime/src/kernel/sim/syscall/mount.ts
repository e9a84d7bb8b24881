/** System calls on mounts, after their man pages. Each begins with `enter`. */
import type { MountAttr, Propagation } from "../../op.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  MNT_DETACH,
  MNT_FORCE,
  MS_BIND,
  MS_MOVE,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  O_CLOEXEC,
  O_PATH,
  OPEN_TREE_CLONE,
  UMOUNT_NOFOLLOW,
} from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { Mount, PathPoint } from "../vfs/mount.ts";
import { mayMount } from "../vfs/mount-attach.ts";
import { bindMount, cloneDetached } from "../vfs/mount-bind.ts";
import {
  accessTimeBits,
  accessTimeFlags,
  attributeBits,
  attributesOfFlags,
} from "../vfs/mount-bits.ts";
import { dissolve } from "../vfs/mount-dissolve.ts";
import { moveTree } from "../vfs/mount-move.ts";
import { addMount, makeFileSystem, makeMount, parseOptions } from "../vfs/mount-new.ts";
import { changeType, remount, remountBind } from "../vfs/mount-remount.ts";
import { checkIdmapNamespace, setattr } from "../vfs/mount-setattr.ts";
import { letFloat, topMount } from "../vfs/mount-tree.ts";
import { unmount } from "../vfs/mount-umount.ts";
import { OpenFile } from "../vfs/open-file.ts";
import { pathText } from "../vfs/path-text.ts";
import { startPoint, walk } from "../vfs/path-walk.ts";
import { pivot } from "../vfs/pivot-root.ts";
import { enter } from "./enter.ts";
import { fileOf, installFile } from "./file.ts";

const ownEachMount: ReadonlySet<string> = new Set(["tmpfs", "ramfs", "overlay", "devpts", "proc"]);
const typeFlags = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

/** Where a path leads. What is mounted on a name is followed, what is mounted on "." or "/" is not. */
function find(caller: Process, path: string, followLast = true): PathPoint {
  const { mount, dentry } = walk(caller, AT_FDCWD, path, { followLast });
  return { mount, dentry };
}

/** A path below an fd, or with AT_EMPTY_PATH the fd itself; its mounts are not followed then. */
function findAt(caller: Process, dirfd: number, path: string, flags: number): PathPoint {
  if (path === "" && (flags & AT_EMPTY_PATH) !== 0) return startPoint(caller, dirfd);
  const followLast = (flags & AT_SYMLINK_NOFOLLOW) === 0;
  const { mount, dentry } = walk(caller, dirfd, path, { followLast });
  return { mount, dentry };
}

/** Asks the AppArmor profile, if there is one (apparmor.d(5), "Mount Rules"). */
function confineMount(
  caller: Process,
  operation: "mount" | "umount" | "pivotRoot",
  point: PathPoint,
  type: string,
): void {
  if (caller.apparmor === "unconfined") return;
  caller.machine.confine?.(caller, operation, pathText(point, caller.root), type);
}

/** mount(2); `flags` MS_*, `data` the option string. */
export function mount(
  caller: Process,
  source: string,
  target: string,
  fstype: string,
  flags: number,
  data: string,
): void {
  enter(caller, "mount", 0, 0, 0, flags, 0);
  const point = find(caller, target);
  confineMount(caller, "mount", point, fstype);
  if (!mayMount(caller)) refuse("EPERM");
  let attributes = attributesOfFlags(flags);
  if ((flags & MS_REMOUNT) !== 0) {
    if ((flags & (accessTimeFlags | MS_RELATIME)) === 0) {
      attributes |= point.mount.attributes & (accessTimeBits | attributeBits(["nodiratime"]));
    }
    if ((flags & MS_BIND) !== 0) remountBind(caller, point, attributes);
    else remount(caller, point, attributes, parseOptions(data));
  } else if ((flags & MS_BIND) !== 0) {
    if (source === "") refuse("EINVAL");
    bindMount(caller, find(caller, source), point, (flags & MS_REC) !== 0);
  } else if ((flags & typeFlags) !== 0) {
    changeType(caller, point, flags);
  } else if ((flags & MS_MOVE) !== 0) {
    if (source === "") refuse("EINVAL");
    moveTree(caller, find(caller, source), point);
  } else {
    if (fstype === "") refuse("EINVAL");
    const fileSystem = makeFileSystem(
      caller,
      fstype,
      source,
      parseOptions(data, fstype === "overlay"),
    );
    // mount(2) means the file system too, where each mount has one of its own.
    if ((flags & MS_RDONLY) !== 0 && ownEachMount.has(fstype)) fileSystem.readOnly = true;
    addMount(caller, makeMount(caller, fileSystem, attributes), point);
  }
}

/** An O_PATH fd of a detached tree, which ends with the file unless it has been attached. */
function installDetached(caller: Process, tree: Mount): number {
  letFloat(tree, caller.namespaces.mnt);
  const { machine } = caller;
  const file = new OpenFile({
    point: { mount: tree, dentry: tree.root },
    flags: O_PATH | O_CLOEXEC,
  });
  file.released = () => {
    if (tree.madeIn !== undefined && tree.parent === undefined) dissolve(machine, tree);
  };
  try {
    return installFile(caller, file);
  } catch (thrown) {
    // EMFILE: nobody will ever close it.
    file.released();
    throw thrown;
  }
}

/** fsopen, fsconfig for each option, fsmount: fd of a detached mount. */
export function fsmount(
  caller: Process,
  fstype: string,
  source: string,
  options: readonly (readonly [key: string, value: string])[],
  attrs: readonly MountAttr[],
): number {
  enter(caller, "fsopen");
  if (!mayMount(caller)) refuse("EPERM", `fstype "${fstype}"`);
  const given = new Map<string, string>();
  for (const [key, value] of options) {
    const before = given.get(key);
    // Such keys ("lowerdir+") count each time they are given.
    given.set(key, before === undefined || !key.endsWith("+") ? value : `${before}\0${value}`);
  }
  for (let count = options.length + 2; count > 0; count--) enter(caller, "fsconfig");
  const fileSystem = makeFileSystem(caller, fstype, source, given);
  enter(caller, "fsmount");
  const attributes = attributeBits(attrs);
  if ((attributes & accessTimeBits) === accessTimeBits) refuse("EINVAL", "attrs");
  return installDetached(caller, makeMount(caller, fileSystem, attributes));
}

/** open_tree(2); `flags`: OPEN_TREE_CLONE, AT_RECURSIVE, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. */
export function openTree(caller: Process, dirfd: number, path: string, flags: number): number {
  enter(caller, "open_tree", dirfd, 0, flags);
  const known = OPEN_TREE_CLONE | AT_RECURSIVE | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | O_CLOEXEC;
  const clones = (flags & OPEN_TREE_CLONE) !== 0;
  const recursive = (flags & AT_RECURSIVE) !== 0;
  if ((flags & ~known) !== 0 || (recursive && !clones)) refuse("EINVAL");
  if (clones && !mayMount(caller)) refuse("EPERM");
  const point = findAt(caller, dirfd, path, flags);
  if (clones) return installDetached(caller, cloneDetached(caller, point, recursive));
  return installFile(caller, new OpenFile({ point, flags: O_PATH | (flags & O_CLOEXEC) }));
}

/** move_mount(2) of the mount that `fromFd` refers to, onto what `toDirfd` and `toPath` name ("" is toDirfd itself). */
export function moveMount(caller: Process, fromFd: number, toDirfd: number, toPath: string): void {
  enter(caller, "move_mount", fromFd, 0, toDirfd, 0);
  if (!mayMount(caller)) refuse("EPERM");
  const source = startPoint(caller, fromFd);
  const target = findAt(caller, toDirfd, toPath, AT_EMPTY_PATH);
  confineMount(caller, "mount", target, "");
  moveTree(caller, source, target);
}

/** mount_setattr(2) on the mount an fd is on. `idmapFd`: a user namespace fd. */
export function mountSetattr(
  caller: Process,
  dirfd: number,
  path: string,
  change: {
    readonly set: readonly MountAttr[];
    readonly clear: readonly MountAttr[];
    readonly recursive: boolean;
    readonly propagation?: Propagation;
    readonly idmapFd?: number;
  },
): void {
  enter(caller, "mount_setattr", dirfd, 0, change.recursive ? AT_RECURSIVE : 0);
  if (!mayMount(caller)) refuse("EPERM");
  const { set, clear, recursive, propagation, idmapFd } = change;
  const kept = { set, clear, recursive, ...(propagation === undefined ? {} : { propagation }) };
  if (idmapFd === undefined) {
    // Nothing to do is done without a look at the path.
    if (set.length + clear.length === 0 && propagation === undefined) return;
    setattr(caller, findAt(caller, dirfd, path, AT_EMPTY_PATH), kept);
    return;
  }
  const { namespace, flags } = fileOf(caller, idmapFd);
  if ((flags & O_PATH) !== 0) refuse("EBADF");
  if (namespace?.type !== "user") refuse("EINVAL");
  checkIdmapNamespace(caller, namespace);
  setattr(caller, findAt(caller, dirfd, path, AT_EMPTY_PATH), { ...kept, idmap: namespace });
}

/** pivot_root(2): both paths as the caller sees them; "." with "." is how the executor does it. */
export function pivotRoot(caller: Process, newRoot: string, putOld: string): void {
  enter(caller, "pivot_root");
  if (!mayMount(caller)) refuse("EPERM");
  const directory = (path: string): PathPoint => {
    const { mount, dentry } = walk(caller, AT_FDCWD, path);
    if (dentry.inode.type !== "directory") refuse("ENOTDIR");
    return { mount, dentry };
  };
  const [root, old] = [directory(newRoot), directory(putOld)];
  confineMount(caller, "pivotRoot", root, "");
  pivot(caller, root, old);
}

/** umount2(2); `flags`: MNT_DETACH, MNT_FORCE, UMOUNT_NOFOLLOW. */
export function umount2(caller: Process, path: string, flags: number): void {
  enter(caller, "umount2", 0, flags);
  if ((flags & ~(MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW)) !== 0) refuse("EINVAL");
  // Of all paths only this one leads to the top of what is mounted on ".".
  const point = topMount(find(caller, path, (flags & UMOUNT_NOFOLLOW) === 0));
  if (!mayMount(caller)) refuse("EPERM");
  confineMount(caller, "umount", point, "");
  unmount(caller, point, flags);
}
