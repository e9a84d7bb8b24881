/**
 * From a tar entry to a record of vitrine-unpack (native/unpack/record.h): names cleaned, whiteouts
 * recognised, extended attributes sifted. All decisions about a layer's entries are made here.
 */
import { malformed } from "./tar-header.ts";
import type { TarEntry } from "./tar-reader.ts";

const recordType = {
  directory: 1,
  file: 2,
  hardlink: 3,
  symlink: 4,
  char: 5,
  block: 6,
  fifo: 7,
  whiteout: 8,
  opaque: 9,
  end: 10,
} as const;

const headerBytes = 52;
const pathBytesMax = 4095;
const xattrsMax = 64;
const xattrNameBytesMax = 255;
const xattrBytesMax = 256 * 1024;
const whiteoutPrefix = ".wh.";
const opaqueMark = ".wh..wh..opq";
/** Bookkeeping of aufs, which says nothing about content. */
const aufsPrefix = ".wh..wh.";

export interface LayerRecord {
  readonly bytes: Buffer;
  /** Whether the entry's data follows the record; otherwise it is to be skipped. */
  readonly takesData: boolean;
  readonly droppedXattrs: number;
}

/**
 * The name without empty, "." and ".." parts, as if "/" were in front of it; "" is the root itself.
 * Purely by text: the name of an entry says where it lies, not which way to walk there.
 */
export function cleanName(name: string): string {
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

/**
 * Attributes an image may bring: file capabilities, ACLs, and user.* but overlayfs's own. Labels of a
 * security module belong to the host, trusted.* to overlayfs, where a forged one redirects lookups.
 */
export function mayKeepXattr(name: string): boolean {
  if (name === "security.capability") return true;
  if (name === "system.posix_acl_access" || name === "system.posix_acl_default") return true;
  return name.startsWith("user.") && !name.startsWith("user.overlay.") && name.length > 5;
}

function encodeXattrs(xattrs: readonly (readonly [string, string])[]): Buffer {
  if (xattrs.length > xattrsMax) throw malformed("an entry has too many extended attributes");
  const parts: Buffer[] = [];
  for (const [name, value] of xattrs) {
    if (name.length > xattrNameBytesMax || name.includes("\0")) {
      throw malformed("the name of an extended attribute is malformed");
    }
    const lengths = Buffer.alloc(6);
    lengths.writeUInt16LE(name.length, 0);
    lengths.writeUInt32LE(value.length, 2);
    parts.push(lengths, Buffer.from(name, "latin1"), Buffer.from(value, "latin1"));
  }
  const bytes = Buffer.concat(parts);
  if (bytes.length > xattrBytesMax) throw malformed("extended attributes are too large");
  return bytes;
}

function encode(
  type: number,
  path: string,
  link: string,
  entry: TarEntry | undefined,
  xattrs: readonly (readonly [string, string])[],
): Buffer {
  if (path.length > pathBytesMax || link.length > pathBytesMax) {
    throw malformed(`a name is longer than ${pathBytesMax} bytes`);
  }
  const attributes = encodeXattrs(xattrs);
  const bytes = Buffer.alloc(headerBytes + path.length + link.length + attributes.length);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt16LE(xattrs.length, 2);
  bytes.writeUInt16LE(path.length, 4);
  bytes.writeUInt16LE(link.length, 6);
  if (entry !== undefined) {
    bytes.writeUInt32LE(entry.mode, 8);
    bytes.writeUInt32LE(entry.uid, 12);
    bytes.writeUInt32LE(entry.gid, 16);
    bytes.writeUInt32LE(entry.mtimeNanoseconds, 20);
    bytes.writeBigInt64LE(BigInt(entry.mtimeSeconds), 24);
    bytes.writeBigUInt64LE(BigInt(type === recordType.file ? entry.size : 0), 32);
    bytes.writeUInt32LE(entry.major >>> 0, 40);
    bytes.writeUInt32LE(entry.minor >>> 0, 44);
  }
  bytes.writeUInt32LE(attributes.length, 48);
  bytes.write(path, headerBytes, "latin1");
  bytes.write(link, headerBytes + path.length, "latin1");
  attributes.copy(bytes, headerBytes + path.length + link.length);
  return bytes;
}

/** The record of a ".wh." entry in directory `above`; undefined for bookkeeping of aufs. */
function encodeWhiteout(above: string, base: string): Buffer | undefined {
  if (base === opaqueMark) return encode(recordType.opaque, above, "", undefined, []);
  if (base.startsWith(aufsPrefix)) return undefined;
  const hidden = base.slice(whiteoutPrefix.length);
  if (hidden === "" || hidden === "." || hidden === "..") {
    throw malformed(`whiteout ${JSON.stringify(base)} names no entry`);
  }
  const path = above === "" ? hidden : `${above}/${hidden}`;
  return encode(recordType.whiteout, path, "", undefined, []);
}

/**
 * The record of an entry; undefined when there is nothing to write (the root itself).
 * @throws RuntimeError FAILED_PRECONDITION
 */
export function toLayerRecord(entry: TarEntry): LayerRecord | undefined {
  const path = cleanName(entry.name);
  if (path === "") return undefined;
  const slash = path.lastIndexOf("/");
  const base = path.slice(slash + 1);
  if (base.startsWith(whiteoutPrefix)) {
    const bytes = encodeWhiteout(slash < 0 ? "" : path.slice(0, slash), base);
    return bytes === undefined ? undefined : { bytes, takesData: false, droppedXattrs: 0 };
  }
  const linked = entry.type === "hardlink" || entry.type === "symlink";
  if (linked && entry.link === "") throw malformed("a link has no target");
  // A hard link has the attributes of the file it names.
  const offered = entry.type === "hardlink" ? [] : [...entry.xattrs];
  const kept = offered.filter(([name]) => mayKeepXattr(name));
  return {
    bytes: encode(recordType[entry.type], path, linked ? entry.link : "", entry, kept),
    takesData: entry.type === "file",
    droppedXattrs: offered.length - kept.length,
  };
}

/** The record after the last one: now everything may be kept. */
export function endRecord(): Buffer {
  return encode(recordType.end, "", "", undefined, []);
}
