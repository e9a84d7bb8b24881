/**
 * Reading the host's files. Missing is undefined; every other failure is a KernelError.
 *
 * Single files are read in the daemon's own thread: what is read here is small and in memory (/proc, /sys,
 * /etc), 15 microseconds a file; through the thread pool it is 400. Walking trees goes through the pool.
 */
import {
  type BigIntStats,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { lstat, readdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { KernelError } from "../errors.ts";
import type { FileStat, HostFiles } from "../kernel.ts";
import { majorOf, minorOf } from "./facts.ts";
import { readFileInRoot } from "./library.ts";

/** A KernelError for what node:fs threw. */
function kernelError(error: unknown, what: string, path: string): KernelError {
  const errno = (error as NodeJS.ErrnoException).code ?? "EIO";
  return new KernelError({
    errno,
    op: "library",
    detail: path,
    message: `${what} ${path}: ${errno}`,
  });
}

/** Runs `work`; undefined for ENOENT and ENOTDIR. */
async function unlessMissing<T>(
  what: string,
  path: string,
  work: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KernelError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw kernelError(error, what, path);
  }
}

/**
 * Reads until the end, at most `bytesMax`: files of /proc and /sys have no size to go by. Opened without
 * blocking, so that a FIFO in the place of a file does not hold up the daemon.
 */
function readBounded(path: string, bytesMax: number): Uint8Array {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const chunks: Uint8Array[] = [];
    let total = 0;
    for (;;) {
      // Most files are shorter than a page; only a longer one is worth a large piece of memory.
      const chunk = Buffer.allocUnsafe(
        Math.min(total < 4096 ? 4096 : 64 << 10, bytesMax + 1 - total),
      );
      const bytesRead = readSync(fd, chunk, 0, chunk.length, null);
      if (bytesRead === 0) break;
      total += bytesRead;
      if (total > bytesMax) {
        throw new KernelError({
          errno: "EFBIG",
          op: "library",
          detail: path,
          message: `read ${path}: EFBIG, more than ${bytesMax} bytes`,
        });
      }
      chunks.push(chunk.subarray(0, bytesRead));
    }
    return new Uint8Array(Buffer.concat(chunks, total));
  } finally {
    closeSync(fd);
  }
}

function typeOf(stats: BigIntStats): FileStat["type"] {
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "char";
  if (stats.isBlockDevice()) return "block";
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  return "file";
}

function fileStat(stats: BigIntStats): FileStat {
  return {
    device: Number(stats.dev),
    type: typeOf(stats),
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: Number(stats.size),
    major: majorOf(Number(stats.rdev)),
    minor: minorOf(Number(stats.rdev)),
    mtimeNs: stats.mtimeNs,
  };
}

const blockBytes = 512n;

/** Adds up a tree: allocated blocks, each inode once, never leaving the file system it started on. */
async function usageOf(path: string): Promise<{ bytes: number; inodes: number }> {
  const seen = new Set<bigint>();
  let blocks = 0n;
  const root = await lstat(path, { bigint: true });
  const pending = [path];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const stats = await lstat(next, { bigint: true }).catch(() => undefined);
    if (stats === undefined || stats.dev !== root.dev || seen.has(stats.ino)) continue;
    seen.add(stats.ino);
    blocks += stats.blocks;
    if (!stats.isDirectory()) continue;
    const names = await readdir(next).catch(() => []);
    for (const name of names) pending.push(join(next, name));
  }
  return { bytes: Number(blocks * blockBytes), inodes: seen.size };
}

export function linuxFiles(): HostFiles {
  return {
    read: (path, bytesMax) => unlessMissing("read", path, () => readBounded(path, bytesMax)),
    list: (path) => unlessMissing("list", path, () => readdirSync(path).sort()),
    stat: (path, follow) =>
      unlessMissing("stat", path, () =>
        fileStat((follow ? statSync : lstatSync)(path, { bigint: true })),
      ),
    readInRoot: async (root, path, bytesMax) => readFileInRoot(root, path, bytesMax),
    real: (path) => unlessMissing("resolve", path, () => realpathSync(path)),
    async usage(path) {
      const usage = await unlessMissing("measure", path, () => usageOf(path));
      return usage ?? { bytes: 0, inodes: 0 };
    },
    async space(path) {
      const stats = await unlessMissing("statfs", path, () => statfs(path));
      if (stats === undefined) throw kernelError({ code: "ENOENT" }, "statfs", path);
      return { totalBytes: stats.blocks * stats.bsize, freeBytes: stats.bavail * stats.bsize };
    },
  };
}
