/** maskPath and readonlyPath, as native/exec/op-mask.c does them: mounts over single paths, after pivot_root. */
import type { OpOf } from "../../op.ts";
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  O_NOFOLLOW,
  O_PATH,
  OPEN_TREE_CLONE,
  RESOLVE_NO_MAGICLINKS,
} from "../abi.ts";
import { isRefusal } from "../refusal.ts";
import { close, fileOf } from "../syscall/file.ts";
import { fsmount, mountSetattr, moveMount, openTree } from "../syscall/mount.ts";
import { openAt } from "./paths.ts";
import type { PlanProcess } from "./plan-process.ts";

/** The path as an fd, through no magic link; undefined when nothing is there. */
function openCovered(x: PlanProcess, path: string): number | undefined {
  try {
    return openAt(x, undefined, path, O_PATH, 0, RESOLVE_NO_MAGICLINKS);
  } catch (thrown) {
    if (isRefusal(thrown, "ENOENT", "ENOTDIR")) return undefined;
    return x.failedPath(thrown, "path", path);
  }
}

function attach(x: PlanProcess, mount: number, target: number, path: string): void {
  try {
    moveMount(x.process, mount, target, "");
  } catch (thrown) {
    x.failedPath(thrown, "path", path);
  } finally {
    close(x.process, mount);
  }
}

/** /dev/null of the container, checked to be the device 1:3 (CVE-2025-31133). Held for all later masks. */
function nullDevice(x: PlanProcess): number {
  if (x.nullDevice >= 0) return x.nullDevice;
  let fd: number;
  try {
    fd = openAt(x, undefined, "/dev/null", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_MAGICLINKS);
  } catch (thrown) {
    return x.failed(thrown, "/dev/null to mask with");
  }
  const { inode } = fileOf(x.process, fd);
  if (inode?.type !== "char" || inode.major !== 1 || inode.minor !== 3) {
    close(x.process, fd);
    x.fail("ENODEV", "/dev/null of the container is not the null device");
  }
  x.nullDevice = fd;
  return fd;
}

function clone(x: PlanProcess, fd: number, what: string): number {
  try {
    return openTree(x.process, fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
  } catch (thrown) {
    return x.failed(thrown, what);
  }
}

/** All masked directories share one file system: the first mount is made, the others are clones of it. */
function maskDirectory(x: PlanProcess, target: number, path: string): void {
  if (x.maskMount >= 0) {
    attach(x, clone(x, x.maskMount, "clone of the mask"), target, path);
    return;
  }
  const options = [
    ["nr_blocks", "1"],
    ["nr_inodes", "2"],
    ["mode", "0555"],
  ] as const;
  let first = -1;
  try {
    first = fsmount(x.process, "tmpfs", "", options, ["rdonly", "nosuid", "nodev", "noexec"]);
  } catch (thrown) {
    x.failed(thrown, "tmpfs to mask with");
  }
  try {
    moveMount(x.process, first, target, "");
  } catch (thrown) {
    close(x.process, first);
    x.failedPath(thrown, "path", path);
  }
  x.maskMount = first;
}

export function maskPathOp(x: PlanProcess, op: OpOf<"maskPath">): number {
  const target = openCovered(x, op.path);
  if (target === undefined) return 0;
  try {
    if (fileOf(x.process, target).inode?.type === "directory") maskDirectory(x, target, op.path);
    else attach(x, clone(x, nullDevice(x), "clone of /dev/null"), target, op.path);
    return 0;
  } finally {
    close(x.process, target);
  }
}

export function readonlyPathOp(x: PlanProcess, op: OpOf<"readonlyPath">): number {
  const target = openCovered(x, op.path);
  if (target === undefined) return 0;
  try {
    let tree: number;
    try {
      tree = openTree(x.process, target, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | AT_RECURSIVE);
    } catch (thrown) {
      return x.failedPath(thrown, "path", op.path);
    }
    try {
      mountSetattr(x.process, tree, "", { set: ["rdonly"], clear: [], recursive: true });
    } catch (thrown) {
      close(x.process, tree);
      x.failedPath(thrown, "read-only", op.path);
    }
    attach(x, tree, target, op.path);
    return 0;
  } finally {
    close(x.process, target);
  }
}
