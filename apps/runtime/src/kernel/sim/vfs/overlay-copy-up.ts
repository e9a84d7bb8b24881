/**
 * Copy-up: the first change to a file of a lower layer makes a copy of it in the upper one, its directories
 * first. This is what a write costs in an overlay; the counters tell it.
 */
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import type { Dentry } from "./inode.ts";
import type { OverlayEntry } from "./overlay-entry.ts";
import { isOwnXattr, type XattrPrefix } from "./overlay-layer.ts";
import { StoredFileSystem } from "./stored-file-system.ts";

/** What copying costs in virtual time: a new file, and each byte. */
const fileNs = 15_000;
const byteNs = 0.4;

export class CopyUp {
  readonly #machine: Machine;
  readonly #prefix: XattrPrefix;
  readonly #work: Dentry;
  /** What was copied so far: files (directories and links too), and bytes of their content. */
  files = 0;
  bytes = 0;

  constructor(machine: Machine, prefix: XattrPrefix, work: Dentry) {
    this.#machine = machine;
    this.#prefix = prefix;
    this.#work = work;
  }

  /** The entry's place in the upper layer, made if need be; `withData` false leaves out what a truncation would throw away. */
  run(entry: OverlayEntry, viewer: Process, withData = true): Dentry {
    if (entry.upper !== undefined) return entry.upper;
    const lower = entry.lowers[0] as Dentry;
    // A file that was removed while open has no directory to go to.
    const into = entry.deleted ? this.#work : this.run(entry.parent as OverlayEntry, viewer);
    const before = into.inode.mtimeNs;
    const name = entry.deleted ? `#${this.files}` : entry.name;
    const upper = this.#copy(lower, into, name, viewer, withData);
    into.inode.fileSystem.setTime(into, before);
    entry.upper = upper;
    entry.overlayInode.real = upper;
    // Names of one file in a lower layer are files of their own from here on.
    if (entry.inode.type !== "directory") entry.lowers = [];
    entry.inode.nlink = entry.deleted ? 0 : 1;
    if (entry.deleted) into.inode.fileSystem.unlink(into, upper, viewer);
    return upper;
  }

  #copy(lower: Dentry, into: Dentry, name: string, viewer: Process, withData: boolean): Dentry {
    const { inode } = lower;
    const { fileSystem } = into.inode;
    const upper = fileSystem.create(
      into,
      name,
      {
        type: inode.type,
        mode: inode.mode,
        uid: inode.uid,
        gid: inode.gid,
        major: inode.major,
        minor: inode.minor,
        ...(inode.type === "symlink" ? { target: inode.fileSystem.readlink(lower, viewer) } : {}),
      },
      viewer,
    );
    let bytes = 0;
    if (inode.type === "file" && withData) {
      try {
        bytes = copyData(lower, upper, viewer);
      } catch (thrown) {
        fileSystem.unlink(into, upper, viewer);
        throw thrown;
      }
    }
    for (const [key, value] of inode.xattrs ?? []) {
      if (!isOwnXattr(key, this.#prefix)) fileSystem.setXattr(upper, key, value);
    }
    fileSystem.setTime(upper, inode.mtimeNs);
    this.#count(name, bytes, viewer);
    return upper;
  }

  #count(name: string, bytes: number, viewer: Process): void {
    this.files++;
    this.bytes += bytes;
    this.#machine.scheduler.charge(fileNs + bytes * byteNs);
    this.#machine.observe?.({
      atNs: this.#machine.scheduler.nowNs,
      pid: viewer.pid,
      name: "copy-up",
      detail: `${name}: ${bytes} bytes`,
      errno: 0,
    });
  }
}

/** Gives `upper` the bytes of `lower`: shared in memory where both are stored files. Returns how many. */
function copyData(lower: Dentry, upper: Dentry, viewer: Process): number {
  const from = lower.inode.fileSystem;
  const to = upper.inode.fileSystem;
  const size = from.size(lower);
  if (size === 0) return 0;
  if (from instanceof StoredFileSystem && to instanceof StoredFileSystem) {
    to.share(upper, from.lend(lower));
    return size;
  }
  const data = from.read(lower, 0, size, viewer);
  for (let done = 0; done < data.length; ) {
    done += to.write(upper, done, data.subarray(done), viewer);
  }
  return data.length;
}
