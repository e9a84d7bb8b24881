/**
 * Records of a simulated daemon: JSON text by kind and id, on a disk that outlives it. A transaction that the
 * daemon dies in has never been: what it wrote is taken back.
 */
import type { Records } from "../../world.ts";
import { DaemonCrash, type DaemonLife } from "./daemon-life.ts";

/** What is on the disk. */
export class RecordDisk {
  readonly #kinds = new Map<string, Map<string, string>>();

  kind(kind: string): Map<string, string> {
    let found = this.#kinds.get(kind);
    if (found === undefined) {
      found = new Map();
      this.#kinds.set(kind, found);
    }
    return found;
  }

  /** Every record as [kind, id, JSON], sorted. */
  all(): readonly (readonly [kind: string, id: string, json: string])[] {
    const rows = [...this.#kinds].flatMap(([kind, records]) =>
      [...records].map(([id, json]) => [kind, id, json] as const),
    );
    return rows.sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]));
  }
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Told of every write, before it is on the disk and after; the former may refuse it by throwing. */
export interface WriteWatch {
  before(kind: string, id: string): void;
  after(kind: string, id: string): void;
}

interface Undo {
  readonly kind: string;
  readonly id: string;
  readonly json: string | undefined;
}

export class SimRecords implements Records {
  readonly #disk: RecordDisk;
  readonly #life: DaemonLife;
  readonly #watch: WriteWatch;
  /** What is to be taken back when the transaction under way fails. */
  #undo: Undo[] | undefined;

  constructor(disk: RecordDisk, life: DaemonLife, watch: WriteWatch) {
    this.#disk = disk;
    this.#life = life;
    this.#watch = watch;
  }

  get<T>(kind: string, id: string): T | undefined {
    this.#life.check();
    const json = this.#disk.kind(kind).get(id);
    return json === undefined ? undefined : (JSON.parse(json) as T);
  }

  put<T>(kind: string, id: string, value: T): void {
    this.#write(kind, id, JSON.stringify(value));
  }

  delete(kind: string, id: string): void {
    this.#write(kind, id, undefined);
  }

  list<T>(kind: string): readonly (readonly [id: string, value: T])[] {
    this.#life.check();
    const rows = [...this.#disk.kind(kind)].sort((a, b) => compare(a[0], b[0]));
    return rows.map(([id, json]) => [id, JSON.parse(json) as T] as const);
  }

  transaction<T>(work: () => T): T {
    this.#life.check();
    if (this.#undo !== undefined) return work();
    this.#undo = [];
    try {
      const result = work();
      this.#undo = undefined;
      return result;
    } catch (error) {
      this.#takeBack();
      throw error;
    }
  }

  #takeBack(): void {
    for (const { kind, id, json } of (this.#undo ?? []).reverse()) {
      if (json === undefined) this.#disk.kind(kind).delete(id);
      else this.#disk.kind(kind).set(id, json);
    }
    this.#undo = undefined;
  }

  #write(kind: string, id: string, json: string | undefined): void {
    this.#life.check();
    this.#watch.before(kind, id);
    const records = this.#disk.kind(kind);
    this.#undo?.push({ kind, id, json: records.get(id) });
    if (json === undefined) records.delete(id);
    else records.set(id, json);
    this.#watch.after(kind, id);
    // It may have been the last thing that the daemon did.
    if (this.#life.dead) throw new DaemonCrash();
  }
}
