/**
 * A tar archive as a stream of entries and of their data, pushed in chunks of any size and never held
 * whole. It reads what layers and docker-archives are made of: ustar, pax and GNU long names. It refuses
 * sparse files, negative and overlong sizes, NUL bytes in names, headers above their bounds.
 *
 * Why not a library's parser: docs/decisions/0008-own-tar-reader.md.
 */
import { readPaxRecords } from "./pax-records.ts";
import {
  isZeroBlock,
  malformed,
  readTarHeader,
  type TarHeader,
  tarBlockBytes,
} from "./tar-header.ts";

export type TarEntryType =
  | "file"
  | "hardlink"
  | "symlink"
  | "char"
  | "block"
  | "directory"
  | "fifo";

export interface TarEntry {
  readonly type: TarEntryType;
  /** Binary strings, exactly as written. */
  readonly name: string;
  readonly link: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow; 0 for all but files. */
  readonly size: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly major: number;
  readonly minor: number;
  /** Extended attributes: name, binary string. */
  readonly xattrs: ReadonlyMap<string, string>;
}

export type TarEvent =
  | { readonly kind: "entry"; readonly entry: TarEntry }
  /** A part of the last entry's data; valid until the next chunk is pushed. */
  | { readonly kind: "data"; readonly bytes: Buffer };

export interface TarLimits {
  readonly entriesMax: number;
  /** Bytes of one extended header or long name. */
  readonly headerBytesMax: number;
}

export const defaultTarLimits: TarLimits = { entriesMax: 1_000_000, headerBytesMax: 1 << 20 };

const typeOfFlag: Readonly<Record<string, TarEntryType>> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "fifo",
};

/** Linux's largest uid and gid; the value above is "leave it" to chown(2). */
const idMax = 0xfffffffe;
const xattrPrefix = "SCHILY.xattr.";

/** The extensions that apply to the next entry only. */
interface Pending {
  pax: ReadonlyMap<string, string>;
  longName: string | undefined;
  longLink: string | undefined;
}

type State =
  | { readonly name: "header" }
  | { readonly name: "extension"; readonly typeflag: string; readonly size: number }
  | { readonly name: "data" }
  | { readonly name: "end" };

const noPending: Pending = { pax: new Map(), longName: undefined, longLink: undefined };

function withoutNul(text: string, what: string): string {
  if (text.includes("\0")) throw malformed(`${what} contains a NUL byte`);
  return text;
}

function decimal(text: string, what: string): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value)) {
    throw malformed(`${what} ${JSON.stringify(text.slice(0, 40))} is no number`);
  }
  return value;
}

function idOf(value: number, what: string): number {
  if (value < 0 || value > idMax) throw malformed(`${what} ${value} is out of range`);
  return value;
}

/** pax times are decimal fractions of a second, perhaps negative. */
function timeOf(
  pax: string | undefined,
  header: number,
): Pick<TarEntry, "mtimeSeconds" | "mtimeNanoseconds"> {
  const match = pax === undefined ? null : /^(-?)([0-9]{1,15})(?:\.([0-9]+))?$/.exec(pax);
  if (match === null) return { mtimeSeconds: header, mtimeNanoseconds: 0 };
  const seconds = Number(match[2]) * (match[1] === "-" ? -1 : 1);
  const nanoseconds = Number((match[3] ?? "").padEnd(9, "0").slice(0, 9));
  if (match[1] !== "-" || nanoseconds === 0) {
    return { mtimeSeconds: seconds, mtimeNanoseconds: nanoseconds };
  }
  return { mtimeSeconds: seconds - 1, mtimeNanoseconds: 1_000_000_000 - nanoseconds };
}

function xattrsOf(pax: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const xattrs = new Map<string, string>();
  for (const [key, value] of pax) {
    if (key.startsWith(xattrPrefix)) xattrs.set(key.slice(xattrPrefix.length), value);
  }
  return xattrs;
}

function toEntry(header: TarHeader, pending: Pending): TarEntry {
  const { pax } = pending;
  const name = withoutNul(pax.get("path") ?? pending.longName ?? header.name, "a name");
  const link = withoutNul(pax.get("linkpath") ?? pending.longLink ?? header.link, "a link");
  const known = typeOfFlag[header.typeflag];
  if (header.typeflag === "S" || [...pax.keys()].some((key) => key.startsWith("GNU.sparse."))) {
    throw malformed("it has sparse files, which layers do not use");
  }
  if (known === undefined) {
    throw malformed(`entry type ${JSON.stringify(header.typeflag)} is unknown`);
  }
  // V7 archives mark directories by a slash at the end.
  const type = header.typeflag === "\0" && name.endsWith("/") ? "directory" : known;
  const size = decimal(pax.get("size") ?? String(header.size), "size");
  const uid = pax.get("uid");
  const gid = pax.get("gid");
  return {
    type,
    name,
    link,
    mode: header.mode & 0o7777,
    uid: idOf(uid === undefined ? header.uid : decimal(uid, "uid"), "uid"),
    gid: idOf(gid === undefined ? header.gid : decimal(gid, "gid"), "gid"),
    size: type === "file" ? size : 0,
    ...timeOf(pax.get("mtime"), header.mtime),
    major: header.major,
    minor: header.minor,
    xattrs: xattrsOf(pax),
  };
}

/** GNU long names end with a NUL. */
function longText(payload: Buffer): string {
  const end = payload.indexOf(0);
  return payload.toString("latin1", 0, end < 0 ? payload.length : end);
}

function paddingOf(size: number): number {
  return (tarBlockBytes - (size % tarBlockBytes)) % tarBlockBytes;
}

export class TarReader {
  readonly #limits: TarLimits;
  /** Bytes of a header or extension that is not whole yet. */
  #kept: Buffer = Buffer.alloc(0);
  #state: State = { name: "header" };
  #pending: Pending = noPending;
  /** Data of the current entry still to come, and the padding after it. */
  #left = 0;
  #padding = 0;
  #zeroBlocks = 0;
  #entries = 0;

  constructor(limits: TarLimits = defaultTarLimits) {
    this.#limits = limits;
  }

  get entries(): number {
    return this.#entries;
  }

  /**
   * Events of the next chunk. Iterate to the end before pushing another.
   * @throws RuntimeError FAILED_PRECONDITION when the archive is malformed or beyond the limits
   */
  *push(chunk: Buffer): Generator<TarEvent> {
    let offset = 0;
    while (offset < chunk.length && this.#state.name !== "end") {
      if (this.#left > 0) {
        const bytes = chunk.subarray(offset, offset + this.#left);
        this.#left -= bytes.length;
        offset += bytes.length;
        yield { kind: "data", bytes };
      } else if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, chunk.length - offset);
        this.#padding -= skipped;
        offset += skipped;
      } else {
        const wanted = this.#state.name === "extension" ? this.#state.size : tarBlockBytes;
        const part = chunk.subarray(offset, offset + wanted - this.#kept.length);
        offset += part.length;
        const whole = this.#kept.length === 0 ? part : Buffer.concat([this.#kept, part]);
        if (whole.length < wanted) {
          this.#kept = Buffer.from(whole);
          continue;
        }
        this.#kept = Buffer.alloc(0);
        const entry = this.#take(whole);
        if (entry !== undefined) yield { kind: "entry", entry };
      }
    }
  }

  /** Call it when there is no more: an archive that ends in the middle of something is an error. */
  finish(): void {
    if (this.#state.name === "end") return;
    const middle = this.#left > 0 || this.#kept.length > 0 || this.#state.name === "extension";
    if (middle || this.#pending !== noPending) throw malformed("it ends in the middle of an entry");
  }

  #take(block: Buffer): TarEntry | undefined {
    if (this.#state.name === "extension") {
      this.#extend(this.#state.typeflag, block);
      this.#padding = paddingOf(this.#state.size);
      this.#state = { name: "header" };
      return undefined;
    }
    if (isZeroBlock(block)) {
      this.#zeroBlocks++;
      if (this.#zeroBlocks === 2) this.#state = { name: "end" };
      return undefined;
    }
    if (this.#zeroBlocks > 0) throw malformed("something follows its end mark");
    return this.#header(readTarHeader(block));
  }

  #header(header: TarHeader): TarEntry | undefined {
    if (header.size < 0) throw malformed("a size is negative");
    if ("xXgLK".includes(header.typeflag)) {
      if (header.size > this.#limits.headerBytesMax)
        throw malformed("an extended header is too large");
      if (header.size > 0) {
        this.#state = { name: "extension", typeflag: header.typeflag, size: header.size };
      }
      return undefined;
    }
    if (++this.#entries > this.#limits.entriesMax) {
      throw malformed(`it has more than ${this.#limits.entriesMax} entries`);
    }
    const entry = toEntry(header, this.#pending);
    this.#pending = noPending;
    this.#left = entry.size;
    this.#padding = paddingOf(entry.size);
    return entry;
  }

  /** Global headers ("g") say nothing that a layer may rely on; Go's reader ignores them too. */
  #extend(typeflag: string, payload: Buffer): void {
    if (typeflag === "g") return;
    const next = { ...this.#pending };
    if (typeflag === "L") next.longName = longText(payload);
    else if (typeflag === "K") next.longLink = longText(payload);
    else next.pax = readPaxRecords(payload);
    this.#pending = next;
  }
}
