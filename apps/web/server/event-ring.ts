/**
 * The latest events of the trace stream, as the lines the daemon wrote. Bounded by count and bytes;
 * the oldest go first. Readers ask for what follows a sequence number and learn what they missed.
 */
export interface RingEntry {
  readonly seq: number;
  readonly line: string;
}

export interface RingSlice {
  readonly entries: readonly RingEntry[];
  /** Numbers that are no longer there, both included. */
  readonly gap: { readonly from: number; readonly to: number } | undefined;
}

export class EventRing {
  readonly #countMax: number;
  readonly #charsMax: number;
  #entries: RingEntry[] = [];
  /** Index of the oldest entry in #entries; what lies before it is dropped in batches. */
  #head = 0;
  #chars = 0;

  constructor(countMax: number, charsMax: number) {
    this.#countMax = countMax;
    this.#charsMax = charsMax;
  }

  get lastSeq(): number {
    return this.#entries.at(-1)?.seq ?? 0;
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#chars = 0;
  }

  /** Appends; numbers that do not grow are dropped (a reconnect may repeat some). */
  push(entry: RingEntry): boolean {
    if (this.size > 0 && entry.seq <= this.lastSeq) return false;
    this.#entries.push(entry);
    this.#chars += entry.line.length;
    while (this.size > this.#countMax || (this.#chars > this.#charsMax && this.size > 1)) {
      this.#chars -= this.#entries[this.#head]?.line.length ?? 0;
      this.#head++;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return true;
  }

  /** What follows `after`: at most `countMax` entries and about `charsMax` characters, at least one entry. */
  after(after: number, countMax: number, charsMax: number): RingSlice {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.seq ?? 0) <= after) low = middle + 1;
      else high = middle;
    }
    const entries: RingEntry[] = [];
    let chars = 0;
    let expected = after + 1;
    let gap: RingSlice["gap"];
    for (let index = low; index < this.#entries.length && entries.length < countMax; index++) {
      const entry = this.#entries[index];
      if (!entry) break;
      if (entry.seq !== expected) {
        // One gap an answer, at its front: the reader sees it where it belongs in the order.
        if (entries.length > 0) break;
        gap = { from: expected, to: entry.seq - 1 };
      }
      chars += entry.line.length;
      if (entries.length > 0 && chars > charsMax) break;
      entries.push(entry);
      expected = entry.seq + 1;
    }
    return { entries, gap };
  }
}
