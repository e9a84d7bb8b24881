/** Reading the host's files. Missing is undefined; every other failure is a KernelError. */
import type { BigIntStats } from "node:fs";
import { lstat, open, readdir, realpath, stat, statfs } from "node:fs/promises";
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
  work: () => Promise<T>,
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

/** Reads until the end, at most `bytesMax`: files of /proc and /sys have no size to go by. */
async function readBounded(path: string, bytesMax: number): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const chunks: Uint8Array[] = [];
    let total = 0;
    for (;;) {
      const chunk = new Uint8Array(Math.min(64 << 10, bytesMax + 1 - total));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
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
    return Buffer.concat(chunks, total);
  } finally {
    await file.close();
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
    list: (path) => unlessMissing("list", path, async () => (await readdir(path)).sort()),
    stat: (path, follow) =>
      unlessMissing("stat", path, async () =>
        fileStat(await (follow ? stat : lstat)(path, { bigint: true })),
      ),
    readInRoot: async (root, path, bytesMax) => readFileInRoot(root, path, bytesMax),
    real: (path) => unlessMissing("resolve", path, () => realpath(path)),
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
