/**
 * File systems whose directories and files are generated: proc, sysfs, cgroup and the like. Dentries are made
 * when a path leads to them and forgotten when nobody holds them, so that 10,000 containers cost little; while
 * somebody does (a mount, an open file), the same name gives the same dentry.
 */
import type { Machine } from "../machine.ts";
import { bootUnixNs } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import { FileSystem, type NewFile } from "../vfs/file-system.ts";
import { Dentry, Inode } from "../vfs/inode.ts";
import type { PathPoint } from "../vfs/mount.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import type { PseudoEntry } from "./pseudo-entry.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const noBytes = new Uint8Array(0);
/** Forgotten children are swept out when a directory has this many names, then at each doubling. */
const sweepAt = 64;

export class PseudoDentry extends Dentry {
  readonly entry: PseudoEntry;
  /** Text of a file that is being read in parts. */
  text: Uint8Array | undefined;
  /** Most directories have one such child at a time: it needs no map. */
  #only: Held | undefined;
  #children: Map<string, Held> | undefined;
  #sweepAt = sweepAt;

  constructor(name: string, parent: Dentry | undefined, inode: Inode, entry: PseudoEntry) {
    super(name, parent, inode);
    this.entry = entry;
  }

  /** The dentry of this name, if anybody still holds it. */
  held(name: string): PseudoDentry | undefined {
    if (this.#only !== undefined) return this.#only.name === name ? alive(this.#only) : undefined;
    return alive(this.#children?.get(name));
  }

  hold(child: PseudoDentry): void {
    this.#put({ name: child.name, weak: new WeakRef(child), kept: undefined });
  }

  /** Keeps a child even when nobody holds it: its mode or owner is no longer what it would be anew. */
  keep(child: PseudoDentry): void {
    this.#put({ name: child.name, weak: undefined, kept: child });
  }

  forget(name: string): void {
    if (this.#only?.name === name) this.#only = undefined;
    this.#children?.delete(name);
  }

  /** The same child under another name. */
  rename(child: PseudoDentry, name: string): void {
    const { isKept } = child;
    this.forget(child.name);
    child.name = name;
    if (isKept) this.keep(child);
    else this.hold(child);
  }

  get isKept(): boolean {
    if (!(this.parent instanceof PseudoDentry)) return false;
    const { parent } = this;
    const held = parent.#only?.name === this.name ? parent.#only : parent.#children?.get(this.name);
    return held?.kept === this;
  }

  #put(child: Held): void {
    if (this.#children === undefined) {
      const only = this.#only;
      if (only === undefined || only.name === child.name || alive(only) === undefined) {
        this.#only = child;
        return;
      }
      this.#children = new Map([[only.name, only]]);
      this.#only = undefined;
    }
    this.#children.set(child.name, child);
    if (this.#children.size >= this.#sweepAt) this.#sweep(this.#children);
  }

  #sweep(children: Map<string, Held>): void {
    for (const [name, child] of children) if (alive(child) === undefined) children.delete(name);
    this.#sweepAt = Math.max(sweepAt, children.size * 2);
  }
}

interface Held {
  readonly name: string;
  readonly weak: WeakRef<PseudoDentry> | undefined;
  readonly kept: PseudoDentry | undefined;
}

function alive(held: Held | undefined): PseudoDentry | undefined {
  return held?.kept ?? held?.weak?.deref();
}

export interface PseudoKind {
  readonly type: string;
  readonly source: string;
  readonly options: string;
  readonly magic: number;
  readonly userNamespace: UserNamespace;
}

export abstract class PseudoFileSystem extends FileSystem {
  readonly root: PseudoDentry;
  #nextNumber = 0;
  /** Time of what has none of its own: a dentry made anew must look the same. */
  readonly #mtimeNs: bigint;

  constructor(machine: Machine, kind: PseudoKind, root: PseudoEntry, viewer: Process) {
    super(machine, kind);
    this.#mtimeNs = bootUnixNs;
    this.root = this.#makeDentry("", undefined, root, 1, viewer);
  }

  /** Inode numbers follow from the path: a dentry that was forgotten comes back with the same. */
  override nextInode(): number {
    return this.#nextNumber;
  }

  /** The number of `entry` called `name`; devpts and nsfs have numbers of their own. */
  inodeNumber(directory: Dentry, name: string, _entry: PseudoEntry): number {
    let hash = directory.inode.number | 0;
    for (let index = 0; index < name.length; index++)
      hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) ^ (hash >>> 15);
    return 16 + (hash >>> 0);
  }

  #makeDentry(
    name: string,
    parent: PseudoDentry | undefined,
    entry: PseudoEntry,
    number: number,
    viewer: Process,
  ): PseudoDentry {
    this.#nextNumber = number;
    const owner = entry.owner?.(viewer);
    const inode = new Inode(this, entry.type, entry.mode, owner?.uid ?? 0, owner?.gid ?? 0);
    inode.mtimeNs = this.#mtimeNs;
    inode.major = entry.major ?? 0;
    inode.minor = entry.minor ?? 0;
    if (entry.type === "directory") inode.nlink = 2 + (entry.directories ?? 0);
    return new PseudoDentry(name, parent, inode, entry);
  }

  lookup(directory: Dentry, name: string, viewer: Process): PseudoDentry | undefined {
    const parent = directory as PseudoDentry;
    const entry = parent.entry.child?.(name, viewer);
    const held = parent.held(name);
    if (held !== undefined && entry !== undefined && same(held.entry, entry)) {
      if (!held.isKept) this.#refresh(held, entry, viewer);
      return held;
    }
    if (held !== undefined) {
      held.deleted = true;
      parent.forget(name);
    }
    if (entry === undefined) return undefined;
    const number = this.inodeNumber(parent, name, entry);
    const dentry = this.#makeDentry(name, parent, entry, number, viewer);
    parent.hold(dentry);
    return dentry;
  }

  #refresh(dentry: PseudoDentry, entry: PseudoEntry, viewer: Process): void {
    if (entry.directories !== undefined) dentry.inode.nlink = 2 + entry.directories;
    const owner = entry.owner?.(viewer);
    if (owner === undefined) return;
    dentry.inode.uid = owner.uid;
    dentry.inode.gid = owner.gid;
  }

  list(directory: Dentry, viewer: Process): readonly string[] {
    return (directory as PseudoDentry).entry.names?.(viewer) ?? [];
  }

  /** EACCES for files and EPERM for all else is what the VFS says of directories without these operations. */
  override create(_directory: Dentry, _name: string, file: NewFile, _viewer: Process): Dentry {
    return refuse(file.type === "file" ? "EACCES" : "EPERM");
  }

  override read(entry: Dentry, offset: number, length: number, viewer: Process): Uint8Array {
    const dentry = entry as PseudoDentry;
    const make = dentry.entry.text;
    if (make === undefined) return refuse("EINVAL");
    let text = dentry.text;
    if (offset === 0 || text === undefined) text = encoder.encode(make(viewer));
    const part = text.subarray(offset, offset + length);
    // Kept only between the first and the last part.
    dentry.text = offset + part.length < text.length || part.length === length ? text : undefined;
    return part.length === 0 ? noBytes : part;
  }

  override write(entry: Dentry, _offset: number, data: Uint8Array, viewer: Process): number {
    const { entry: file } = entry as PseudoDentry;
    if (file.write === undefined) return refuse("EINVAL");
    if (data.length > 0) file.write(decoder.decode(data), viewer);
    return data.length;
  }

  /** O_TRUNC has no meaning here and is no error. */
  override truncate(_entry: Dentry, _size: number, _viewer: Process): void {}

  override size(entry: Dentry): number {
    return (entry as PseudoDentry).entry.size?.() ?? 0;
  }

  override readlink(entry: Dentry, viewer: Process): string {
    return (entry as PseudoDentry).entry.target?.(viewer) ?? refuse("EINVAL");
  }

  override magicLink(entry: Dentry, viewer: Process): PathPoint | OpenFile | undefined {
    return (entry as PseudoDentry).entry.jump?.(viewer);
  }

  override open(
    entry: Dentry,
    flags: number,
    opener: Process,
    point?: PathPoint,
  ): OpenFile | undefined {
    return (entry as PseudoDentry).entry.open?.(flags, opener, point);
  }

  override setAttributes(
    entry: Dentry,
    change: { readonly mode?: number; readonly uid?: number; readonly gid?: number },
  ): void {
    super.setAttributes(entry, change);
    if (entry instanceof PseudoDentry && entry.parent instanceof PseudoDentry)
      entry.parent.keep(entry);
  }
}

function same(a: PseudoEntry, b: PseudoEntry): boolean {
  return a.subject === b.subject && a.type === b.type;
}

/** The words of a written line: cgroup and sysctl files strip white space around. */
export function writtenWords(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
