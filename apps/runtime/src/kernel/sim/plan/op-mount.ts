/** Ops on mounts, as native/exec/op-mount.c does them: made detached, given attributes, attached fd onto fd. */
import type { MountAttr, OpOf } from "../../op.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  MS_BIND,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_STRICTATIME,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  OPEN_TREE_CLONE,
  RESOLVE_NO_SYMLINKS,
  UMOUNT_NOFOLLOW,
} from "../abi.ts";
import { isRefusal, type Refusal, refuse } from "../refusal.ts";
import { chdir, chroot, close, fchdir, fileOf, getcwd, installFile } from "../syscall/file.ts";
import {
  fsmount,
  mount,
  mountSetattr,
  moveMount,
  openTree,
  pivotRoot,
  umount2,
} from "../syscall/mount.ts";
import { makeDirectories, openAt, openMadeParent, openResolved } from "./paths.ts";
import { attempt, attemptFd, errnoOf, type PlanProcess } from "./plan-process.ts";

const mountBits: Readonly<Record<MountAttr, number>> = {
  rdonly: MS_RDONLY,
  nosuid: MS_NOSUID,
  nodev: MS_NODEV,
  noexec: MS_NOEXEC,
  noatime: MS_NOATIME,
  relatime: MS_RELATIME,
  strictatime: MS_STRICTATIME,
  nodiratime: MS_NODIRATIME,
  nosymfollow: MS_NOSYMFOLLOW,
};

/** Takes away, newest first, what a Plan that failed had mounted in the host's namespace. */
export function undoMounts(x: PlanProcess): void {
  for (let fd = x.mounted.pop(); fd !== undefined; fd = x.mounted.pop()) {
    const path = `/proc/self/fd/${fd}`;
    attempt(() => umount2(x.process, path, MNT_DETACH));
    close(x.process, fd);
  }
}

export function mountOp(x: PlanProcess, op: OpOf<"mount">): number {
  if (op.target[0] !== "/") x.failPath("EINVAL", "target is not absolute:", op.target);
  let flags = 0;
  for (const attr of op.attrs) flags |= mountBits[attr];
  if (op.fstype === "bind") flags |= MS_BIND;
  if (op.fstype === "rbind") flags |= MS_BIND | MS_REC;
  const source = op.source === "" ? "none" : op.source;
  try {
    mount(x.process, source, op.target, op.fstype, flags, op.data);
  } catch (thrown) {
    x.failedPath(thrown, `source "${source}" target`, op.target);
  }
  const target = attemptFd(() => openResolved(x, AT_FDCWD, op.target, O_PATH, 0, 0));
  if (target.errno === undefined) x.remember(target.fd);
  return 0;
}

export function fsmountOp(x: PlanProcess, op: OpOf<"fsmount">): number {
  let fd: number;
  try {
    fd = fsmount(x.process, op.fstype, op.source, op.options, op.attrs);
  } catch (thrown) {
    const errno = errnoOf(thrown);
    const said = (thrown as Refusal).detail;
    // The model says which step refused in words of the executor: "source", "option", "create".
    return x.fail(errno, said === "" ? `create "${op.fstype}"` : said);
  }
  return x.fill(op.as, fd);
}

export function openTreeOp(x: PlanProcess, op: OpOf<"openTree">): number {
  let fd: number;
  try {
    fd = openAt(x, op.at, op.path, O_PATH);
  } catch (thrown) {
    return x.failedPath(thrown, "path", op.path);
  }
  if (!op.clone) return x.fill(op.as, fd);
  const flags = AT_EMPTY_PATH | OPEN_TREE_CLONE | (op.recursive ? AT_RECURSIVE : 0);
  let tree: number;
  try {
    tree = openTree(x.process, fd, "", flags);
  } catch (thrown) {
    return x.failedPath(thrown, "path", op.path);
  } finally {
    close(x.process, fd);
  }
  return x.fill(op.as, tree);
}

export function mountSetattrOp(x: PlanProcess, op: OpOf<"mountSetattr">): number {
  const fd = x.slot(op.fd, "fd");
  const change = {
    set: op.set,
    clear: op.clear,
    recursive: op.recursive,
    ...(op.propagation === undefined ? {} : { propagation: op.propagation }),
    ...(op.idmap === undefined ? {} : { idmapFd: x.slot(op.idmap, "idmap") }),
  };
  try {
    mountSetattr(x.process, fd, "", change);
  } catch (thrown) {
    x.failed(thrown, "mount_setattr");
  }
  return 0;
}

/** A file to mount a file on; an existing one, or a dangling symlink's target, will do. */
function makeFile(x: PlanProcess, op: OpOf<"moveMount">): number {
  try {
    return openAt(x, op.at, op.path, O_PATH);
  } catch (thrown) {
    if (!isRefusal(thrown, "ENOENT")) throw thrown;
  }
  const parent = openMadeParent(x, op.at, op.path);
  try {
    const flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY;
    close(x.process, openResolved(x, parent.fd, parent.name, flags, 0o644, 0));
    return openResolved(x, parent.fd, parent.name, O_PATH | O_NOFOLLOW, 0, 0);
  } finally {
    close(x.process, parent.fd);
  }
}

function openOrdinary(x: PlanProcess, op: OpOf<"moveMount">): number {
  const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
  // "Ordinary": no symlink in the whole path, or /proc could be a directory of a volume.
  const open = () => openAt(x, op.at, op.path, flags, 0, RESOLVE_NO_SYMLINKS);
  let found = attemptFd(open);
  if (found.errno === "ENOENT" && op.create === "directory") {
    const made = attemptFd(() => makeDirectories(x, op.at, op.path, 0o755));
    if (made.errno === undefined) close(x.process, made.fd);
    found = attemptFd(open);
  }
  if (found.errno === undefined) return found.fd;
  if (found.errno === "ELOOP" || found.errno === "ENOTDIR") {
    x.detail = "must be mounted on an ordinary directory:";
  }
  return refuse(found.errno);
}

function openMountPoint(x: PlanProcess, op: OpOf<"moveMount">): number {
  if (op.ordinary === true) return openOrdinary(x, op);
  if (op.create === "file") return makeFile(x, op);
  try {
    return openAt(x, op.at, op.path, O_PATH);
  } catch (thrown) {
    if (!isRefusal(thrown, "ENOENT") || op.create !== "directory") throw thrown;
    return makeDirectories(x, op.at, op.path, 0o755);
  }
}

function isProcfs(x: PlanProcess, fd: number): boolean {
  return fileOf(x.process, fd).point?.mount.fileSystem.type === "proc";
}

const allowedInProc: ReadonlySet<string> = new Set([
  "cpuinfo",
  "diskstats",
  "loadavg",
  "meminfo",
  "slabinfo",
  "stat",
  "swaps",
  "uptime",
]);

/** Nothing may be mounted inside a container's /proc (CVE-2019-16884) but on the few files that tools replace. */
function forbiddenInProc(x: PlanProcess, target: number, path: string): boolean {
  if (!isProcfs(x, target)) return false;
  const name = path.slice(path.lastIndexOf("/") + 1);
  return !(fileOf(x.process, target).inode?.type === "file" && allowedInProc.has(name));
}

function isProcItself(path: string): boolean {
  let [start, end] = [0, path.length];
  while (path[start] === "/") start++;
  while (end > start && path[end - 1] === "/") end--;
  return path.slice(start, end) === "proc";
}

export function moveMountOp(x: PlanProcess, op: OpOf<"moveMount">): number {
  const fd = x.slot(op.fd, "fd");
  let target: number;
  try {
    target = openMountPoint(x, op);
  } catch (thrown) {
    return x.failedPath(thrown, "mount point", op.path);
  }
  try {
    const inside = op.at !== undefined;
    if (inside && isProcItself(op.path) && !isProcfs(x, fd)) {
      x.fail("EPERM", "only a procfs may be mounted on /proc");
    }
    if (inside && op.ordinary !== true && forbiddenInProc(x, target, op.path)) {
      x.failPath("EPERM", "inside /proc:", op.path);
    }
    try {
      moveMount(x.process, fd, target, "");
    } catch (thrown) {
      x.failedPath(thrown, "mount point", op.path);
    }
  } finally {
    close(x.process, target);
  }
  // Only a mount of the host's own namespace would ever be undone.
  if (!x.ownMounts) x.remember(installFile(x.process, fileOf(x.process, fd), 3));
  return 0;
}

export function propagateOp(x: PlanProcess, op: OpOf<"propagate">): number {
  let fd: number;
  try {
    fd = openAt(x, op.at, op.path, O_PATH);
  } catch (thrown) {
    return x.failedPath(thrown, "path", op.path);
  }
  try {
    const { propagation, recursive } = op;
    mountSetattr(x.process, fd, "", { set: [], clear: [], recursive, propagation });
  } catch (thrown) {
    x.failedPath(thrown, "path", op.path);
  } finally {
    close(x.process, fd);
  }
  return 0;
}

/** One step of an op, whose failure the executor names. */
function stepOf(x: PlanProcess, what: string, work: () => void): void {
  try {
    work();
  } catch (thrown) {
    x.failed(thrown, what);
  }
}

export function pivotRootOp(x: PlanProcess, op: OpOf<"pivotRoot">): number {
  const root = x.slot(op.root, "root");
  const { process } = x;
  stepOf(x, "fchdir to root", () => fchdir(process, root));
  stepOf(x, "pivot_root", () => pivotRoot(process, ".", "."));
  // The old root lies on top of the new one now, and "." is it.
  stepOf(x, "detaching the old root", () => umount2(process, ".", MNT_DETACH));
  stepOf(x, "chdir to /", () => chdir(process, "/"));
  if (attempt(() => getcwd(process)) !== "/") x.fail("EXDEV", "the new root is not /");
  x.foreignRoot = true;
  return 0;
}

export function chrootOp(x: PlanProcess, op: OpOf<"chroot">): number {
  const root = x.slot(op.root, "root");
  const { process } = x;
  stepOf(x, "fchdir to root", () => fchdir(process, root));
  stepOf(x, "chroot", () => chroot(process, "."));
  stepOf(x, "chdir to /", () => chdir(process, "/"));
  x.foreignRoot = true;
  return 0;
}

export function umountOp(x: PlanProcess, op: OpOf<"umount">): number {
  if (op.path[0] !== "/") x.failPath("EINVAL", "no absolute path:", op.path);
  try {
    umount2(x.process, op.path, UMOUNT_NOFOLLOW | (op.detach ? MNT_DETACH : 0));
  } catch (thrown) {
    x.failedPath(thrown, "path", op.path);
  }
  return 0;
}
