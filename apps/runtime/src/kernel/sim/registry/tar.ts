/**
 * Layers as the archives they are: ustar (POSIX.1-1988), the same bytes for the same entries. Contents that are
 * read back are views of the archive, so that a file, its layer and every container of it share one array.
 */

export type TarType = "file" | "hardlink" | "symlink" | "char" | "block" | "directory" | "fifo";

export interface TarEntry {
  /** Without a leading slash. */
  readonly name: string;
  readonly type: TarType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Unix seconds. */
  readonly mtime: number;
  readonly link: string;
  readonly content: Uint8Array;
  readonly major: number;
  readonly minor: number;
}

const blockBytes = 512;
const nameBytes = 100;
const typeflags = "0123456";
const types: readonly TarType[] = [
  "file",
  "hardlink",
  "symlink",
  "char",
  "block",
  "directory",
  "fifo",
];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function blocksOf(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, "0")}\0`;
}

/** Names longer than the field are split at a slash into the ustar prefix. */
function splitName(name: string): readonly [prefix: string, name: string] {
  if (encoder.encode(name).length <= nameBytes) return ["", name];
  const slash = name.lastIndexOf("/", 155);
  return [name.slice(0, slash), name.slice(slash + 1)];
}

function writeHeader(archive: Uint8Array, at: number, entry: TarEntry): void {
  const put = (text: string, offset: number) => archive.set(encoder.encode(text), at + offset);
  const [prefix, name] = splitName(entry.name);
  put(name, 0);
  put(octal(entry.mode, 8), 100);
  put(octal(entry.uid, 8), 108);
  put(octal(entry.gid, 8), 116);
  put(octal(entry.content.length, 12), 124);
  put(octal(entry.mtime, 12), 136);
  put(" ".repeat(8), 148);
  put(typeflags[types.indexOf(entry.type)] ?? "0", 156);
  put(entry.link, 157);
  put("ustar\u000000", 257);
  put(octal(entry.major, 8), 329);
  put(octal(entry.minor, 8), 337);
  put(prefix, 345);
  let sum = 0;
  for (let index = 0; index < blockBytes; index++) sum += archive[at + index] ?? 0;
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
}

/** The archive of `entries`, in their order, with its end mark. */
export function writeTar(entries: readonly TarEntry[]): Uint8Array {
  let length = 2 * blockBytes;
  for (const { content } of entries) length += blockBytes + blocksOf(content.length);
  const archive = new Uint8Array(length);
  let at = 0;
  for (const entry of entries) {
    writeHeader(archive, at, entry);
    archive.set(entry.content, at + blockBytes);
    at += blockBytes + blocksOf(entry.content.length);
  }
  return archive;
}

/** A malformed archive. */
export class TarError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

function text(archive: Uint8Array, from: number, length: number): string {
  let end = from;
  while (end < from + length && archive[end] !== 0) end++;
  return decoder.decode(archive.subarray(from, end));
}

function number(archive: Uint8Array, from: number, length: number): number {
  const digits = text(archive, from, length).trim();
  if (digits === "") return 0;
  if (!/^[0-7]+$/.test(digits)) throw new TarError("a number in a header is none");
  return Number.parseInt(digits, 8);
}

function checkSum(archive: Uint8Array, at: number): void {
  let sum = 0;
  for (let index = 0; index < blockBytes; index++) {
    sum += index >= 148 && index < 156 ? 32 : (archive[at + index] ?? 0);
  }
  if (sum !== number(archive, at + 148, 8)) throw new TarError("the checksum of a header is wrong");
}

/** The entries of an archive, one after another. Throws TarError. */
export function* readTar(archive: Uint8Array): Generator<TarEntry, void, void> {
  let at = 0;
  for (;;) {
    if (at + blockBytes > archive.length) throw new TarError("the archive is cut off");
    if (archive[at] === 0) return;
    checkSum(archive, at);
    const size = number(archive, at + 124, 12);
    const start = at + blockBytes;
    if (start + size > archive.length) throw new TarError("the archive is cut off");
    const type = types[typeflags.indexOf(String.fromCharCode(archive[at + 156] ?? 0))];
    if (type === undefined) throw new TarError("an entry is of an unknown type");
    const prefix = text(archive, at + 345, 155);
    const name = text(archive, at, nameBytes);
    yield {
      name: prefix === "" ? name : `${prefix}/${name}`,
      type,
      mode: number(archive, at + 100, 8),
      uid: number(archive, at + 108, 8),
      gid: number(archive, at + 116, 8),
      mtime: number(archive, at + 136, 12),
      link: text(archive, at + 157, nameBytes),
      content: archive.subarray(start, start + size),
      major: number(archive, at + 329, 8),
      minor: number(archive, at + 337, 8),
    };
    at = start + blocksOf(size);
  }
}
