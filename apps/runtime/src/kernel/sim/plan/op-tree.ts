/**
 * Ops on whole trees, as native/exec/op-tree.c does them: on fds, following no symlink and entering no mount.
 * What somebody mounted or linked inside a tree of ours is not ours.
 */
import type { OpOf } from "../../op.ts";
import {
  AT_EMPTY_PATH,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../abi.ts";
import { refuse } from "../refusal.ts";
import {
  close,
  fchmodat,
  fchownat,
  fileOf,
  fstat,
  getdents,
  mkdirat,
  mknodat,
  readlinkat,
  readNow,
  renameat,
  type Stat,
  statat,
  symlinkat,
  unlinkat,
  writeNow,
} from "../syscall/file.ts";
import { openAt, openParent, openResolved, type Parent } from "./paths.ts";
import { attempt, attemptFd, errnoOf, type PlanProcess } from "./plan-process.ts";

const below = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
/** One level of a walk holds one fd; to remove, deeper directories are moved up. */
const depthMax = 48;
const copyDepthMax = 200;

interface Removal {
  readonly x: PlanProcess;
  /** The tree's own directory. */
  readonly top: number;
  /** Directories moved up so far. */
  moved: number;
}

const directory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

function removeDirectory(r: Removal, dir: number, name: string, depth: number): void {
  const { x } = r;
  if (depth >= depthMax) {
    for (;;) {
      const up = `.vitrine-deep-${r.moved++}`;
      const errno = attempt(() => renameat(x.process, dir, name, r.top, up));
      if (errno === undefined) return;
      if (errno !== "ENOTEMPTY" && errno !== "EEXIST" && errno !== "ENOTDIR") refuse(errno);
    }
  }
  const opened = attemptFd(() => openResolved(x, dir, name, directory, 0, below));
  if (opened.errno === "EXDEV") x.failPath("EBUSY", "a mount is at", name);
  if (opened.errno === "ENOENT") return;
  if (opened.errno !== undefined) refuse(opened.errno);
  try {
    emptyDirectory(r, opened.fd, depth + 1);
  } finally {
    close(x.process, opened.fd);
  }
  const errno = attempt(() => unlinkat(x.process, dir, name, AT_REMOVEDIR));
  if (errno !== undefined && errno !== "ENOENT") refuse(errno);
}

function removeEntry(r: Removal, dir: number, name: string, isDirectory: boolean, depth: number) {
  const { x } = r;
  if (!isDirectory) {
    const errno = attempt(() => unlinkat(x.process, dir, name));
    if (errno === undefined || errno === "ENOENT") return;
    if (errno !== "EISDIR") x.failPath(errno, "cannot unlink", name);
  }
  try {
    removeDirectory(r, dir, name, depth);
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (x.detail === "") x.failPath(errno, "cannot remove", name);
    throw thrown;
  }
}

/** Passes go on until one finds nothing: deeper directories are moved up meanwhile. */
function emptyDirectory(r: Removal, dir: number, depth: number): void {
  for (;;) {
    const entries = getdents(r.x.process, dir);
    let any = false;
    for (const { name, type } of entries) {
      if (name === "." || name === "..") continue;
      any = true;
      removeEntry(r, dir, name, type === "directory", depth);
    }
    if (!any) return;
  }
}

export function removeTreeOp(x: PlanProcess, op: OpOf<"removeTree">): number {
  let parent: Parent;
  try {
    parent = openParent(x, op.at, op.path);
  } catch (thrown) {
    return x.failedPath(thrown, "parent of", op.path);
  }
  try {
    const top = attemptFd(() => openResolved(x, parent.fd, parent.name, directory, 0, below));
    if (top.errno === "ENOTDIR" || top.errno === "ELOOP") {
      unlinkat(x.process, parent.fd, parent.name);
    } else if (top.errno !== undefined) {
      refuse(top.errno === "EXDEV" ? "EBUSY" : top.errno);
    } else {
      try {
        emptyDirectory({ x, top: top.fd, moved: 0 }, top.fd, 0);
      } finally {
        close(x.process, top.fd);
      }
      unlinkat(x.process, parent.fd, parent.name, AT_REMOVEDIR);
    }
    return 0;
  } catch (thrown) {
    return x.failedPath(thrown, "path", op.path);
  } finally {
    close(x.process, parent.fd);
  }
}

const chunk = 1 << 20;

function copyData(x: PlanProcess, from: number, to: number): void {
  for (;;) {
    let data = readNow(x.process, from, chunk);
    if (data.length === 0) return;
    while (data.length > 0) data = data.subarray(writeNow(x.process, to, data));
  }
}

function copyAttributes(x: PlanProcess, from: number, to: number, stat: Stat): void {
  fchownat(x.process, to, "", stat.uid, stat.gid, AT_EMPTY_PATH);
  const source = fileOf(x.process, from).inode;
  const target = fileOf(x.process, to).inode;
  if (source?.xattrs !== undefined && target !== undefined) {
    for (const [name, value] of source.xattrs) {
      // Overlay's own bookkeeping of the source.
      if (name.startsWith("trusted.")) continue;
      target.xattrs ??= new Map();
      target.xattrs.set(name, value);
    }
  }
  fchmodat(x.process, to, "", stat.mode & 0o7777, AT_EMPTY_PATH);
  if (target !== undefined) target.mtimeNs = stat.mtimeNs;
}

function copyLink(x: PlanProcess, from: number, to: number, name: string, stat: Stat): void {
  symlinkat(x.process, readlinkat(x.process, from, name), to, name);
  fchownat(x.process, to, name, stat.uid, stat.gid, AT_SYMLINK_NOFOLLOW);
}

function copyOpened(
  x: PlanProcess,
  from: number,
  to: number,
  name: string,
  stat: Stat,
  depth: number,
): void {
  const isDirectory = stat.type === "directory";
  if (isDirectory) mkdirat(x.process, to, name, 0o700);
  const flags = isDirectory ? directory : O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  const out = openResolved(x, to, name, flags, 0o600, 0);
  try {
    if (isDirectory) copyDirectory(x, from, out, depth + 1);
    else copyData(x, from, out);
    copyAttributes(x, from, out, stat);
  } finally {
    close(x.process, out);
  }
}

function copyEntry(x: PlanProcess, from: number, to: number, name: string, depth: number): void {
  const { process } = x;
  const stat = statat(process, from, name, AT_SYMLINK_NOFOLLOW);
  if (stat.type === "symlink") {
    copyLink(x, from, to, name, stat);
    return;
  }
  if (stat.type !== "directory" && stat.type !== "file") {
    // Devices are granted by the Plan and never copied; sockets mean nothing in a copy.
    if (stat.type === "fifo") mknodat(process, to, name, "fifo", stat.mode & 0o7777);
    return;
  }
  const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  const input = openResolved(x, from, name, flags, 0, below);
  try {
    copyOpened(x, input, to, name, fstat(process, input), depth);
  } finally {
    close(process, input);
  }
}

function copyDirectory(x: PlanProcess, from: number, to: number, depth: number): void {
  if (depth >= copyDepthMax) x.fail("ELOOP", "tree is too deep to copy");
  for (const { name } of getdents(x.process, from)) {
    if (name === "." || name === "..") continue;
    try {
      copyEntry(x, from, to, name, depth);
    } catch (thrown) {
      const errno = errnoOf(thrown);
      if (x.detail === "") x.failPath(errno, "cannot copy", name);
      throw thrown;
    }
  }
}

export function copyTreeOp(x: PlanProcess, op: OpOf<"copyTree">): number {
  const from = attemptFd(() => openAt(x, op.at, op.from, O_RDONLY | O_DIRECTORY));
  if (from.errno !== undefined) return x.failPath(from.errno, "from", op.from);
  try {
    const to = attemptFd(() => openAt(x, op.at, op.to, O_RDONLY | O_DIRECTORY));
    if (to.errno !== undefined) return x.failPath(to.errno, "to", op.to);
    try {
      copyDirectory(x, from.fd, to.fd, 0);
      copyAttributes(x, from.fd, to.fd, fstat(x.process, from.fd));
      return 0;
    } finally {
      close(x.process, to.fd);
    }
  } finally {
    close(x.process, from.fd);
  }
}
