/**
 * One 512-byte header block of a tar archive: ustar, GNU and old V7 forms (POSIX.1-2017 pax, "ustar
 * Interchange Format"; GNU tar manual, "Basic Tar Format"). Strings are "binary" strings, one char a
 * byte, because a file name on Linux is bytes and need not be UTF-8.
 */
import { RuntimeError } from "../kernel/errors.ts";

export interface TarHeader {
  readonly typeflag: string;
  readonly name: string;
  readonly link: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Unix seconds. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

export const tarBlockBytes = 512;

export function malformed(why: string): RuntimeError {
  return new RuntimeError("FAILED_PRECONDITION", `the archive is malformed: ${why}`);
}

function textAt(block: Buffer, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field.toString("latin1", 0, end < 0 ? length : end);
}

/** Base-256, two's complement, first bit set as the mark (GNU). */
function binaryAt(field: Buffer): number {
  const negative = ((field[0] ?? 0) & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  for (const [index, byte] of field.entries()) {
    value = (value << 8n) | BigInt(index === 0 ? (byte & 0x7f) | (negative ? 0x80 : 0) : byte);
  }
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw malformed("a number is too large");
  return number;
}

function numberAt(block: Buffer, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  if (((field[0] ?? 0) & 0x80) !== 0) return binaryAt(field);
  const text = field.toString("latin1").replace(/\0.*$/s, "").trim();
  if (text === "") return 0;
  if (!/^[0-7]+$/.test(text)) throw malformed(`${JSON.stringify(text)} is no octal number`);
  return Number.parseInt(text, 8);
}

/** The checksum counts its own field as spaces; some old writers summed signed bytes. */
function checksumMatches(block: Buffer): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let index = 0; index < tarBlockBytes; index++) {
    const byte = index >= 148 && index < 156 ? 0x20 : (block[index] ?? 0);
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  const text = block.toString("latin1", 148, 156).replace(/\0.*$/s, "").trim();
  const stored = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : -1;
  return stored === unsigned || stored === signed;
}

export function isZeroBlock(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

/**
 * Decodes a block that is not all zero.
 * @throws RuntimeError FAILED_PRECONDITION
 */
export function readTarHeader(block: Buffer): TarHeader {
  if (!checksumMatches(block))
    throw malformed("a header has a wrong checksum; is this a tar archive?");
  const posix = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = posix ? textAt(block, 345, 155) : "";
  const name = textAt(block, 0, 100);
  const gnu = block.toString("latin1", 257, 265) === "ustar  \0";
  const devices = posix || gnu;
  return {
    typeflag: String.fromCharCode(block[156] ?? 0),
    name: prefix === "" ? name : `${prefix}/${name}`,
    link: textAt(block, 157, 100),
    mode: numberAt(block, 100, 8),
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    size: numberAt(block, 124, 12),
    mtime: numberAt(block, 136, 12),
    major: devices ? numberAt(block, 329, 8) : 0,
    minor: devices ? numberAt(block, 337, 8) : 0,
  };
}
