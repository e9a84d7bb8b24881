/**
 * Bytes that many files have and nobody changes: content is lent and shared where the file system stores it as
 * an array, copied where it does not.
 */
import { sha256OfBytes } from "../../sha256.ts";
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { close, fileOf, openat2, readNow, writeNow } from "../syscall/file.ts";
import { StoredFileSystem } from "../vfs/stored-file-system.ts";

const chunkBytes = 1 << 20;

/** Content of the regular file behind an open fd. Not to be changed. */
export function contentOf(process: Process, fd: number): Uint8Array {
  const { point } = fileOf(process, fd);
  if (point?.dentry.fileSystem instanceof StoredFileSystem) {
    return point.dentry.fileSystem.lend(point.dentry);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const chunk = readNow(process, fd, chunkBytes);
    if (chunk.length === 0) break;
    chunks.push(chunk);
    length += chunk.length;
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Content of the file at `path`, below `dirfd`. ENOENT and all else that open refuses with. */
export function readShared(process: Process, dirfd: number, path: string): Uint8Array {
  const fd = openat2(process, dirfd, path, { flags: O_RDONLY | O_NOFOLLOW });
  try {
    return contentOf(process, fd);
  } finally {
    close(process, fd);
  }
}

/** Makes `content` all that the file at `path` holds. With `exclusive` the file must be new. ENOSPC. */
export function writeShared(
  process: Process,
  dirfd: number,
  path: string,
  content: Uint8Array,
  mode: number,
  exclusive = false,
): void {
  const flags = O_WRONLY | O_CREAT | O_NOFOLLOW | (exclusive ? O_EXCL : O_TRUNC);
  const fd = openat2(process, dirfd, path, { flags, mode });
  try {
    const { point } = fileOf(process, fd);
    if (point?.dentry.fileSystem instanceof StoredFileSystem) {
      point.dentry.fileSystem.share(point.dentry, content);
      return;
    }
    for (let at = 0; at < content.length; ) {
      at += writeNow(process, fd, content.subarray(at, at + chunkBytes));
    }
  } finally {
    close(process, fd);
  }
}

const digests = new WeakMap<Uint8Array, string>();

/** "sha256:..." of an array that nobody changes; each array is hashed once, however often it is asked for. */
export function sharedDigest(content: Uint8Array): string {
  let digest = digests.get(content);
  if (digest === undefined) {
    digest = `sha256:${sha256OfBytes(content)}`;
    digests.set(content, digest);
  }
  return digest;
}
