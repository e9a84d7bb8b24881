/**
 * Room on the disk of the records that is kept for a disk that is full: stopping and removing pods is how
 * room is made, and it has to write records. A file holds the room until little is left; whatever is new
 * has to find room of its own.
 */

import { randomBytes } from "node:crypto";
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { RuntimeError } from "../errors.ts";

/** SQLite's journal grows to 1000 pages of 4 KiB before it is used again from its beginning. */
const reserveBytes = 6 << 20;
/** With less than this the disk counts as full. */
const lowBytes = 1 << 20;
const chunkBytes = 256 << 10;

export class DiskReserve {
  readonly #path: string;
  #held: boolean;

  /** `path` is the file; its directory has to be there. */
  constructor(path: string) {
    this.#path = path;
    this.#held = statSync(path, { throwIfNoEntry: false })?.size === reserveBytes;
  }

  /**
   * Call it before a write. On a full disk one that `isNew` says to be of something new is refused, any other
   * gets the reserve.
   * @throws RuntimeError RESOURCE_EXHAUSTED
   */
  prepare(isNew: () => boolean): void {
    const free = freeBytes(dirname(this.#path));
    if (free >= lowBytes) {
      if (!this.#held && free >= 2 * reserveBytes) this.#take();
      return;
    }
    if (isNew()) {
      const words = `no space left on the disk of ${dirname(this.#path)}: ${free} bytes are free`;
      throw new RuntimeError("RESOURCE_EXHAUSTED", words);
    }
    if (!this.#held) return;
    rmSync(this.#path, { force: true });
    this.#held = false;
  }

  /** Written, not only sized: a hole holds nothing. Bytes of chance, for file systems that compress. */
  #take(): void {
    const chunk = randomBytes(chunkBytes);
    const file = openSync(this.#path, "w", 0o600);
    try {
      for (let written = 0; written < reserveBytes; written += chunkBytes) writeSync(file, chunk);
      this.#held = true;
    } catch {
      // Somebody else was quicker; there will be another occasion.
      rmSync(this.#path, { force: true });
    } finally {
      closeSync(file);
    }
  }
}

/** Of blocks that root may use. */
function freeBytes(directory: string): number {
  const { bfree, bsize } = statfsSync(directory);
  return bfree * bsize;
}
