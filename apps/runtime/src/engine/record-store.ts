/**
 * Records of one kind, in memory and durable: every change is written first and seen second, in one
 * synchronous step, so no other call can come between. Names are reserved by the records that bear
 * them, so a reservation lives exactly as long as its record, across restarts too.
 */
import { RuntimeError } from "../kernel/errors.ts";
import type { Records } from "../kernel/world.ts";
import { fromHex, resolveId, toHex } from "./identifiers.ts";

/** What every record has. `version` is that of the record's shape. */
export interface StoredRecord {
  readonly version: 1;
  readonly id: string;
  /** Unique among live records of the kind. */
  readonly name: string;
}

const quarantineKind = "quarantine";

export class RecordStore<R extends StoredRecord> {
  readonly #records: Records;
  readonly #kind: string;
  readonly #noun: string;
  readonly #isWhole: (value: unknown) => value is R;
  readonly #byId = new Map<string, R>();
  readonly #idByName = new Map<string, string>();

  /** `noun` is for messages; `isWhole` says whether a stored value has the shape of R. */
  constructor(
    records: Records,
    kind: string,
    noun: string,
    isWhole: (value: unknown) => value is R,
  ) {
    this.#records = records;
    this.#kind = kind;
    this.#noun = noun;
    this.#isWhole = isWhole;
  }

  /**
   * Reads all records at start. Broken ones are set aside under the kind "quarantine", never fatal,
   * and their ids returned; of two with one name the first keeps it.
   */
  load(): readonly string[] {
    const quarantined: string[] = [];
    for (const [id, stored] of this.#records.list<unknown>(this.#kind)) {
      const value = unpack(stored);
      if (!this.#isWhole(value) || value.id !== id) {
        this.#records.transaction(() => {
          this.#records.put(quarantineKind, `${this.#kind}-${id}`, stored);
          this.#records.delete(this.#kind, id);
        });
        quarantined.push(id);
        continue;
      }
      this.#byId.set(id, value);
      if (!this.#idByName.has(value.name)) this.#idByName.set(value.name, id);
    }
    return quarantined;
  }

  get(id: string): R | undefined {
    return this.#byId.get(id);
  }

  /** The record of `given`, a whole id or the beginning of one; undefined when there is none. */
  find(given: string): R | undefined {
    const id = this.#byId.has(given) ? given : resolveId(this.#byId.keys(), given);
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /**
   * As `find`, for requests about something that may be gone already.
   * @throws RuntimeError INVALID_ARGUMENT when no id is given.
   */
  findNamed(given: string): R | undefined {
    if (given === "") throw new RuntimeError("INVALID_ARGUMENT", `${this.#noun} id is missing`);
    return this.find(given);
  }

  /**
   * The record of `given`, as `find`.
   * @throws RuntimeError INVALID_ARGUMENT when no id is given, NOT_FOUND when none is like it.
   */
  need(given: string): R {
    const record = this.findNamed(given);
    if (record === undefined)
      throw new RuntimeError("NOT_FOUND", `${this.#noun} ${given} not found`);
    return record;
  }

  all(): readonly R[] {
    return [...this.#byId.values()];
  }

  /**
   * Reserves the record's name and stores it.
   * @throws RuntimeError ALREADY_EXISTS when another record bears the name.
   */
  create(record: R): void {
    const holder = this.#idByName.get(record.name);
    if (holder !== undefined) {
      throw new RuntimeError(
        "ALREADY_EXISTS",
        `${this.#noun} name ${record.name} is reserved for ${holder}`,
      );
    }
    this.#write(record);
    this.#idByName.set(record.name, record.id);
  }

  /** Changes some fields of a record, durably; returns it as it is then. A record that has gone is an error of ours. */
  update(id: string, change: Partial<Omit<R, "id" | "name" | "version">>): R {
    const record = this.#byId.get(id);
    if (record === undefined) {
      throw new RuntimeError("INTERNAL", `${this.#noun} ${id} lost its record`);
    }
    const changed = { ...record, ...change };
    this.#write(changed);
    return changed;
  }

  /** Drops the record and frees its name. Unknown is no error. */
  delete(id: string): void {
    const record = this.#byId.get(id);
    if (record === undefined) return;
    this.#records.delete(this.#kind, id);
    this.#byId.delete(id);
    if (this.#idByName.get(record.name) === id) this.#idByName.delete(record.name);
  }

  #write(record: R): void {
    this.#records.put(this.#kind, record.id, pack(record));
    this.#byId.set(record.id, record);
  }
}

const bytesKey = "$hex";

/**
 * JSON cannot hold bytes (environment values are bytes in CRI): they are stored as {"$hex": "..."}.
 * Keys of the client's own that begin with $ get one $ more, so no label can pass for bytes.
 */
function pack(value: unknown): unknown {
  if (isPlain(value)) return value;
  if (value instanceof Uint8Array) return { [bytesKey]: toHex(value) };
  if (Array.isArray(value)) return value.map(pack);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.startsWith("$") ? `$${key}` : key,
      pack(member),
    ]),
  );
}

/** Whether a value is stored as it is, as most records are: no bytes and no key with a $ in it. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (value instanceof Uint8Array) return false;
  if (Array.isArray(value)) return value.every(isPlain);
  for (const key in value) {
    if (key.startsWith("$") || !isPlain((value as Record<string, unknown>)[key])) return false;
  }
  return true;
}

function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack);
  if (typeof value !== "object" || value === null) return value;
  const hex = (value as Record<string, unknown>)[bytesKey];
  if (typeof hex === "string") return fromHex(hex);
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.startsWith("$$") ? key.slice(1) : key,
      unpack(member),
    ]),
  );
}
