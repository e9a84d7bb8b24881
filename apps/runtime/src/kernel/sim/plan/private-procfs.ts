/**
 * A procfs of the executor's own (native/exec/procfs.c): ids, limits and labels are written through it and
 * not through whatever lies at /proc of a container (CVE-2025-52881).
 */
import type { Plan } from "../../plan.ts";
import {
  AT_FDCWD,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_XDEV,
} from "../abi.ts";
import { close, fileOf, readNow, writeNow } from "../syscall/file.ts";
import { fsmount } from "../syscall/mount.ts";
import { openResolved } from "./paths.ts";
import { attemptFd, type PlanProcess } from "./plan-process.ts";

const readers: ReadonlySet<string> = new Set([
  "sysctl",
  "oomScoreAdj",
  "apparmor",
  "selinux",
  "idMap",
]);

/** Whether an op will write to procfs, which is then made before anything foreign is entered. */
export function needsProcfs(plan: Plan): boolean {
  return plan.steps.some(({ op }) => readers.has(op.op));
}

function makePrivate(x: PlanProcess): number {
  const whole = x.shared.plan.steps.some(({ op }) => op.op === "sysctl");
  return fsmount(x.process, "proc", "proc", whole ? [] : [["subset", "pid"]], [
    "nosuid",
    "nodev",
    "noexec",
  ]);
}

/** fd of the procfs's root. A procfs that cannot be made is replaced by /proc, when that is one. */
export function procfsRoot(x: PlanProcess): number {
  if (x.procfs >= 0) return x.procfs;
  const own = x.library ? { fd: -1, errno: "EPERM" as const } : attemptFd(() => makePrivate(x));
  let { fd } = own;
  if (own.errno !== undefined) {
    const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
    const host = attemptFd(() => openResolved(x, AT_FDCWD, "/proc", flags, 0, 0));
    if (host.errno !== undefined) x.fail(own.errno, "no private procfs and no /proc");
    fd = host.fd;
  }
  const { point } = fileOf(x.process, fd);
  if (point?.mount.fileSystem.type !== "proc" || point.dentry.parent !== undefined) {
    close(x.process, fd);
    x.fail("EXDEV", "/proc is not a procfs");
  }
  x.procfs = fd;
  return fd;
}

function procfsOpen(x: PlanProcess, path: string, flags: number): number {
  const root = procfsRoot(x);
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  let fd: number;
  try {
    fd = openResolved(x, root, path, flags, 0, resolve);
  } catch (thrown) {
    return x.failedPath(thrown, "cannot open /proc file", path);
  }
  if (fileOf(x.process, fd).point?.mount.fileSystem.type === "proc") return fd;
  close(x.process, fd);
  return x.failPath("EXDEV", "no file of procfs:", path);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const readMax = 4096;

/** Writes `value` to a file of the procfs in one write(2). */
export function procfsWrite(x: PlanProcess, path: string, value: string): void {
  const fd = procfsOpen(x, path, O_WRONLY);
  try {
    writeNow(x.process, fd, encoder.encode(value));
  } finally {
    close(x.process, fd);
  }
}

export function procfsRead(x: PlanProcess, path: string): string {
  const fd = procfsOpen(x, path, O_RDONLY);
  try {
    return decoder.decode(readNow(x.process, fd, readMax));
  } finally {
    close(x.process, fd);
  }
}
