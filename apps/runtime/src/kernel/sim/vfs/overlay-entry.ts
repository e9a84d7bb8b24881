/** Names and files of an overlay. They are made when somebody first looks at them and stand for what lies in the layers. */
import type { FileSystem } from "./file-system.ts";
import { Dentry, Inode } from "./inode.ts";
import { visibleXattrs, type XattrPrefix } from "./overlay-layer.ts";

const noDentries: readonly Dentry[] = [];

/** A file of the overlay; `real` is the one of a layer that holds its bytes now. */
export class OverlayInode extends Inode {
  real: Dentry;
  /** One of its names, the first that was looked at. */
  entry: OverlayEntry | undefined;

  constructor(fileSystem: FileSystem, real: Dentry, merged: boolean, prefix: XattrPrefix) {
    const { inode } = real;
    super(fileSystem, inode.type, inode.mode, inode.uid, inode.gid);
    this.real = real;
    this.nlink = merged ? 1 : inode.nlink;
    this.mtimeNs = inode.mtimeNs;
    this.major = inode.major;
    this.minor = inode.minor;
    if (inode.xattrs !== undefined) this.xattrs = visibleXattrs(inode, prefix);
  }
}

/** A name of the overlay: where it is in the upper layer, and in the lower ones that count, topmost first. */
export class OverlayEntry extends Dentry {
  upper: Dentry | undefined;
  lowers: readonly Dentry[];
  /** Entries that somebody has looked at, of a directory. */
  #known: Map<string, OverlayEntry> | undefined;

  constructor(
    name: string,
    parent: OverlayEntry | undefined,
    inode: OverlayInode,
    upper: Dentry | undefined,
    lowers: readonly Dentry[],
  ) {
    super(name, parent, inode);
    this.upper = upper;
    this.lowers = lowers.length === 0 ? noDentries : lowers;
    inode.entry ??= this;
  }

  get overlayInode(): OverlayInode {
    return this.inode as OverlayInode;
  }

  known(name: string): OverlayEntry | undefined {
    return this.#known?.get(name);
  }

  learn(entry: OverlayEntry): void {
    this.#known ??= new Map();
    this.#known.set(entry.name, entry);
  }

  forget(name: string): void {
    this.#known?.delete(name);
  }

  /** After a change of the upper directory: what stat shows of it. */
  refresh(): void {
    const { inode, upper } = this;
    if (upper === undefined) return;
    inode.mtimeNs = upper.inode.mtimeNs;
    if (inode.type !== "directory" || this.lowers.length === 0) inode.nlink = upper.inode.nlink;
  }
}
