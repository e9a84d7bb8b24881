/**
 * What a stored file holds: names of a directory, bytes of a file, the text of a link. Bytes may be shared
 * with other inodes and with the image they came from; the first write makes them the inode's own.
 */
import { type Dentry, Inode } from "./inode.ts";

export const noBytes: Uint8Array = new Uint8Array(0);
/** Block and page, bytes: what space is counted in. */
export const blockBytes = 4096;
const noEntries: ReadonlyMap<string, Dentry> = new Map();

export class StoredInode extends Inode {
  /** Names, of a directory; unset while it is empty. */
  #entries: Map<string, Dentry> | undefined;
  /** Bytes of a file; may be shorter than `length` (the rest are zeros) or longer (room to grow). */
  #content: Uint8Array = noBytes;
  /** Somebody else may hold `#content`: it must not be written to. */
  #shared = true;
  length = 0;
  /** Blocks it takes up. */
  blocks = 0;
  /** Text of a symlink. */
  target = "";

  get entries(): ReadonlyMap<string, Dentry> {
    return this.#entries ?? noEntries;
  }

  addEntry(entry: Dentry): void {
    this.#entries ??= new Map();
    this.#entries.set(entry.name, entry);
  }

  removeEntry(name: string): void {
    this.#entries?.delete(name);
    if (this.#entries?.size === 0) this.#entries = undefined;
  }

  /** Takes `content` without copying it. Whoever gave it must not change it any more. */
  share(content: Uint8Array): void {
    this.#content = content;
    this.#shared = true;
    this.length = content.length;
  }

  /** All bytes, for sharing with another inode: both make a copy at their next write. */
  lend(): Uint8Array {
    this.#shared = true;
    if (this.#content.length > this.length) this.#content = this.#content.subarray(0, this.length);
    if (this.#content.length === this.length) return this.#content;
    const whole = new Uint8Array(this.length);
    whole.set(this.#content);
    return whole;
  }

  read(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.length);
    if (offset >= end) return noBytes;
    if (end <= this.#content.length) {
      return this.#shared ? this.#content.subarray(offset, end) : this.#content.slice(offset, end);
    }
    const bytes = new Uint8Array(end - offset);
    if (offset < this.#content.length) bytes.set(this.#content.subarray(offset));
    return bytes;
  }

  write(offset: number, data: Uint8Array): void {
    const end = offset + data.length;
    if (offset === 0 && end >= this.length && this.#content.length < end) {
      // The common whole-file write: exactly as much as it needs.
      this.#content = data.slice();
      this.#shared = false;
      this.length = end;
      return;
    }
    this.#own(end);
    this.#content.set(data, offset);
    if (end > this.length) this.length = end;
  }

  truncate(size: number): void {
    if (size < this.#content.length) {
      // What was cut off must read as zeros when the file grows again.
      this.#content = this.#content.subarray(0, size);
      this.#shared = true;
    }
    this.length = size;
  }

  /** Bytes of its own, with room for `end` of them. */
  #own(end: number): void {
    const held = this.#content.length;
    if (!this.#shared && held >= end) return;
    const room = end <= held ? held : Math.max(end, Math.min(held * 2, held + (1 << 20)));
    const content = new Uint8Array(room);
    content.set(this.#content);
    this.#content = content;
    this.#shared = false;
  }
}
