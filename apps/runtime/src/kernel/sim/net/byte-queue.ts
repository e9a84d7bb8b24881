/** Bytes that wait to be read, in the pieces in which they came. */

const nothing: Uint8Array = new Uint8Array(0);

export class ByteQueue {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Takes the array over: whoever gave it must not change it. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#size += bytes.length;
  }

  /** At most `length` bytes. */
  take(length: number): Uint8Array {
    const first = this.#chunks[0];
    if (first === undefined || length <= 0) return nothing;
    if (first.length >= Math.min(length, this.#size)) return this.#takeFirst(first, length);
    const taken = new Uint8Array(Math.min(length, this.#size));
    for (let at = 0; at < taken.length; ) {
      const part = this.#takeFirst(this.#chunks[0] as Uint8Array, taken.length - at);
      taken.set(part, at);
      at += part.length;
    }
    return taken;
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#size = 0;
  }

  #takeFirst(first: Uint8Array, length: number): Uint8Array {
    this.#size -= Math.min(length, first.length);
    if (length >= first.length) {
      this.#chunks.shift();
      return first;
    }
    this.#chunks[0] = first.subarray(length);
    return first.subarray(0, length);
  }
}
