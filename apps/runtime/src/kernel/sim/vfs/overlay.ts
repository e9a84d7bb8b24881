/**
 * overlayfs (Documentation/filesystems/overlayfs.rst): lower layers that are never written to, and an upper one
 * that takes every change. A removed name leaves a whiteout, a replaced directory is opaque. redirect_dir,
 * index and metacopy are off, as they are by default: directories of lower layers cannot be renamed (EXDEV).
 */
import { O_ACCMODE, O_RDONLY, O_TRUNC } from "../abi.ts";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import { FileSystem, type NewFile } from "./file-system.ts";
import type { Dentry, Inode } from "./inode.ts";
import type { OpenFile } from "./open-file.ts";
import { CopyUp } from "./overlay-copy-up.ts";
import { OverlayEntry, OverlayInode } from "./overlay-entry.ts";
import {
  isOpaque,
  isWhiteout,
  makeOpaque,
  storedXattrName,
  type XattrPrefix,
} from "./overlay-layer.ts";

const overlayMagic = 0x794c7630;

export interface OverlayLayers {
  /** Topmost first. */
  readonly lowers: readonly Dentry[];
  /** undefined: read-only. */
  readonly upper: Dentry | undefined;
  /** "work" in the work directory. */
  readonly work: Dentry | undefined;
}

export class OverlayFileSystem extends FileSystem {
  readonly root: OverlayEntry;
  readonly #prefix: XattrPrefix;
  readonly #work: Dentry | undefined;
  /** What the changes have cost so far; undefined when it is read-only. */
  readonly copyUp: CopyUp | undefined;
  /** How many overlays are stacked, this one included; Linux allows two. */
  readonly depth: number;
  /** Files of the upper layer with several names, so that these stay one file. */
  #linked: Map<Inode, OverlayInode> | undefined;
  #number = 0;

  constructor(
    machine: Machine,
    mount: {
      readonly source: string;
      readonly options: string;
      readonly userNamespace: UserNamespace;
      readonly prefix: XattrPrefix;
      readonly depth: number;
    },
    layers: OverlayLayers,
  ) {
    super(machine, { type: "overlay", magic: overlayMagic, ...mount });
    this.#prefix = mount.prefix;
    this.depth = mount.depth;
    this.#work = layers.work;
    if (layers.work !== undefined) {
      this.copyUp = new CopyUp(machine, mount.prefix, layers.work);
    }
    this.readOnly = layers.upper === undefined;
    this.root = this.#entry("", undefined, layers.upper, layers.lowers);
  }

  /** Files have the numbers they have in their layer. */
  override nextInode(): number {
    return this.#number;
  }

  override lookup(directory: Dentry, name: string, viewer: Process): Dentry | undefined {
    const above = directory as OverlayEntry;
    const known = above.known(name);
    if (known !== undefined) return known;
    if (above.deleted) return undefined;
    const upper = above.upper && this.#find(above.upper, name, viewer);
    if (upper !== undefined) {
      if (isWhiteout(upper, this.#prefix)) return undefined;
      const covers = upper.inode.type !== "directory" || isOpaque(upper, this.#prefix);
      const lowers = covers ? [] : this.#lowers(above, name, viewer, true);
      return this.#learn(above, name, upper, lowers);
    }
    const lowers = this.#lowers(above, name, viewer, false);
    return lowers.length === 0 ? undefined : this.#learn(above, name, undefined, lowers);
  }

  /** The entries of that name in lower layers that show: one file, or directories down to what hides the rest. */
  #lowers(
    above: OverlayEntry,
    name: string,
    viewer: Process,
    directories: boolean,
  ): readonly Dentry[] {
    const found: Dentry[] = [];
    for (const layer of above.lowers) {
      const lower = this.#find(layer, name, viewer);
      if (lower === undefined) continue;
      if (isWhiteout(lower, this.#prefix)) break;
      if (lower.inode.type !== "directory") {
        if (found.length === 0 && !directories) found.push(lower);
        break;
      }
      found.push(lower);
      if (isOpaque(lower, this.#prefix)) break;
    }
    return found;
  }

  #find(directory: Dentry, name: string, viewer: Process): Dentry | undefined {
    return directory.inode.fileSystem.lookup(directory, name, viewer);
  }

  #learn(
    above: OverlayEntry,
    name: string,
    upper: Dentry | undefined,
    lowers: readonly Dentry[],
  ): OverlayEntry {
    const entry = this.#entry(name, above, upper, lowers);
    above.learn(entry);
    return entry;
  }

  #entry(
    name: string,
    above: OverlayEntry | undefined,
    upper: Dentry | undefined,
    lowers: readonly Dentry[],
  ): OverlayEntry {
    const real = upper ?? (lowers[0] as Dentry);
    const several = upper !== undefined && upper.inode.nlink > 1 && upper.inode.type === "file";
    let inode = several ? this.#linked?.get(upper.inode) : undefined;
    if (inode === undefined) {
      this.#number = real.inode.number;
      const merged = lowers.length + (upper === undefined ? 0 : 1) > 1;
      inode = new OverlayInode(this, real, merged, this.#prefix);
      if (several) this.#link(upper.inode, inode);
    }
    return new OverlayEntry(name, above, inode, upper, lowers);
  }

  #link(upper: Inode, inode: OverlayInode): void {
    this.#linked ??= new Map();
    this.#linked.set(upper, inode);
  }

  override list(directory: Dentry, viewer: Process): readonly string[] {
    const { upper, lowers } = directory as OverlayEntry;
    const seen = new Map<string, boolean>();
    for (const layer of upper === undefined ? lowers : [upper, ...lowers]) {
      const { fileSystem } = layer.inode;
      for (const name of fileSystem.list(layer, viewer)) {
        if (seen.has(name)) continue;
        const entry = fileSystem.lookup(layer, name, viewer);
        if (entry !== undefined) seen.set(name, !isWhiteout(entry, this.#prefix));
      }
    }
    return [...seen.keys()].filter((name) => seen.get(name)).sort();
  }

  /** The entry's place in the upper layer. */
  #up(entry: Dentry, viewer: Process, withData = true): Dentry {
    return this.copyUp?.run(entry as OverlayEntry, viewer, withData) ?? refuse("EROFS");
  }

  /** Whether a lower layer still shows something under this name: then removing it takes a whiteout. */
  #hides(above: OverlayEntry, name: string, viewer: Process): boolean {
    return above.lowers.length > 0 && this.#lowers(above, name, viewer, false).length > 0;
  }

  override create(directory: Dentry, name: string, file: NewFile, viewer: Process): Dentry {
    if (file.type === "char" && (file.major ?? 0) === 0 && (file.minor ?? 0) === 0) {
      refuse("EPERM");
    }
    const above = directory as OverlayEntry;
    const into = this.#up(above, viewer);
    const upper = this.#place(into, name, viewer, (directory, as) => {
      const made = directory.inode.fileSystem.create(directory, as, file, viewer);
      if (as !== name && file.type === "directory") makeOpaque(made, this.#prefix);
      return made;
    });
    above.refresh();
    return this.#learn(above, name, upper, []);
  }

  /** Makes a name in an upper directory; over a whiteout it is made in the work directory first and moved there. */
  #place(
    into: Dentry,
    name: string,
    viewer: Process,
    make: (directory: Dentry, name: string) => Dentry,
  ): Dentry {
    const whiteout = this.#find(into, name, viewer);
    if (whiteout === undefined) return make(into, name);
    const work = this.#work ?? refuse("EROFS");
    const made = make(work, `#${name}`);
    into.inode.fileSystem.rename(work, made, into, name, whiteout, viewer);
    return made;
  }

  override link(directory: Dentry, name: string, inode: Inode, viewer: Process): Dentry {
    const above = directory as OverlayEntry;
    const own = inode as OverlayInode;
    const upper = this.#up(own.entry ?? refuse("ENOENT"), viewer);
    const into = this.#up(above, viewer);
    const linked = this.#place(into, name, viewer, (directory, as) =>
      directory.inode.fileSystem.link(directory, as, upper.inode, viewer),
    );
    this.#link(upper.inode, own);
    const entry = new OverlayEntry(name, above, own, linked, []);
    above.learn(entry);
    own.nlink = upper.inode.nlink;
    above.refresh();
    return entry;
  }

  override unlink(directory: Dentry, entry: Dentry, viewer: Process): void {
    const above = directory as OverlayEntry;
    const gone = entry as OverlayEntry;
    if (gone.inode.type === "directory") this.#checkEmpty(gone, viewer);
    const hides = this.#hides(above, gone.name, viewer);
    const into = this.#up(above, viewer);
    if (gone.upper !== undefined && gone.inode.type === "directory") {
      this.#clear(gone.upper, viewer);
    }
    if (hides) this.#whiteout(into, gone.name, gone.upper, viewer);
    else if (gone.upper !== undefined) {
      into.inode.fileSystem.unlink(into, gone.upper, viewer);
    }
    this.#vanish(above, gone);
    above.refresh();
  }

  #checkEmpty(directory: OverlayEntry, viewer: Process): void {
    if (this.list(directory, viewer).length > 0) refuse("ENOTEMPTY");
  }

  /** Takes the whiteouts out of an upper directory that shows nothing. */
  #clear(upper: Dentry, viewer: Process): void {
    const { fileSystem } = upper.inode;
    for (const name of fileSystem.list(upper, viewer)) {
      const whiteout = fileSystem.lookup(upper, name, viewer);
      if (whiteout !== undefined) fileSystem.unlink(upper, whiteout, viewer);
    }
  }

  /** Made in the work directory and moved over what has the name, so that a full disk changes nothing. */
  #whiteout(into: Dentry, name: string, target: Dentry | undefined, viewer: Process): void {
    const work = this.#work ?? refuse("EROFS");
    const { fileSystem } = into.inode;
    const file: NewFile = { type: "char", mode: 0, uid: 0, gid: 0, major: 0, minor: 0 };
    const whiteout = fileSystem.create(work, `#${name}`, file, viewer);
    fileSystem.rename(work, whiteout, into, name, target, viewer);
  }

  #vanish(above: OverlayEntry, entry: OverlayEntry): void {
    above.forget(entry.name);
    entry.deleted = true;
    const { inode, upper } = entry;
    inode.nlink = inode.type === "directory" ? 0 : (upper?.inode.nlink ?? inode.nlink - 1);
    if (upper !== undefined && inode.nlink === 0) this.#linked?.delete(upper.inode);
  }

  override rename(
    from: Dentry,
    entry: Dentry,
    to: Dentry,
    name: string,
    target: Dentry | undefined,
    viewer: Process,
  ): void {
    const source = from as OverlayEntry;
    const goal = to as OverlayEntry;
    const moved = entry as OverlayEntry;
    const over = target as OverlayEntry | undefined;
    const isDirectory = moved.inode.type === "directory";
    if (isDirectory && moved.lowers.length > 0) refuse("EXDEV");
    if (over?.inode.type === "directory") this.#checkEmpty(over, viewer);
    const upper = this.#up(moved, viewer);
    const into = this.#up(goal, viewer);
    const outOf = this.#up(source, viewer);
    const hidesOld = this.#hides(source, moved.name, viewer);
    if (isDirectory && this.#hides(goal, name, viewer)) makeOpaque(upper, this.#prefix);
    if (over?.upper !== undefined && isDirectory) this.#clear(over.upper, viewer);
    const { fileSystem } = into.inode;
    const before = moved.name;
    fileSystem.rename(outOf, upper, into, name, this.#find(into, name, viewer), viewer);
    if (hidesOld) this.#whiteout(outOf, before, undefined, viewer);
    if (over !== undefined) this.#vanish(goal, over);
    source.forget(before);
    moved.name = name;
    moved.parent = goal;
    goal.learn(moved);
    source.refresh();
    goal.refresh();
  }

  override read(entry: Dentry, offset: number, length: number, viewer: Process): Uint8Array {
    const { real } = entry.inode as OverlayInode;
    return real.inode.fileSystem.read(real, offset, length, viewer);
  }

  override write(entry: Dentry, offset: number, data: Uint8Array, viewer: Process): number {
    const upper = this.#up(entry, viewer);
    const taken = upper.inode.fileSystem.write(upper, offset, data, viewer);
    entry.inode.mtimeNs = upper.inode.mtimeNs;
    return taken;
  }

  override truncate(entry: Dentry, size: number, viewer: Process): void {
    const upper = this.#up(entry, viewer, size > 0);
    upper.inode.fileSystem.truncate(upper, size, viewer);
    entry.inode.mtimeNs = upper.inode.mtimeNs;
  }

  override size(entry: Dentry): number {
    const { real } = entry.inode as OverlayInode;
    return real.inode.fileSystem.size(real);
  }

  override readlink(entry: Dentry, viewer: Process): string {
    const { real } = entry.inode as OverlayInode;
    return real.inode.fileSystem.readlink(real, viewer);
  }

  /** A file that is opened to be written to is copied up at once, written to or not. */
  override open(entry: Dentry, flags: number, opener: Process): OpenFile | undefined {
    const truncates = (flags & O_TRUNC) !== 0;
    const writes = (flags & O_ACCMODE) !== O_RDONLY || truncates;
    if (entry.inode.type === "file" && writes) this.#up(entry, opener, !truncates);
    return undefined;
  }

  override setAttributes(
    entry: Dentry,
    change: { readonly mode?: number; readonly uid?: number; readonly gid?: number },
  ): void {
    const upper = this.#up(entry, this.machine.init);
    upper.inode.fileSystem.setAttributes(upper, change);
    super.setAttributes(entry, change);
  }

  override setTime(entry: Dentry, mtimeNs: bigint): void {
    const upper = this.#up(entry, this.machine.init);
    upper.inode.fileSystem.setTime(upper, mtimeNs);
    super.setTime(entry, mtimeNs);
  }

  override setXattr(entry: Dentry, name: string, value: Uint8Array | undefined): void {
    const upper = this.#up(entry, this.machine.init);
    upper.inode.fileSystem.setXattr(upper, storedXattrName(name, this.#prefix), value);
    super.setXattr(entry, name, value);
  }

  override space(): { readonly totalBytes: number; readonly freeBytes: number } {
    return this.root.overlayInode.real.inode.fileSystem.space();
  }
}
