/** Files and the names they have: inode and dentry, as in the Linux VFS. */
import type { FileSystem } from "./file-system.ts";
import type { Mount } from "./mount.ts";

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
  #parent: Dentry | undefined;
  readonly inode: Inode;
  /** Unlinked or renamed over: still usable by who holds it ("(deleted)" in /proc). */
  deleted = false;
  /** Mounts on it and below it; undefined while there are none. Kept by mount-tree.ts. */
  cover: Cover | undefined;

  constructor(name: string, parent: Dentry | undefined, inode: Inode) {
    this.name = name;
    this.#parent = parent;
    this.inode = inode;
  }

  /** undefined for the root of a file system. */
  get parent(): Dentry | undefined {
    return this.#parent;
  }

  set parent(parent: Dentry | undefined) {
    const below = this.cover?.below ?? 0;
    if (below > 0) addCover(this.#parent, -below);
    this.#parent = parent;
    if (below > 0) addCover(parent, below);
  }

  /** How many mounts, in any namespace, sit on it: rename and unlink of it are EBUSY (in the caller's namespace). */
  get mounts(): number {
    return this.cover?.here.size ?? 0;
  }

  get fileSystem(): FileSystem {
    return this.inode.fileSystem;
  }
}

/** What is mounted over a part of a file system, in all namespaces together. */
export interface Cover {
  readonly here: Set<Mount>;
  /** Mounts on the dentry and on everything below it. */
  below: number;
}

/** Counts `change` mounts more on `dentry` and all its ancestors. */
export function addCover(dentry: Dentry | undefined, change: number): void {
  for (let at = dentry; at !== undefined; at = at.parent) {
    at.cover ??= { here: new Set(), below: 0 };
    at.cover.below += change;
    if (at.cover.below === 0) at.cover = undefined;
  }
}
