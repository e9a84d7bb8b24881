/** The file descriptors of a process: which numbers refer to which open files (open(2), dup(2), close(2)). */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { OpenFile } from "./open-file.ts";

/** The open file behind an fd. EBADF. */
export function fileAt(caller: Process, fd: number): OpenFile {
  return caller.fds.get(fd) ?? refuse("EBADF");
}

/** The lowest free fd from `from` on. EMFILE at RLIMIT_NOFILE, EINVAL when `from` is beyond it. */
function lowestFree(caller: Process, from: number): number {
  const limit = caller.rlimits.nofile.soft;
  const { fds } = caller;
  if (limit >= 0 && from >= limit && from > 0) refuse("EINVAL");
  let fd = from;
  while (fds.has(fd)) fd++;
  if (limit >= 0 && fd >= limit) refuse("EMFILE");
  return fd;
}

/** Gives `file` the lowest free fd from `from` on and counts the reference. */
export function installAt(caller: Process, file: OpenFile, from = 0, closesOnExec = false): number {
  const fd = lowestFree(caller, from);
  file.references++;
  caller.fds.set(fd, file);
  if (closesOnExec) caller.closeOnExec.add(fd);
  return fd;
}

/** EMFILE when there is no fd left: asked before a path is walked. */
export function checkRoom(caller: Process): void {
  const limit = caller.rlimits.nofile.soft;
  if (limit >= 0 && caller.fds.size >= limit) refuse("EMFILE");
}

/** Gives `file` the lowest free fd, which takes the caller's one reference over. */
export function moveTo(caller: Process, file: OpenFile, closesOnExec: boolean): number {
  try {
    return installAt(caller, file, 0, closesOnExec);
  } finally {
    releaseReference(file);
  }
}

/** Gives one reference back; the last one closes what is behind it. */
export function releaseReference(file: OpenFile): void {
  if (file.references <= 0) return;
  file.references--;
  if (file.references === 0) file.stream?.close();
}

/** close(2). */
export function closeFd(caller: Process, fd: number): void {
  const file = fileAt(caller, fd);
  caller.fds.delete(fd);
  caller.closeOnExec.delete(fd);
  releaseReference(file);
}

/** dup2(2): `to` refers to what `from` does; what it was is closed. */
export function duplicate(caller: Process, from: number, to: number): number {
  const file = fileAt(caller, from);
  const limit = caller.rlimits.nofile.soft;
  if (to < 0 || (limit >= 0 && to >= limit)) refuse("EBADF");
  if (from === to) return to;
  const before = caller.fds.get(to);
  file.references++;
  caller.fds.set(to, file);
  caller.closeOnExec.delete(to);
  if (before !== undefined) releaseReference(before);
  return to;
}

/** What a child of clone(2) starts with: the same open files under the same numbers. */
export function copyFds(parent: Process, child: Process): void {
  for (const [fd, file] of parent.fds) {
    file.references++;
    child.fds.set(fd, file);
  }
  for (const fd of parent.closeOnExec) child.closeOnExec.add(fd);
}

/** What execve(2) closes. */
export function closeOnExec(process: Process): void {
  for (const fd of [...process.closeOnExec]) if (process.fds.has(fd)) closeFd(process, fd);
  process.closeOnExec.clear();
}

/** What _exit(2) closes: everything. */
export function closeAllFds(process: Process): void {
  const files = [...process.fds.values()];
  process.fds.clear();
  process.closeOnExec.clear();
  for (const file of files) releaseReference(file);
}

/** close_range(2): every fd from `first` on that is not in `keep`. */
export function closeFrom(caller: Process, first: number, keep: readonly number[]): void {
  for (const fd of [...caller.fds.keys()]) {
    if (fd >= first && !keep.includes(fd)) closeFd(caller, fd);
  }
}
