/** Reading the host's files as the daemon's process sees them. Missing is undefined, other failures are KernelErrors. */
import { errnoText } from "../../errno-text.ts";
import { KernelError } from "../../errors.ts";
import type { FileStat, HostDevice, HostFiles } from "../../kernel.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal, Refusal, refuse } from "../refusal.ts";
import {
  close,
  fileOf,
  getdents,
  openat2,
  readlinkat,
  readNow,
  statat,
  statfs,
} from "../syscall/file.ts";
import type { DaemonLife } from "./daemon-life.ts";

const pageBytes = 4096;

function kernelError(refusal: Refusal, what: string, path: string): KernelError {
  const { errno } = refusal;
  return new KernelError({
    errno,
    op: "library",
    detail: path,
    message: `${what} ${path}: ${errno}, ${errnoText(errno)}`,
  });
}

/** Runs `work`; undefined for ENOENT and ENOTDIR. */
function unlessMissing<T>(what: string, path: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (isRefusal(thrown, "ENOENT", "ENOTDIR")) return undefined;
    if (thrown instanceof Refusal) throw kernelError(thrown, what, path);
    throw thrown;
  }
}

/** Reads to the end; EFBIG beyond `bytesMax`. Takes the fd over. */
function readAll(process: Process, fd: number, bytesMax: number): Uint8Array {
  try {
    const chunks: Uint8Array[] = [];
    let total = 0;
    for (;;) {
      const chunk = readNow(process, fd, Math.min(64 << 10, bytesMax + 1 - total));
      if (chunk.length === 0) break;
      total += chunk.length;
      if (total > bytesMax) refuse("EFBIG");
      chunks.push(chunk);
    }
    if (chunks.length === 1) return (chunks[0] as Uint8Array).slice();
    const all = new Uint8Array(total);
    let at = 0;
    for (const chunk of chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  } finally {
    close(process, fd);
  }
}

/** open(2) without waiting, so that a FIFO in the place of a file does not hold up the daemon. */
function openToRead(process: Process, path: string): number {
  return openat2(process, AT_FDCWD, path, { flags: O_RDONLY | O_NONBLOCK | O_CLOEXEC });
}

function readInRoot(process: Process, root: string, path: string, bytesMax: number): Uint8Array {
  const flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  const base = openat2(process, AT_FDCWD, root, { flags });
  let fd: number;
  try {
    const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const look = { flags: O_RDONLY | O_NONBLOCK | O_CLOEXEC, resolve };
    fd = openat2(process, base, path === "" ? "." : path, look);
  } finally {
    close(process, base);
  }
  if (fileOf(process, fd).inode?.type !== "file") {
    close(process, fd);
    refuse("EINVAL");
  }
  return readAll(process, fd, bytesMax);
}

function listOf(process: Process, path: string): readonly string[] {
  const flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  const fd = openat2(process, AT_FDCWD, path, { flags });
  try {
    const names = getdents(process, fd).map(({ name }) => name);
    return names.filter((name) => name !== "." && name !== "..").sort();
  } finally {
    close(process, fd);
  }
}

function statOf(process: Process, path: string, follow: boolean): FileStat {
  const stat = statat(process, AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW);
  const { device, type, mode, uid, gid, size, major, minor, mtimeNs } = stat;
  return { device, type, mode, uid, gid, size, major, minor, mtimeNs };
}

/** What readlink of /proc/self/fd/N says of a path: every symlink resolved. */
function realOf(process: Process, path: string): string {
  const fd = openat2(process, AT_FDCWD, path, { flags: O_PATH | O_CLOEXEC });
  try {
    return readlinkat(process, AT_FDCWD, `/proc/self/fd/${fd}`);
  } finally {
    close(process, fd);
  }
}

/** Allocated bytes of a tree, each inode once, never leaving the file system it started on. */
function usageOf(process: Process, path: string): { bytes: number; inodes: number } {
  const seen = new Set<number>();
  let pages = 0;
  let device: number | undefined;
  const pending = [path];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const stat = statat(process, AT_FDCWD, next, AT_SYMLINK_NOFOLLOW);
    device ??= stat.device;
    if (stat.device !== device || seen.has(stat.inode)) continue;
    seen.add(stat.inode);
    if (stat.type === "directory") {
      pages += 1;
      for (const name of listOf(process, next)) pending.push(`${next}/${name}`);
    } else if (stat.type === "file") {
      pages += Math.ceil(stat.size / pageBytes);
    }
  }
  return { bytes: pages * pageBytes, inodes: seen.size };
}

/** HostFiles over the model, as one life of the daemon. */
export function simFiles(life: DaemonLife): HostFiles {
  const { process } = life;
  return {
    read: (path, bytesMax) =>
      life.now(() =>
        unlessMissing("read", path, () => readAll(process, openToRead(process, path), bytesMax)),
      ),
    list: (path) => life.now(() => unlessMissing("list", path, () => listOf(process, path))),
    stat: (path, follow) =>
      life.now(() => unlessMissing("stat", path, () => statOf(process, path, follow === true))),
    readInRoot: (root, path, bytesMax) =>
      life.now(() => unlessMissing("read", path, () => readInRoot(process, root, path, bytesMax))),
    real: (path) => life.now(() => unlessMissing("resolve", path, () => realOf(process, path))),
    usage: (path) =>
      life.now(
        () =>
          unlessMissing("measure", path, () => usageOf(process, path)) ?? { bytes: 0, inodes: 0 },
      ),
    space: (path) =>
      life.now(() => {
        try {
          const { totalBytes, freeBytes } = statfs(process, path);
          return { totalBytes, freeBytes };
        } catch (thrown) {
          if (thrown instanceof Refusal) throw kernelError(thrown, "statfs", path);
          throw thrown;
        }
      }),
  };
}

const skipped: ReadonlySet<string> = new Set(["pts", "shm", "fd", "mqueue", "console"]);

/** Device nodes below /dev, without those that containers get anyway or must never get. */
export function devicesOf(process: Process, directory = "/dev"): readonly HostDevice[] {
  const fd = openat2(process, AT_FDCWD, directory, { flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW });
  const found: HostDevice[] = [];
  try {
    for (const { name, type } of getdents(process, fd)) {
      if (name === "." || name === ".." || (directory === "/dev" && skipped.has(name))) continue;
      const path = `${directory}/${name}`;
      if (type === "directory") found.push(...devicesOf(process, path));
      if (type !== "char" && type !== "block") continue;
      const { major, minor, mode, uid, gid } = statat(process, fd, name, AT_SYMLINK_NOFOLLOW);
      found.push({ path, type, major, minor, mode: mode & 0o777, uid, gid });
    }
  } finally {
    close(process, fd);
  }
  return found;
}
