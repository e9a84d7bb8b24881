/**
 * A tar archive made in memory, byte for byte the same for the same entries: ustar, with pax headers
 * where ustar does not suffice. For the images that come with the program.
 */
import { tarBlockBytes } from "./tar-header.ts";

export interface TarFile {
  /** Binary string, as TarEntry.name. */
  readonly name: string;
  readonly type?: "file" | "hardlink" | "symlink" | "char" | "block" | "directory" | "fifo";
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Unix seconds; 0 unless given, so that archives do not differ by when they were made. */
  readonly mtime?: number;
  readonly link?: string;
  readonly data?: Uint8Array;
  readonly major?: number;
  readonly minor?: number;
  /** Further pax records, for example SCHILY.xattr.*. */
  readonly pax?: Readonly<Record<string, string>>;
}

const typeflags = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  directory: "5",
  fifo: "6",
} as const;

const largestOctal = 0o77777777777;
const largestId = 0o7777777;

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, "0")}\0`;
}

function headerBlock(file: TarFile, typeflag: string, size: number): Buffer {
  const block = Buffer.alloc(tarBlockBytes);
  block.write(file.name.slice(0, 100), 0, "latin1");
  block.write(octal(file.mode ?? 0o644, 8), 100, "latin1");
  block.write(octal(Math.min(file.uid ?? 0, largestId), 8), 108, "latin1");
  block.write(octal(Math.min(file.gid ?? 0, largestId), 8), 116, "latin1");
  block.write(octal(Math.min(size, largestOctal), 12), 124, "latin1");
  block.write(octal(Math.min(file.mtime ?? 0, largestOctal), 12), 136, "latin1");
  block.write(" ".repeat(8), 148, "latin1");
  block.write(typeflag, 156, "latin1");
  block.write((file.link ?? "").slice(0, 100), 157, "latin1");
  block.write("ustar\0", 257, "latin1");
  block.write("00", 263, "latin1");
  block.write(octal(file.major ?? 0, 8), 329, "latin1");
  block.write(octal(file.minor ?? 0, 8), 337, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** A record says its own length, the digits of the length included. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return `${length}${rest}`;
}

function padded(bytes: Uint8Array): readonly Uint8Array[] {
  const padding = (tarBlockBytes - (bytes.length % tarBlockBytes)) % tarBlockBytes;
  return [bytes, Buffer.alloc(padding)];
}

function paxOf(file: TarFile, size: number): string {
  const records: Record<string, string> = { ...file.pax };
  if (file.name.length > 100) records["path"] = file.name;
  if ((file.link ?? "").length > 100) records["linkpath"] = file.link ?? "";
  if ((file.uid ?? 0) > largestId) records["uid"] = String(file.uid);
  if ((file.gid ?? 0) > largestId) records["gid"] = String(file.gid);
  if (size > largestOctal) records["size"] = String(size);
  return Object.entries(records)
    .map(([key, value]) => paxRecord(key, value))
    .join("");
}

/** The archive of `files`, in their order, with its end mark. */
export function writeTar(files: readonly TarFile[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const file of files) {
    const data = file.data ?? new Uint8Array();
    const pax = Buffer.from(paxOf(file, data.length), "latin1");
    if (pax.length > 0) parts.push(headerBlock({ name: "pax" }, "x", pax.length), ...padded(pax));
    parts.push(headerBlock(file, typeflags[file.type ?? "file"], data.length), ...padded(data));
  }
  parts.push(Buffer.alloc(2 * tarBlockBytes));
  return Buffer.concat(parts);
}
