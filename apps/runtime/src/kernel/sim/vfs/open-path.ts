/**
 * open(2) and openat2(2): from a path to an open file, made first if need be. The questions in the order in
 * which fs/namei.c asks them: do the flags make sense, where does the path lead, may it be made, may it be
 * opened, does the mount forbid it.
 */
import {
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  S_ISVTX,
} from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { openCharDevice } from "./char-device.ts";
import { checkCreate, createIn } from "./create-entry.ts";
import { dropSetId } from "./file-data.ts";
import type { Dentry } from "./inode.ts";
import { ownerThrough } from "./mapped-ids.ts";
import { type Mount, mountNoDev, type PathPoint } from "./mount.ts";
import { OpenFile } from "./open-file.ts";
import { pathText } from "./path-text.ts";
import { type Start, type Walk, walk } from "./path-walk.ts";
import { checkPermission, mayRead, mayWrite, wantWrite } from "./permission.ts";
import { fifoPipe, PipeEnd } from "./pipe.ts";

export interface OpenHow {
  /** O_* flags. */
  readonly flags: number;
  readonly mode?: number;
  /** RESOLVE_* flags (openat2(2)). */
  readonly resolve?: number;
}

const resolveFlags = 0x1f;
const pathFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** build_open_flags(): combinations openat2(2) answers with EINVAL. */
function checkHow(how: OpenHow): void {
  const { flags, mode = 0, resolve = 0 } = how;
  if ((resolve & ~resolveFlags) !== 0) refuse("EINVAL");
  const scopes = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
  if ((resolve & scopes) === scopes) refuse("EINVAL");
  if ((flags & O_CREAT) !== 0) {
    if ((mode & ~0o7777) !== 0 || (flags & O_DIRECTORY) !== 0) refuse("EINVAL");
  } else if (mode !== 0) {
    refuse("EINVAL");
  }
  if ((flags & O_PATH) !== 0 && (flags & ~pathFlags) !== 0) refuse("EINVAL");
}

/** What the flags ask permission for. */
function accessMask(flags: number): number {
  const access = flags & O_ACCMODE;
  const asked = access === O_RDONLY ? mayRead : access === O_WRONLY ? mayWrite : mayRead | mayWrite;
  return (flags & O_TRUNC) !== 0 ? asked | mayWrite : asked;
}

/** Opens without an fd; the caller gives the one reference back with `releaseReference`. */
export function openAt(caller: Process, start: Start, path: string, how: OpenHow): OpenFile {
  checkHow(how);
  const { flags } = how;
  const creates = (flags & O_CREAT) !== 0;
  const exclusive = creates && (flags & O_EXCL) !== 0;
  const found = walk(caller, start, path, {
    followLast: (flags & O_NOFOLLOW) === 0 && !exclusive,
    mayBeMissing: creates,
    resolve: how.resolve ?? 0,
  });
  let created = false;
  if (found.missing) {
    found.dentry = createFile(caller, found, how.mode ?? 0);
    created = true;
  } else if (creates) {
    if (exclusive) refuse("EEXIST");
    if (found.file === undefined && found.dentry.inode.type === "directory") refuse("EISDIR");
    checkSticky(caller, found);
  }
  const file = openFound(caller, found, flags, created);
  file.references++;
  return file;
}

function createFile(caller: Process, found: Walk, mode: number): Dentry {
  wantWrite(found.mount);
  checkCreate(caller, found.mount, found.dentry);
  return createIn(caller, found.mount, found.dentry, found.name, {
    type: "file",
    mode: mode & 0o7777 & ~caller.umask,
  });
}

/**
 * may_create_in_sticky(): O_CREAT of a file of somebody else's in a sticky directory. fs.protected_regular and
 * fs.protected_fifos (proc_sys_fs(5)) are off unless set; other types are always protected.
 */
function checkSticky(caller: Process, found: Walk): void {
  const { inode, parent } = found.dentry;
  if (parent === undefined || (parent.inode.mode & S_ISVTX) === 0) return;
  const regular = Number(caller.machine.sysctls.get("fs.protected_regular") ?? "0");
  const fifos = Number(caller.machine.sysctls.get("fs.protected_fifos") ?? "0");
  if ((inode.type === "file" && regular === 0) || (inode.type === "fifo" && fifos === 0)) return;
  const owner = ownerThrough(found.mount, inode, "uid");
  if (owner === caller.credentials.fsuid) return;
  if (owner !== undefined && owner === ownerThrough(found.mount, parent.inode, "uid")) return;
  const { mode } = parent.inode;
  if ((mode & 0o002) !== 0) refuse("EACCES");
  if ((mode & 0o020) === 0) return;
  if ((inode.type === "file" && regular >= 2) || (inode.type === "fifo" && fifos >= 2)) {
    refuse("EACCES");
  }
}

/** What an AppArmor profile says of it (apparmor.d(5)): the path as the caller's root shows it. */
function confineOpen(caller: Process, point: PathPoint, flags: number): void {
  const mask = accessMask(flags);
  const access = ((mask & mayRead) !== 0 ? "r" : "") + ((mask & mayWrite) !== 0 ? "w" : "");
  caller.machine.confine?.(caller, "open", pathText(point, caller.root), access);
}

function openFound(caller: Process, found: Walk, flags: number, created: boolean): OpenFile {
  if (found.file !== undefined) return reopen(found.file, flags);
  const { mount, dentry } = found;
  const { inode } = dentry;
  if ((flags & O_DIRECTORY) !== 0 && inode.type !== "directory") refuse("ENOTDIR");
  const point = { mount, dentry };
  if ((flags & O_PATH) !== 0) return new OpenFile({ point, flags });
  if (caller.apparmor !== "unconfined") confineOpen(caller, point, flags);
  if (!created) checkOpen(caller, mount, dentry, flags);
  const made = inode.fileSystem.open(dentry, flags, caller, point);
  if (made !== undefined) return made;
  switch (inode.type) {
    case "char": {
      const device = openCharDevice(caller, inode.major, inode.minor, flags);
      return device instanceof OpenFile ? device : new OpenFile({ point, flags, stream: device });
    }
    case "fifo":
      return new OpenFile({ point, flags, stream: openFifo(dentry, flags) });
    case "block":
    case "socket":
      return refuse("ENXIO");
    case "file":
      if ((flags & O_TRUNC) !== 0 && !created) {
        dropSetId(caller, inode, dentry);
        inode.fileSystem.truncate(dentry, 0, caller);
      }
  }
  return new OpenFile({ point, flags });
}

/** may_open(), and that the mount lets it be written to. */
function checkOpen(caller: Process, mount: Mount, dentry: Dentry, flags: number): void {
  const { inode } = dentry;
  const mask = accessMask(flags);
  const writes = (mask & mayWrite) !== 0;
  switch (inode.type) {
    case "symlink":
      refuse("ELOOP");
      break;
    case "directory":
      if (writes) refuse("EISDIR");
      break;
    case "char":
    case "block":
      if ((mount.attributes & mountNoDev) !== 0) refuse("EACCES");
      // A file system that an unprivileged user mounted has no devices.
      if (inode.fileSystem.userNamespace.parent !== undefined) refuse("EACCES");
  }
  checkPermission(caller, mount, inode, mask);
  if (writes && inode.type === "file") wantWrite(mount);
  if (inode.type === "char" || inode.type === "block") {
    const access = (mask & mayRead ? "r" : "") + (writes ? "w" : "");
    caller.machine.mayUseDevice?.(caller, inode.type, inode.major, inode.minor, access);
  }
}

/** fifo(7): ENXIO for a writer that will not wait while nobody reads. Waiting happens at the first read or write. */
function openFifo(dentry: Dentry, flags: number): PipeEnd {
  const pipe = fifoPipe(dentry.inode);
  const access = flags & O_ACCMODE;
  if (access === O_WRONLY && (flags & O_NONBLOCK) !== 0 && pipe.readers === 0) refuse("ENXIO");
  return new PipeEnd(
    pipe,
    access === O_RDONLY || access === O_RDWR,
    access === O_WRONLY || access === O_RDWR,
  );
}

/** Opens what /proc/PID/fd/N stands for when that is in no file system: a pipe anew, sockets never. */
function reopen(file: OpenFile, flags: number): OpenFile {
  if ((flags & O_DIRECTORY) !== 0) refuse("ENOTDIR");
  const { label, namespace, stream } = file;
  if ((flags & O_PATH) !== 0) return new OpenFile({ flags, label, namespace });
  if (namespace !== undefined) return new OpenFile({ flags, label, namespace });
  if (!(stream instanceof PipeEnd)) return refuse("ENXIO");
  const access = flags & O_ACCMODE;
  const end = new PipeEnd(stream.pipe, access !== O_WRONLY, access !== O_RDONLY);
  return new OpenFile({ flags, label, stream: end });
}
