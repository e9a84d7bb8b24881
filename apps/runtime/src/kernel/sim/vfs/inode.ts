/** Files and the names they have: inode and dentry, as in the Linux VFS. */
import type { FileSystem } from "./file-system.ts";

export type FileType = "file" | "directory" | "symlink" | "char" | "block" | "fifo" | "socket";

/** A file, whatever its names. What it holds is the business of its FileSystem (subclasses add it). */
export class Inode {
  readonly fileSystem: FileSystem;
  readonly number: number;
  readonly type: FileType;
  /** Permission bits with set-id and sticky, no type. */
  mode: number;
  /** Host ids. */
  uid: number;
  gid: number;
  nlink: number;
  /** Virtual Unix time of the last change of content, ns. */
  mtimeNs: bigint;
  major = 0;
  minor = 0;
  xattrs: Map<string, Uint8Array> | undefined;

  constructor(fileSystem: FileSystem, type: FileType, mode: number, uid: number, gid: number) {
    this.fileSystem = fileSystem;
    this.number = fileSystem.nextInode();
    this.type = type;
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.nlink = type === "directory" ? 2 : 1;
    this.mtimeNs = fileSystem.nowNs();
  }
}

/**
 * A name in a directory. Identity matters: mounts sit on dentries, so a file system must give the same dentry
 * for the same name as long as anything refers to it.
 */
export class Dentry {
  name: string;
  /** undefined for the root of a file system. */
  parent: Dentry | undefined;
  readonly inode: Inode;
  /** Unlinked or renamed over: still usable by who holds it ("(deleted)" in /proc). */
  deleted = false;
  /** How many mounts, in any namespace, sit on it: rename and unlink of it are EBUSY (in the caller's namespace). */
  mounts = 0;

  constructor(name: string, parent: Dentry | undefined, inode: Inode) {
    this.name = name;
    this.parent = parent;
    this.inode = inode;
  }

  get fileSystem(): FileSystem {
    return this.inode.fileSystem;
  }
}
