/** System calls on files, after their man pages. Each begins with `enter`. Paths are resolved as the caller sees them. */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_RDONLY,
  O_WRONLY,
  SIGPIPE,
} from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal, refuse } from "../refusal.ts";
import type { Coroutine } from "../task.ts";
import {
  changeMode,
  changeOwner,
  changeOwnerOfFile,
  changeTime,
  type Stat,
  statOf,
  statOfFile,
} from "../vfs/attributes.ts";
import { makeDirectory, makeLink, makeNode, makeSymlink } from "../vfs/create-entry.ts";
import { changeXattr, xattrNames, xattrOf } from "../vfs/extended-attributes.ts";
import {
  atOnce,
  type DirectoryEntry,
  isNonblocking,
  readable,
  readDirectory,
  readStored,
  seek,
  truncateOpen,
  writable,
  writeStored,
} from "../vfs/file-data.ts";
import {
  checkRoom,
  closeFd,
  closeFrom,
  duplicate,
  fileAt,
  installAt,
  moveTo,
  releaseReference,
} from "../vfs/file-table.ts";
import type { FileType } from "../vfs/inode.ts";
import { type Mount, mountNoExec, type PathPoint } from "../vfs/mount.ts";
import { OpenFile } from "../vfs/open-file.ts";
import { type OpenHow, openAt } from "../vfs/open-path.ts";
import { tracePath } from "../vfs/path-text.ts";
import { type Start, startPoint, type Walk, walk } from "../vfs/path-walk.ts";
import {
  capableHere,
  checkPermission,
  mayExecute,
  mayWrite,
  wantWrite,
} from "../vfs/permission.ts";
import { Pipe, PipeEnd } from "../vfs/pipe.ts";
import { pipeInode, pipePoint } from "../vfs/pipe-file-system.ts";
import { removeDirectory, removeFile, renameEntry } from "../vfs/remove-entry.ts";
import { enter } from "./enter.ts";
import { deliverSignal } from "./process.ts";

export type { Stat } from "../vfs/attributes.ts";
export type { DirectoryEntry } from "../vfs/file-data.ts";
export type { OpenHow } from "../vfs/open-path.ts";

/** What the number of a start is in a seccomp filter's eyes. */
function number(start: Start): number {
  return typeof start === "number" ? start : -1;
}

/** openat2(2): the lowest free fd. O_PATH, RESOLVE_* and magic links included. FIFOs wait at their first read or write. */
export function openat2(caller: Process, dirfd: Start, path: string, how: OpenHow): number {
  enter(caller, "openat2", number(dirfd));
  checkRoom(caller);
  const file = openAt(caller, dirfd, path, how);
  return moveTo(caller, file, (how.flags & O_CLOEXEC) !== 0);
}

/** openat2(2) that waits, as fifo(7) says, until the other side of a FIFO is there too. */
export function* openWaiting(
  caller: Process,
  dirfd: Start,
  path: string,
  how: OpenHow,
): Coroutine<number> {
  const fd = openat2(caller, dirfd, path, how);
  const file = fileAt(caller, fd);
  const { stream } = file;
  if (!(stream instanceof PipeEnd) || isNonblocking(file)) return fd;
  try {
    yield* stream.otherSide();
  } catch (thrown) {
    closeFd(caller, fd);
    throw thrown;
  }
  return fd;
}

/** Opens without an fd: what the Plan executor's slots hold. The caller closes it with `releaseFile`. */
export function openFile(caller: Process, start: Start, path: string, how: OpenHow): OpenFile {
  enter(caller, "openat2", number(start));
  return openAt(caller, start, path, how);
}

export function close(caller: Process, fd: number): void {
  enter(caller, "close", fd);
  closeFd(caller, fd);
}

/** close_range(2): closes fds from `first` on but those in `keep`. */
export function closeRange(caller: Process, first: number, keep: readonly number[]): void {
  enter(caller, "close_range", first);
  closeFrom(caller, first, keep);
}

/** The lowest fd from `from` on gets this description; counts a reference. EMFILE beyond RLIMIT_NOFILE. */
export function installFile(caller: Process, file: OpenFile, from = 0): number {
  return installAt(caller, file, from);
}

/** Gives one reference back; the last one closes the stream. */
export function releaseFile(file: OpenFile): void {
  releaseReference(file);
}

/** The description behind an fd. EBADF. */
export function fileOf(caller: Process, fd: number): OpenFile {
  return fileAt(caller, fd);
}

export function dup2(caller: Process, from: number, to: number): number {
  enter(caller, "dup2", from, to);
  return duplicate(caller, from, to);
}

/** [read end, write end]. */
export function pipe2(caller: Process, flags = 0): readonly [number, number] {
  enter(caller, "pipe2", 0, flags);
  const pipe = new Pipe();
  const inode = pipeInode(caller);
  const label = `pipe:[${caller.machine.nextPipe()}]`;
  const closes = (flags & O_CLOEXEC) !== 0;
  const end = (reads: boolean): OpenFile =>
    new OpenFile({
      flags: (reads ? O_RDONLY : O_WRONLY) | (flags & ~O_CLOEXEC),
      inode,
      stream: new PipeEnd(pipe, reads, !reads),
      label,
    });
  const readFd = installAt(caller, end(true), 0, closes);
  try {
    return [readFd, installAt(caller, end(false), 0, closes)];
  } catch (thrown) {
    closeFd(caller, readFd);
    throw thrown;
  }
}

export function* read(caller: Process, fd: number, length: number): Coroutine<Uint8Array> {
  enter(caller, "read", fd, 0, length);
  const file = readable(fileAt(caller, fd));
  if (file.stream === undefined) return readStored(caller, file, length);
  return yield* file.stream.read(length, isNonblocking(file));
}

/** Takes all of `data` before it returns, as a loop around write(2) does. SIGPIPE and EPIPE when nobody reads. */
export function* write(caller: Process, fd: number, data: Uint8Array): Coroutine<number> {
  enter(caller, "write", fd, 0, data.length);
  const file = writable(fileAt(caller, fd));
  const { stream } = file;
  if (stream === undefined) return writeAll(caller, file, data);
  let done = 0;
  try {
    do {
      done += yield* stream.write(data.subarray(done), isNonblocking(file));
    } while (done < data.length);
  } catch (thrown) {
    if (!isRefusal(thrown, "EPIPE")) {
      // What was taken before a signal or a full pipe counts.
      if (done > 0 && isRefusal(thrown, "EINTR", "EAGAIN")) return done;
      throw thrown;
    }
    deliverSignal(caller, SIGPIPE);
    // Whom the signal ended does not come back from the call.
    while (caller.state !== "alive") yield {};
    throw thrown;
  }
  return done;
}

function writeAll(caller: Process, file: OpenFile, data: Uint8Array): number {
  let done = 0;
  do {
    done += writeStored(caller, file, done === 0 ? data : data.subarray(done));
  } while (done < data.length);
  return done;
}

/** read and write of something that never waits (files of file systems); EAGAIN where it would. */
export function readNow(caller: Process, fd: number, length: number): Uint8Array {
  enter(caller, "read", fd, 0, length);
  const file = readable(fileAt(caller, fd));
  return file.stream === undefined
    ? readStored(caller, file, length)
    : atOnce(file.stream.read(length, true));
}

export function writeNow(caller: Process, fd: number, data: Uint8Array): number {
  return atOnce(write(caller, fd, data));
}

export function lseek(caller: Process, fd: number, offset: number): number {
  enter(caller, "lseek", fd, offset);
  return seek(fileAt(caller, fd), offset);
}

export function ftruncate(caller: Process, fd: number, size: number): void {
  enter(caller, "ftruncate", fd, size);
  truncateOpen(caller, fileAt(caller, fd), size);
}

export function fstat(caller: Process, fd: number): Stat {
  enter(caller, "fstat", fd);
  return statOfFile(caller, fileAt(caller, fd));
}

/** fstatat(2); `flags`: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
export function statat(caller: Process, dirfd: Start, path: string, flags = 0): Stat {
  enter(caller, "newfstatat", number(dirfd), 0, 0, flags);
  if (path === "" && (flags & AT_EMPTY_PATH) !== 0) {
    if (typeof dirfd === "number" && dirfd !== AT_FDCWD) {
      return statOfFile(caller, fileAt(caller, dirfd));
    }
    return statOf(caller, startPoint(caller, dirfd));
  }
  const found = walk(caller, dirfd, path, { followLast: (flags & AT_SYMLINK_NOFOLLOW) === 0 });
  return found.file === undefined ? statOf(caller, found) : statOfFile(caller, found.file);
}

export interface FileSystemStat {
  readonly type: string;
  /** f_type. */
  readonly magic: number;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export function statfs(caller: Process, path: string): FileSystemStat {
  enter(caller, "statfs");
  const { mount } = walk(caller, AT_FDCWD, path);
  const { type, magic } = mount.fileSystem;
  return { type, magic, ...mount.fileSystem.space() };
}

/** access(2) with the effective ids; `mode`: 4 read, 2 write, 1 execute. */
export function access(caller: Process, path: string, mode: number): void {
  enter(caller, "faccessat2", AT_FDCWD, 0, mode);
  if ((mode & ~7) !== 0) refuse("EINVAL");
  const { mount, dentry, file } = walk(caller, AT_FDCWD, path);
  if (file !== undefined) return;
  const { inode } = dentry;
  if (
    (mode & mayExecute) !== 0 &&
    inode.type === "file" &&
    (mount.attributes & mountNoExec) !== 0
  ) {
    refuse("EACCES");
  }
  checkPermission(caller, mount, inode, mode);
  const plain = inode.type === "file" || inode.type === "directory" || inode.type === "symlink";
  if ((mode & mayWrite) !== 0 && plain) wantWrite(mount);
}

/** getdents64(2), without "." and "..": all of them at once, none the second time. */
export function getdents(caller: Process, fd: number): readonly DirectoryEntry[] {
  enter(caller, "getdents64", fd);
  return readDirectory(caller, fileAt(caller, fd));
}

export function readlinkat(caller: Process, dirfd: Start, path: string): string {
  enter(caller, "readlinkat", number(dirfd));
  const point =
    path === "" ? startPoint(caller, dirfd) : walk(caller, dirfd, path, { followLast: false });
  const { inode } = point.dentry;
  // The path "" stands for a link that was opened with O_PATH and O_NOFOLLOW.
  if (inode.type !== "symlink") refuse(path === "" ? "ENOENT" : "EINVAL");
  return inode.fileSystem.readlink(point.dentry, caller);
}

export function mkdirat(caller: Process, dirfd: Start, path: string, mode: number): void {
  enter(caller, "mkdirat", number(dirfd), 0, mode);
  makeDirectory(caller, dirfd, path, mode);
}

export function mknodat(
  caller: Process,
  dirfd: Start,
  path: string,
  type: FileType,
  mode: number,
  major = 0,
  minor = 0,
): void {
  enter(caller, "mknodat", number(dirfd), 0, mode);
  makeNode(caller, dirfd, path, type, mode, major, minor);
}

export function symlinkat(caller: Process, target: string, dirfd: Start, path: string): void {
  enter(caller, "symlinkat", 0, number(dirfd));
  makeSymlink(caller, target, dirfd, path);
}

/** linkat(2); `flags`: AT_SYMLINK_FOLLOW, AT_EMPTY_PATH. */
export function linkat(
  caller: Process,
  fromDirfd: Start,
  from: string,
  toDirfd: Start,
  to: string,
  flags = 0,
): void {
  enter(caller, "linkat", number(fromDirfd), 0, number(toDirfd), 0, flags);
  makeLink(caller, fromDirfd, from, toDirfd, to, flags);
}

/** unlinkat(2); `flags`: AT_REMOVEDIR. */
export function unlinkat(caller: Process, dirfd: Start, path: string, flags = 0): void {
  enter(caller, "unlinkat", number(dirfd), 0, flags);
  if ((flags & ~AT_REMOVEDIR) !== 0) refuse("EINVAL");
  if ((flags & AT_REMOVEDIR) !== 0) removeDirectory(caller, dirfd, path);
  else removeFile(caller, dirfd, path);
}

export function renameat(
  caller: Process,
  fromDirfd: Start,
  from: string,
  toDirfd: Start,
  to: string,
): void {
  enter(caller, "renameat2", number(fromDirfd), 0, number(toDirfd));
  renameEntry(caller, fromDirfd, from, toDirfd, to);
}

/** The place a path means, or the one an fd is at (AT_EMPTY_PATH). EBADF for what is in no file system. */
function pointAt(caller: Process, dirfd: Start, path: string, flags: number): PathPoint {
  if (path === "" && (flags & AT_EMPTY_PATH) !== 0) {
    if (typeof dirfd === "number" && dirfd !== AT_FDCWD) {
      const file = fileAt(caller, dirfd);
      return file.point ?? pipePoint(file.inode) ?? refuse("EBADF");
    }
    return startPoint(caller, dirfd);
  }
  const found: Walk = walk(caller, dirfd, path, {
    followLast: (flags & AT_SYMLINK_NOFOLLOW) === 0,
  });
  return found.file === undefined ? found : refuse("EBADF");
}

/** fchmodat2(2), following symlinks unless AT_SYMLINK_NOFOLLOW; AT_EMPTY_PATH for the fd itself. */
export function fchmodat(
  caller: Process,
  dirfd: Start,
  path: string,
  mode: number,
  flags = 0,
): void {
  enter(caller, flags === 0 ? "fchmodat" : "fchmodat2", number(dirfd), 0, mode, flags);
  const { mount, dentry } = pointAt(caller, dirfd, path, flags);
  changeMode(caller, mount, dentry, mode);
}

/** fchownat(2); -1 leaves an id. Ids are the caller's. */
export function fchownat(
  caller: Process,
  dirfd: Start,
  path: string,
  uid: number,
  gid: number,
  flags = 0,
): void {
  enter(caller, "fchownat", number(dirfd), 0, uid, gid, flags);
  if (path === "" && (flags & AT_EMPTY_PATH) !== 0 && typeof dirfd === "number" && dirfd >= 0) {
    const file = fileAt(caller, dirfd);
    if (file.point === undefined && file.inode === undefined) {
      changeOwnerOfFile(caller, file, uid, gid);
      return;
    }
  }
  const { mount, dentry } = pointAt(caller, dirfd, path, flags);
  changeOwner(caller, mount, dentry, uid, gid);
}

/** utimensat(2): sets the modification time, to now when `mtimeNs` is undefined. */
export function utimensat(
  caller: Process,
  dirfd: Start,
  path: string,
  mtimeNs: bigint | undefined,
  flags = 0,
): void {
  enter(caller, "utimensat", number(dirfd), 0, 0, flags);
  const { mount, dentry } = pointAt(caller, dirfd, path, flags);
  changeTime(caller, mount, dentry, mtimeNs);
}

/** umask(2): returns what it was. */
export function umask(caller: Process, mask: number): number {
  enter(caller, "umask", mask);
  const before = caller.umask;
  caller.umask = mask & 0o777;
  return before;
}

/** A directory that may be searched. */
function searchable(caller: Process, mount: Mount, point: PathPoint): PathPoint {
  const { dentry } = point;
  if (dentry.inode.type !== "directory") refuse("ENOTDIR");
  checkPermission(caller, mount, dentry.inode, mayExecute);
  return { mount, dentry };
}

export function chdir(caller: Process, path: string): void {
  enter(caller, "chdir");
  const found = walk(caller, AT_FDCWD, path);
  if (found.file !== undefined) refuse("ENOTDIR");
  caller.cwd = searchable(caller, found.mount, found);
}

export function fchdir(caller: Process, fd: number): void {
  enter(caller, "fchdir", fd);
  const point = fileAt(caller, fd).point ?? refuse("ENOTDIR");
  caller.cwd = searchable(caller, point.mount, point);
}

export function chroot(caller: Process, path: string): void {
  enter(caller, "chroot");
  const found = walk(caller, AT_FDCWD, path);
  if (found.file !== undefined) refuse("ENOTDIR");
  const point = searchable(caller, found.mount, found);
  if (!capableHere(caller, "CAP_SYS_CHROOT")) refuse("EPERM");
  caller.root = point;
}

/** The cwd from the caller's root; begins with "(unreachable)" when it is outside. ENOENT when it was removed. */
export function getcwd(caller: Process): string {
  enter(caller, "getcwd");
  const { path, reachable, deleted } = tracePath(caller.cwd, caller.root);
  if (deleted) refuse("ENOENT");
  return reachable ? path : `(unreachable)${path}`;
}

export function setxattr(caller: Process, path: string, name: string, value: Uint8Array): void {
  enter(caller, "setxattr");
  changeXattr(caller, walk(caller, AT_FDCWD, path), name, value);
}

export function getxattr(caller: Process, path: string, name: string): Uint8Array {
  enter(caller, "getxattr");
  return xattrOf(caller, walk(caller, AT_FDCWD, path), name);
}

export function removexattr(caller: Process, path: string, name: string): void {
  enter(caller, "removexattr");
  changeXattr(caller, walk(caller, AT_FDCWD, path), name, undefined);
}

export function listxattr(caller: Process, path: string): readonly string[] {
  enter(caller, "listxattr");
  return xattrNames(caller, walk(caller, AT_FDCWD, path));
}
