/** System calls on files, after their man pages. Each begins with `enter`. Paths are resolved as the caller sees them. */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { Coroutine } from "../task.ts";
import type { FileType } from "../vfs/inode.ts";
import type { PathPoint } from "../vfs/mount.ts";
import type { OpenFile } from "../vfs/open-file.ts";

export interface OpenHow {
  /** O_* flags. */
  readonly flags: number;
  readonly mode?: number;
  /** RESOLVE_* flags (openat2(2)). */
  readonly resolve?: number;
}

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

export interface DirectoryEntry {
  readonly name: string;
  readonly type: FileType;
  readonly inode: number;
}

/** openat2(2): the lowest free fd. O_PATH, RESOLVE_* and magic links included. */
export function openat2(_caller: Process, _dirfd: number, _path: string, _how: OpenHow): number {
  return refuse("ENOSYS");
}
/** Opens without an fd: what the Plan executor's slots hold. The caller closes it with `releaseFile`. */
export function openFile(
  _caller: Process,
  _start: number | PathPoint,
  _path: string,
  _how: OpenHow,
): OpenFile {
  return refuse("ENOSYS");
}
export function close(_caller: Process, _fd: number): void {
  refuse("ENOSYS");
}
/** close_range(2): closes fds from `first` on but those in `keep`. */
export function closeRange(_caller: Process, _first: number, _keep: readonly number[]): void {
  refuse("ENOSYS");
}
/** The lowest fd from `from` on gets this description; counts a reference. EMFILE beyond RLIMIT_NOFILE. */
export function installFile(_caller: Process, _file: OpenFile, _from?: number): number {
  return refuse("ENOSYS");
}
/** Gives one reference back; the last one closes the stream. */
export function releaseFile(_file: OpenFile): void {
  refuse("ENOSYS");
}
/** The description behind an fd. EBADF. */
export function fileOf(_caller: Process, _fd: number): OpenFile {
  return refuse("ENOSYS");
}
export function dup2(_caller: Process, _from: number, _to: number): number {
  return refuse("ENOSYS");
}
/** [read end, write end]. */
export function pipe2(_caller: Process): readonly [number, number] {
  return refuse("ENOSYS");
}
export function* read(_caller: Process, _fd: number, _length: number): Coroutine<Uint8Array> {
  return refuse("ENOSYS");
}
/** Takes all of `data` before it returns, as a loop around write(2) does. SIGPIPE and EPIPE when nobody reads. */
export function* write(_caller: Process, _fd: number, _data: Uint8Array): Coroutine<number> {
  return refuse("ENOSYS");
}
/** read and write of something that never waits (files of file systems); EAGAIN where it would. */
export function readNow(_caller: Process, _fd: number, _length: number): Uint8Array {
  return refuse("ENOSYS");
}
export function writeNow(_caller: Process, _fd: number, _data: Uint8Array): number {
  return refuse("ENOSYS");
}
export function lseek(_caller: Process, _fd: number, _offset: number): number {
  return refuse("ENOSYS");
}
export function ftruncate(_caller: Process, _fd: number, _size: number): void {
  refuse("ENOSYS");
}
export function fstat(_caller: Process, _fd: number): Stat {
  return refuse("ENOSYS");
}
/** fstatat(2); `flags`: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
export function statat(_caller: Process, _dirfd: number, _path: string, _flags = 0): Stat {
  return refuse("ENOSYS");
}
export function statfs(
  _caller: Process,
  _path: string,
): { readonly type: string; readonly totalBytes: number; readonly freeBytes: number } {
  return refuse("ENOSYS");
}
/** access(2) with the effective ids; `mode`: 4 read, 2 write, 1 execute. */
export function access(_caller: Process, _path: string, _mode: number): void {
  refuse("ENOSYS");
}
export function getdents(_caller: Process, _fd: number): readonly DirectoryEntry[] {
  return refuse("ENOSYS");
}
export function readlinkat(_caller: Process, _dirfd: number, _path: string): string {
  return refuse("ENOSYS");
}
export function mkdirat(_caller: Process, _dirfd: number, _path: string, _mode: number): void {
  refuse("ENOSYS");
}
export function mknodat(
  _caller: Process,
  _dirfd: number,
  _path: string,
  _type: FileType,
  _mode: number,
  _major?: number,
  _minor?: number,
): void {
  refuse("ENOSYS");
}
export function symlinkat(_caller: Process, _target: string, _dirfd: number, _path: string): void {
  refuse("ENOSYS");
}
export function linkat(
  _caller: Process,
  _fromDirfd: number,
  _from: string,
  _toDirfd: number,
  _to: string,
): void {
  refuse("ENOSYS");
}
/** unlinkat(2); `flags`: AT_REMOVEDIR. */
export function unlinkat(_caller: Process, _dirfd: number, _path: string, _flags = 0): void {
  refuse("ENOSYS");
}
export function renameat(
  _caller: Process,
  _fromDirfd: number,
  _from: string,
  _toDirfd: number,
  _to: string,
): void {
  refuse("ENOSYS");
}
/** fchmodat(2), following symlinks unless AT_SYMLINK_NOFOLLOW; AT_EMPTY_PATH for the fd itself. */
export function fchmodat(
  _caller: Process,
  _dirfd: number,
  _path: string,
  _mode: number,
  _flags = 0,
): void {
  refuse("ENOSYS");
}
/** fchownat(2); -1 leaves an id. Ids are the caller's. */
export function fchownat(
  _caller: Process,
  _dirfd: number,
  _path: string,
  _uid: number,
  _gid: number,
  _flags = 0,
): void {
  refuse("ENOSYS");
}
export function chdir(_caller: Process, _path: string): void {
  refuse("ENOSYS");
}
export function fchdir(_caller: Process, _fd: number): void {
  refuse("ENOSYS");
}
export function chroot(_caller: Process, _path: string): void {
  refuse("ENOSYS");
}
/** The cwd from the caller's root; begins with "(unreachable)" when it is outside. */
export function getcwd(_caller: Process): string {
  return refuse("ENOSYS");
}
export function setxattr(_caller: Process, _path: string, _name: string, _value: Uint8Array): void {
  refuse("ENOSYS");
}
export function listxattr(_caller: Process, _path: string): readonly string[] {
  return refuse("ENOSYS");
}
