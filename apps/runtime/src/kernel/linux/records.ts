/**
 * Durable records in SQLite. WAL with synchronous=NORMAL: a killed daemon loses nothing, a power cut at most
 * the last moments, and never the file. A file that is no database any more is set aside and a fresh one
 * begun; a row whose checksum is wrong is set aside alone. Neither stops the daemon. A full disk is no damage:
 * what is there is kept, changed and dropped with the room of a reserve, and what is new is refused.
 */
import { createHash } from "node:crypto";
import { existsSync, renameSync, statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { messageOf, RuntimeError } from "../errors.ts";
import type { Records } from "../world.ts";
import { DiskReserve } from "./disk-reserve.ts";

export interface DurableRecords extends Records {
  /** What was set aside, in sentences, for the log and for Status. */
  readonly quarantined: readonly string[];
  close(): void;
}

const schema = `
CREATE TABLE IF NOT EXISTS record (
  kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, checksum TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (
  kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT, checksum TEXT, why TEXT NOT NULL
);`;

function checksumOf(kind: string, id: string, value: string): string {
  return createHash("sha256").update(`${kind}\0${id}\0${value}`).digest("hex").slice(0, 16);
}

/** Result codes of SQLite (sqlite.org/rescode.html) that speak of the machine and not of the file's content. */
const passingResults: ReadonlySet<number> = new Set([
  3, // SQLITE_PERM
  5, // SQLITE_BUSY
  7, // SQLITE_NOMEM
  8, // SQLITE_READONLY
  10, // SQLITE_IOERR
  13, // SQLITE_FULL
  14, // SQLITE_CANTOPEN
]);
const sqliteFull = 13;

/** The primary result code of an error of node:sqlite; undefined for any other error. */
function resultOf(error: unknown): number | undefined {
  if (!(error instanceof Error && "errcode" in error)) return undefined;
  return Number(error.errcode) & 0xff;
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=2000;");
    const check = database.prepare("PRAGMA quick_check(1)").get() as { quick_check?: string };
    if (check.quick_check !== "ok")
      throw new Error(check.quick_check ?? "quick_check said nothing");
    database.exec(schema);
    // A table of that name with other columns is not ours to read.
    database.prepare("SELECT kind, id, value, checksum FROM record LIMIT 1").get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Moves a broken database and its journal out of the way; returns where the file went. */
function setAside(path: string): string {
  let count = 1;
  while (existsSync(`${path}.corrupt-${count}`)) count += 1;
  const target = `${path}.corrupt-${count}`;
  renameSync(path, target);
  for (const suffix of ["-wal", "-shm"]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
  }
  return target;
}

interface Row {
  readonly kind: string;
  readonly id: string;
  readonly value: string;
  readonly checksum: string;
}

/** Runs a statement that writes; a full disk becomes what callers know. */
function writing(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (resultOf(error) !== sqliteFull) throw error;
    const message = "no space left on the disk while writing a record";
    throw new RuntimeError("RESOURCE_EXHAUSTED", message, { cause: error });
  }
}

class SqliteRecords implements DurableRecords {
  readonly quarantined: string[] = [];
  readonly #reserve: DiskReserve;
  readonly #database: DatabaseSync;
  readonly #select: StatementSync;
  readonly #selectKind: StatementSync;
  readonly #upsert: StatementSync;
  readonly #delete: StatementSync;

  constructor(path: string) {
    this.#reserve = new DiskReserve(`${path}.reserve`);
    // The journal's files are made when the database is opened.
    this.#reserve.prepare(() => false);
    this.#database = this.#openOrReplace(path);
    this.#select = this.#database.prepare("SELECT * FROM record WHERE kind = ? AND id = ?");
    this.#selectKind = this.#database.prepare("SELECT * FROM record WHERE kind = ? ORDER BY id");
    this.#upsert = this.#database.prepare("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)");
    this.#delete = this.#database.prepare("DELETE FROM record WHERE kind = ? AND id = ?");
  }

  get<T>(kind: string, id: string): T | undefined {
    const row = this.#select.get(kind, id) as Row | undefined;
    return row === undefined ? undefined : this.#decode<T>(row);
  }

  put<T>(kind: string, id: string, value: T): void {
    const text = JSON.stringify(value);
    this.#reserve.prepare(() => this.#select.get(kind, id) === undefined);
    writing(() => this.#upsert.run(kind, id, text, checksumOf(kind, id, text)));
  }

  delete(kind: string, id: string): void {
    this.#reserve.prepare(() => false);
    writing(() => this.#delete.run(kind, id));
  }

  list<T>(kind: string): readonly (readonly [id: string, value: T])[] {
    const found: (readonly [string, T])[] = [];
    for (const row of this.#selectKind.all(kind) as unknown as Row[]) {
      const value = this.#decode<T>(row);
      if (value !== undefined) found.push([row.id, value]);
    }
    return found;
  }

  transaction<T>(work: () => T): T {
    if (this.#database.isTransaction) return work();
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      writing(() => this.#database.exec("COMMIT"));
      return result;
    } catch (error) {
      // Some failures have rolled it back already, a full disk among them.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  #openOrReplace(path: string): DatabaseSync {
    try {
      return openDatabase(path);
    } catch (error) {
      const isOther = statSync(path, { throwIfNoEntry: false })?.isFile() === false;
      if (!isOther && passingResults.has(resultOf(error) ?? 0)) throw error;
      const target = setAside(path);
      this.quarantined.push(
        `${path} was no usable database (${messageOf(error)}); kept as ${target}`,
      );
      return openDatabase(path);
    }
  }

  #decode<T>(row: Row): T | undefined {
    try {
      if (checksumOf(row.kind, row.id, row.value) !== row.checksum)
        throw new Error("wrong checksum");
      return JSON.parse(row.value) as T;
    } catch (error) {
      const why = messageOf(error);
      this.transaction(() => {
        this.#database
          .prepare("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?)")
          .run(row.kind, row.id, row.value, row.checksum, why);
        this.#delete.run(row.kind, row.id);
      });
      this.quarantined.push(`record ${row.kind} ${row.id} was damaged (${why}) and set aside`);
      return undefined;
    }
  }
}

/**
 * Opens (or makes) the database at `path`, mode as its directory demands. Throws only when no file can be made,
 * or the one that is there cannot be read or written now.
 */
export function openRecords(path: string): DurableRecords {
  return new SqliteRecords(path);
}
