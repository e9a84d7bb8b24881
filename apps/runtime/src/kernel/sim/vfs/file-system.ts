/**
 * What a file system has to offer: one instance is one superblock. Stored ones (tmpfs, the host's disk),
 * overlay, and the pseudo ones (proc, sysfs, devpts, mqueue, cgroup, cgroup2, nsfs) are subclasses.
 * Permission bits, read-only mounts and path walking are the VFS's work and not repeated here.
 */
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import type { Dentry, FileType, Inode } from "./inode.ts";
import type { PathPoint } from "./mount.ts";
import type { OpenFile } from "./open-file.ts";

/** A file to be made. Owner: host ids of the maker. */
export interface NewFile {
  readonly type: FileType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major?: number;
  readonly minor?: number;
  /** Text of a symlink. */
  readonly target?: string;
}

export abstract class FileSystem {
  readonly machine: Machine;
  /** As mountinfo shows it: "tmpfs", "proc". */
  readonly type: string;
  readonly source: string;
  /** Superblock options as mountinfo shows them, without rw/ro: "size=65536k,mode=755". */
  options: string;
  /** Minor number of st_dev; the major is 0. */
  readonly device: number;
  readonly userNamespace: UserNamespace;
  readOnly = false;
  /** statfs(2) f_type. */
  readonly magic: number;
  #inodes = 0;

  constructor(
    machine: Machine,
    kind: {
      readonly type: string;
      readonly source: string;
      readonly options: string;
      readonly magic: number;
      readonly userNamespace: UserNamespace;
    },
  ) {
    this.machine = machine;
    this.type = kind.type;
    this.source = kind.source;
    this.options = kind.options;
    this.magic = kind.magic;
    this.userNamespace = kind.userNamespace;
    this.device = machine.nextDevice();
  }

  abstract readonly root: Dentry;

  nextInode(): number {
    return ++this.#inodes;
  }

  /** Virtual Unix time, ns. */
  nowNs(): bigint {
    return this.machine.unixNs();
  }

  /** The entry, or undefined. "." and ".." never get here. */
  abstract lookup(directory: Dentry, name: string, viewer: Process): Dentry | undefined;
  /** Names, without "." and "..", sorted. */
  abstract list(directory: Dentry, viewer: Process): readonly string[];

  create(_directory: Dentry, _name: string, _file: NewFile, _viewer: Process): Dentry {
    return refuse("EPERM");
  }
  /** Another name for `inode` (hard link). */
  link(_directory: Dentry, _name: string, _inode: Inode, _viewer: Process): Dentry {
    return refuse("EPERM");
  }
  /** Removes a name; a directory only when empty (the VFS has checked the type, not the emptiness). */
  unlink(_directory: Dentry, _entry: Dentry, _viewer: Process): void {
    refuse("EPERM");
  }
  /** Over an existing `target` of a fitting type too. */
  rename(
    _from: Dentry,
    _entry: Dentry,
    _to: Dentry,
    _name: string,
    _target: Dentry | undefined,
    _viewer: Process,
  ): void {
    refuse("EPERM");
  }

  /** Bytes from `offset`, at most `length`; empty at the end. Pseudo files make their text anew at offset 0. */
  read(_entry: Dentry, _offset: number, _length: number, _viewer: Process): Uint8Array {
    return refuse("EINVAL");
  }
  /** Returns how many bytes were taken. */
  write(_entry: Dentry, _offset: number, _data: Uint8Array, _viewer: Process): number {
    return refuse("EINVAL");
  }
  truncate(_entry: Dentry, _size: number, _viewer: Process): void {
    refuse("EINVAL");
  }
  /** Current size in bytes, as stat shows it. */
  size(_entry: Dentry): number {
    return 0;
  }

  readlink(_entry: Dentry, _viewer: Process): string {
    return refuse("EINVAL");
  }
  /** Where a magic link (/proc/PID/fd/N, root, cwd, exe, ns/...) jumps to; undefined for ordinary symlinks. */
  magicLink(_entry: Dentry, _viewer: Process): PathPoint | OpenFile | undefined {
    return undefined;
  }

  /**
   * Lets the file system refuse or change an open (devpts: ptmx makes a pty), once the permission bits have agreed.
   * `point` is where the path led. Not called for O_PATH. undefined: the VFS opens it as usual.
   */
  open(_entry: Dentry, _flags: number, _opener: Process, _point?: PathPoint): OpenFile | undefined {
    return undefined;
  }

  /** Root of a mount that `mounter` makes of it: a cgroup namespace begins at its own directory. */
  mountRoot(_mounter: Process): Dentry {
    return this.root;
  }
  /** A mount's root as mountinfo shows it to `viewer` (cgroup_namespaces(7)); undefined: its path as usual. */
  showRoot(_root: Dentry, _viewer: Process): string | undefined {
    return undefined;
  }

  /** chmod, chown: EPERM where the file system has none. */
  setAttributes(
    entry: Dentry,
    change: { readonly mode?: number; readonly uid?: number; readonly gid?: number },
  ): void {
    if (change.mode !== undefined) entry.inode.mode = change.mode;
    if (change.uid !== undefined) entry.inode.uid = change.uid;
    if (change.gid !== undefined) entry.inode.gid = change.gid;
  }

  /** utimensat(2). */
  setTime(entry: Dentry, mtimeNs: bigint): void {
    entry.inode.mtimeNs = mtimeNs;
  }

  /** Sets an extended attribute, or removes it when `value` is undefined (xattr(7)). */
  setXattr(entry: Dentry, name: string, value: Uint8Array | undefined): void {
    const { inode } = entry;
    if (value === undefined) inode.xattrs?.delete(name);
    else {
      inode.xattrs ??= new Map();
      inode.xattrs.set(name, value);
    }
  }

  /** mount(2) with MS_REMOUNT: new options. EINVAL for those it does not know or that cannot change. */
  reconfigure(_caller: Process, _options: ReadonlyMap<string, string>): void {}

  space(): { readonly totalBytes: number; readonly freeBytes: number } {
    return { totalBytes: 0, freeBytes: 0 };
  }
}

/** What mount(2) and fsmount make a FileSystem of. Refuses with EINVAL for options it does not know. */
export type FileSystemFactory = (
  machine: Machine,
  mounter: Process,
  source: string,
  /**
   * Option text as in mount(2)'s data: "size=64m,mode=1777"; flags without "=" have the value "". A key given
   * several times by fsconfig (overlay's "lowerdir+") has its values joined by NUL.
   */
  options: ReadonlyMap<string, string>,
) => FileSystem;
