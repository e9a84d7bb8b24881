/** Output of a program that somebody keeps: a CNI plugin's, and a command's of ExecSync. */

/** What was written, up to a bound; the rest is read and dropped. */
export class Captured {
  readonly #max: number;
  readonly #chunks: Uint8Array[] = [];
  #kept = 0;
  truncated = false;

  constructor(max: number) {
    this.#max = max;
  }

  take(data: Uint8Array): void {
    const part = data.slice(0, this.#max - this.#kept);
    if (part.length < data.length) this.truncated = true;
    if (part.length === 0) return;
    this.#chunks.push(part);
    this.#kept += part.length;
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.#kept);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}
