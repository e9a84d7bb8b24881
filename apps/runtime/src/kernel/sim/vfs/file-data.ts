/** Bytes in and out of open files: read(2), write(2), lseek(2), ftruncate(2), getdents(2). */
import {
  O_ACCMODE,
  O_APPEND,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  S_ISGID,
  S_ISUID,
} from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { Coroutine } from "../task.ts";
import type { Dentry, FileType, Inode } from "./inode.ts";
import type { OpenFile } from "./open-file.ts";
import { capableOnHost } from "./permission.ts";

/** An fd that may be read from. EBADF. */
export function readable(file: OpenFile): OpenFile {
  if ((file.flags & O_PATH) !== 0 || (file.flags & O_ACCMODE) === O_WRONLY) refuse("EBADF");
  return file;
}

/** An fd that may be written to. EBADF. */
export function writable(file: OpenFile): OpenFile {
  if ((file.flags & O_PATH) !== 0 || (file.flags & O_ACCMODE) === O_RDONLY) refuse("EBADF");
  return file;
}

/** Whether a read or write of it may wait. */
export function isStream(file: OpenFile): boolean {
  return file.stream !== undefined;
}

/** Reads a file of a file system at its offset. */
export function readStored(caller: Process, file: OpenFile, length: number): Uint8Array {
  const { point } = file;
  if (point === undefined) return refuse("EINVAL");
  const { inode } = point.dentry;
  if (inode.type === "directory") refuse("EISDIR");
  const bytes = inode.fileSystem.read(point.dentry, file.offset, length, caller);
  file.offset += bytes.length;
  return bytes;
}

/** Writes to a file of a file system at its offset; returns how many bytes it took. */
export function writeStored(caller: Process, file: OpenFile, data: Uint8Array): number {
  const { point } = file;
  if (point === undefined) return refuse("EINVAL");
  const { dentry } = point;
  const { inode } = dentry;
  const { fileSystem } = inode;
  if ((file.flags & O_APPEND) !== 0) file.offset = fileSystem.size(dentry);
  let given = data;
  const limit = caller.rlimits.fsize.soft;
  if (limit >= 0 && inode.type === "file" && file.offset + data.length > limit) {
    if (file.offset >= limit) refuse("EFBIG");
    given = data.subarray(0, limit - file.offset);
  }
  if ((inode.mode & (S_ISUID | S_ISGID)) !== 0) dropSetId(caller, inode, dentry);
  const taken = fileSystem.write(dentry, file.offset, given, caller);
  file.offset += taken;
  return taken;
}

/** file_remove_privs(): who writes without CAP_FSETID takes the set-id bits away (inode(7)). */
export function dropSetId(caller: Process, inode: Inode, dentry: Dentry): void {
  if ((inode.mode & (S_ISUID | S_ISGID)) === 0 || inode.type !== "file") return;
  if (capableOnHost(caller, "CAP_FSETID")) return;
  let mode = inode.mode & ~S_ISUID;
  if ((mode & 0o010) !== 0) mode &= ~S_ISGID;
  if (mode !== inode.mode) inode.fileSystem.setAttributes(dentry, { mode });
}

/** Runs a coroutine that must not wait. EAGAIN when it would. */
export function atOnce<T>(coroutine: Coroutine<T>): T {
  const step = coroutine.next();
  if (step.done === true) return step.value;
  coroutine.return(undefined as T);
  return refuse("EAGAIN");
}

export function isNonblocking(file: OpenFile): boolean {
  return (file.flags & O_NONBLOCK) !== 0;
}

/** lseek(2) with SEEK_SET. ESPIPE for what has no place. */
export function seek(file: OpenFile, offset: number): number {
  if ((file.flags & O_PATH) !== 0) refuse("EBADF");
  const type = file.inode?.type;
  if (file.point === undefined || type === "fifo" || type === "socket") refuse("ESPIPE");
  if (offset < 0) refuse("EINVAL");
  file.offset = offset;
  return offset;
}

/** ftruncate(2). */
export function truncateOpen(caller: Process, file: OpenFile, size: number): void {
  if ((file.flags & O_PATH) !== 0) refuse("EBADF");
  const { point } = file;
  if (size < 0 || point === undefined || point.dentry.inode.type !== "file") refuse("EINVAL");
  if ((file.flags & O_ACCMODE) === O_RDONLY) refuse("EINVAL");
  const limit = caller.rlimits.fsize.soft;
  if (limit >= 0 && size > limit) refuse("EFBIG");
  const { dentry } = point;
  dropSetId(caller, dentry.inode, dentry);
  dentry.inode.fileSystem.truncate(dentry, size, caller);
}

export interface DirectoryEntry {
  readonly name: string;
  readonly type: FileType;
  readonly inode: number;
}

/** All entries at once but "." and ".."; none the second time, as at the end of a directory. */
export function readDirectory(caller: Process, file: OpenFile): readonly DirectoryEntry[] {
  if ((file.flags & O_PATH) !== 0) refuse("EBADF");
  const { point } = file;
  if (point === undefined || point.dentry.inode.type !== "directory") return refuse("ENOTDIR");
  const { dentry } = point;
  if (dentry.deleted) refuse("ENOENT");
  if (file.offset > 0) return [];
  const { fileSystem } = dentry.inode;
  const found: DirectoryEntry[] = [];
  for (const name of fileSystem.list(dentry, caller)) {
    const entry = fileSystem.lookup(dentry, name, caller);
    if (entry !== undefined)
      found.push({ name, type: entry.inode.type, inode: entry.inode.number });
  }
  file.offset = 1;
  return found;
}
