/**
 * A file system that keeps what it is given: tmpfs, and the disk of the host. Names, bytes, links and device
 * nodes; room in blocks and inodes is counted, so that a full one answers ENOSPC (tmpfs(5)).
 */
import type { Machine } from "../machine.ts";
import { refuse } from "../refusal.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import { FileSystem, type NewFile } from "./file-system.ts";
import { Dentry, type Inode } from "./inode.ts";
import { blockBytes, StoredInode } from "./stored-inode.ts";
import { byteLength } from "./utf8-length.ts";

/** Links of one file: LINK_MAX of ext4. */
const linksMax = 65_000;

export interface StoredKind {
  readonly type: string;
  readonly source: string;
  readonly options: string;
  readonly magic: number;
  readonly userNamespace: UserNamespace;
  readonly rootMode: number;
  readonly rootUid: number;
  readonly rootGid: number;
  /** Unset: no limit. */
  readonly blocksMax?: number | undefined;
  readonly inodesMax?: number | undefined;
  /** Size of a directory as stat shows it, by the number of its entries. */
  readonly directorySize: (entries: number) => number;
}

export class StoredFileSystem extends FileSystem {
  readonly root: Dentry;
  readonly #directorySize: (entries: number) => number;
  blocksMax: number | undefined;
  inodesMax: number | undefined;
  blocks = 0;
  /** Inodes in use, the root's too. */
  inodes = 1;

  constructor(machine: Machine, kind: StoredKind) {
    super(machine, kind);
    this.blocksMax = kind.blocksMax;
    this.inodesMax = kind.inodesMax;
    this.#directorySize = kind.directorySize;
    this.root = new Dentry(
      "",
      undefined,
      new StoredInode(this, "directory", kind.rootMode, kind.rootUid, kind.rootGid),
    );
  }

  override lookup(directory: Dentry, name: string): Dentry | undefined {
    return (directory.inode as StoredInode).entries.get(name);
  }

  override list(directory: Dentry): readonly string[] {
    return [...(directory.inode as StoredInode).entries.keys()].sort();
  }

  override create(directory: Dentry, name: string, file: NewFile): Dentry {
    if (this.inodesMax !== undefined && this.inodes >= this.inodesMax) refuse("ENOSPC");
    const inode = new StoredInode(this, file.type, file.mode, file.uid, file.gid);
    inode.major = file.major ?? 0;
    inode.minor = file.minor ?? 0;
    inode.target = file.target ?? "";
    this.inodes++;
    const entry = new Dentry(name, directory, inode);
    this.#enter(directory, entry);
    return entry;
  }

  override link(directory: Dentry, name: string, inode: Inode): Dentry {
    if (inode.nlink >= linksMax) refuse("EMLINK");
    inode.nlink++;
    const entry = new Dentry(name, directory, inode);
    this.#enter(directory, entry);
    return entry;
  }

  override unlink(directory: Dentry, entry: Dentry): void {
    const inode = entry.inode as StoredInode;
    if (inode.type === "directory") {
      if (inode.entries.size > 0) refuse("ENOTEMPTY");
      directory.inode.nlink--;
      inode.nlink = 0;
    } else {
      inode.nlink--;
    }
    (directory.inode as StoredInode).removeEntry(entry.name);
    directory.inode.mtimeNs = this.nowNs();
    entry.deleted = true;
    if (inode.nlink === 0) this.#free(inode);
  }

  override rename(
    from: Dentry,
    entry: Dentry,
    to: Dentry,
    name: string,
    target: Dentry | undefined,
  ): void {
    if (target !== undefined) this.unlink(to, target);
    (from.inode as StoredInode).removeEntry(entry.name);
    from.inode.mtimeNs = this.nowNs();
    if (entry.inode.type === "directory") from.inode.nlink--;
    entry.name = name;
    entry.parent = to;
    this.#enter(to, entry);
  }

  override read(entry: Dentry, offset: number, length: number): Uint8Array {
    return (entry.inode as StoredInode).read(offset, length);
  }

  override write(entry: Dentry, offset: number, data: Uint8Array): number {
    if (data.length === 0) return 0;
    const inode = entry.inode as StoredInode;
    const room = this.#grow(inode, offset + data.length);
    const taken = Math.min(data.length, room - offset);
    if (taken <= 0) refuse("ENOSPC");
    inode.write(offset, taken === data.length ? data : data.subarray(0, taken));
    inode.mtimeNs = this.nowNs();
    return taken;
  }

  override truncate(entry: Dentry, size: number): void {
    const inode = entry.inode as StoredInode;
    inode.truncate(size);
    const blocks = Math.ceil(size / blockBytes);
    if (blocks < inode.blocks) {
      this.blocks -= inode.blocks - blocks;
      inode.blocks = blocks;
    }
    inode.mtimeNs = this.nowNs();
  }

  /** Makes the file's content these bytes without copying them; they must never change. ENOSPC when there is no room. */
  share(entry: Dentry, content: Uint8Array): void {
    const inode = entry.inode as StoredInode;
    this.truncate(entry, 0);
    if (this.#grow(inode, content.length) < content.length) {
      this.truncate(entry, 0);
      refuse("ENOSPC");
    }
    inode.share(content);
  }

  /** The file's content, to be shared with another one. */
  lend(entry: Dentry): Uint8Array {
    return (entry.inode as StoredInode).lend();
  }

  override size(entry: Dentry): number {
    const inode = entry.inode as StoredInode;
    if (inode.type === "directory") return this.#directorySize(inode.entries.size);
    return inode.type === "symlink" ? byteLength(inode.target) : inode.length;
  }

  override readlink(entry: Dentry): string {
    const inode = entry.inode as StoredInode;
    return inode.type === "symlink" ? inode.target : refuse("EINVAL");
  }

  override space(): { readonly totalBytes: number; readonly freeBytes: number } {
    const blocksMax = this.blocksMax ?? 0;
    return {
      totalBytes: blocksMax * blockBytes,
      freeBytes: Math.max(0, blocksMax - this.blocks) * blockBytes,
    };
  }

  #enter(directory: Dentry, entry: Dentry): void {
    (directory.inode as StoredInode).addEntry(entry);
    if (entry.inode.type === "directory") directory.inode.nlink++;
    directory.inode.mtimeNs = this.nowNs();
  }

  /** Takes blocks so that `inode` may be `end` bytes long; returns how many bytes it may be. */
  #grow(inode: StoredInode, end: number): number {
    const more = Math.ceil(end / blockBytes) - inode.blocks;
    if (more <= 0) return end;
    const free = this.blocksMax === undefined ? more : this.blocksMax - this.blocks;
    const taken = Math.max(0, Math.min(more, free));
    this.blocks += taken;
    inode.blocks += taken;
    return taken === more ? end : inode.blocks * blockBytes;
  }

  #free(inode: StoredInode): void {
    this.inodes--;
    this.blocks -= inode.blocks;
    inode.blocks = 0;
  }
}
