/**
 * A layer into a directory, as vitrine-unpack does it: the directory is the whole world, so that no link in an
 * archive leads out of it; whiteouts become what overlayfs takes for one.
 */
import { RuntimeError } from "../../errors.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal, Refusal } from "../refusal.ts";
import {
  close,
  fchmodat,
  fchownat,
  linkat,
  mkdirat,
  mknodat,
  openat2,
  type Stat,
  setxattr,
  statat,
  symlinkat,
  unlinkat,
  utimensat,
} from "../syscall/file.ts";
import { emptyDirectory } from "./directory-tree.ts";
import { writeShared } from "./shared-content.ts";
import { storageFailure } from "./storage-failure.ts";
import { readTar, type TarEntry, TarError } from "./tar.ts";

const whiteoutPrefix = ".wh.";
const opaqueMark = ".wh..wh..opq";
const inRoot = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
/** Errnos that a layer's own content brings about. */
const layersFault = [
  "EINVAL",
  "ELOOP",
  "ENOTDIR",
  "ENOENT",
  "EEXIST",
  "EISDIR",
  "EPERM",
  "ENAMETOOLONG",
  "EXDEV",
  "EMLINK",
  "ENOTEMPTY",
] as const;

export interface Unpacked {
  readonly entries: number;
  readonly bytes: number;
}

interface Tree {
  readonly process: Process;
  readonly target: string;
  /** fd of the target. */
  readonly root: number;
  /** Layers below, topmost first. */
  readonly lower: readonly string[];
  /** Times of directories by path: set last, because what is put into one changes its time. */
  readonly times: Map<string, bigint>;
}

/** The name as if "/" were in front of it, without "." and ".."; "" is the root itself. Purely by text. */
export function cleanName(name: string): string {
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

/** Owner, mode and time of the directory that the layers below show. */
function belowAt({ process, lower }: Tree, path: string): Stat | undefined {
  for (const layer of lower) {
    try {
      const stat = statat(process, AT_FDCWD, `${layer}/${path}`, AT_SYMLINK_NOFOLLOW);
      return stat.type === "directory" ? stat : undefined;
    } catch (thrown) {
      if (!isRefusal(thrown, "ENOENT", "ENOTDIR")) throw thrown;
    }
  }
  return undefined;
}

/** A directory that the layer only implies looks like the one below it. */
function makeImplied(tree: Tree, at: number, name: string, path: string): void {
  const { process } = tree;
  const below = belowAt(tree, path);
  mkdirat(process, at, name, 0o755);
  if (below === undefined) return;
  fchownat(process, at, name, below.uid, below.gid, AT_SYMLINK_NOFOLLOW);
  fchmodat(process, at, name, below.mode);
  tree.times.set(path, below.mtimeNs);
}

function setTimes(tree: Tree): void {
  const { process, times } = tree;
  for (const [path, mtimeNs] of times) {
    const fd = openDirectory(tree, path);
    try {
      utimensat(process, fd, "", mtimeNs, AT_EMPTY_PATH);
    } finally {
      close(process, fd);
    }
  }
}

/** fd of the directory at `path`, links followed inside the tree, what is missing made. The caller closes it. */
function openDirectory(tree: Tree, path: string): number {
  const { process, root } = tree;
  const how = { flags: O_PATH | O_DIRECTORY, resolve: inRoot };
  try {
    return openat2(process, root, path === "" ? "." : path, how);
  } catch (thrown) {
    if (!isRefusal(thrown, "ENOENT") || path === "") throw thrown;
  }
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  const above = openDirectory(tree, slash < 0 ? "" : path.slice(0, slash));
  try {
    makeImplied(tree, above, name, path);
  } finally {
    close(process, above);
  }
  return openat2(process, root, path, how);
}

/** Takes away what has the name; a directory stays when a directory comes. Whether something stays. */
function clear(process: Process, at: number, name: string, comes: "directory" | "other"): boolean {
  let type: string;
  try {
    type = statat(process, at, name, AT_SYMLINK_NOFOLLOW).type;
  } catch (thrown) {
    if (isRefusal(thrown, "ENOENT")) return false;
    throw thrown;
  }
  if (type !== "directory") {
    unlinkat(process, at, name);
    return false;
  }
  if (comes === "directory") return true;
  emptyDirectory(process, at, name);
  unlinkat(process, at, name, AT_REMOVEDIR);
  return false;
}

/** Makes a hard link; its target is looked up inside the tree, too. */
function makeHardLink(tree: Tree, at: number, name: string, target: string): void {
  const { process } = tree;
  const path = cleanName(target);
  const slash = path.lastIndexOf("/");
  const from = openDirectory(tree, slash < 0 ? "" : path.slice(0, slash));
  try {
    linkat(process, from, path.slice(slash + 1), at, name);
  } finally {
    close(process, from);
  }
}

function make(tree: Tree, at: number, name: string, path: string, entry: TarEntry): void {
  const { process } = tree;
  const mtimeNs = BigInt(entry.mtime) * 1_000_000_000n;
  switch (entry.type) {
    case "directory":
      if (!clear(process, at, name, "directory")) mkdirat(process, at, name, 0o755);
      break;
    case "file":
      clear(process, at, name, "other");
      writeShared(process, at, name, entry.content, 0o644, true);
      break;
    case "symlink":
      clear(process, at, name, "other");
      symlinkat(process, entry.link, at, name);
      break;
    case "hardlink":
      clear(process, at, name, "other");
      makeHardLink(tree, at, name, entry.link);
      // It has the attributes of the file it names.
      return;
    default:
      clear(process, at, name, "other");
      mknodat(process, at, name, entry.type, entry.mode, entry.major, entry.minor);
  }
  if (entry.uid !== 0 || entry.gid !== 0) {
    fchownat(process, at, name, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW);
  }
  if (entry.type !== "symlink") fchmodat(process, at, name, entry.mode);
  if (entry.type === "directory") tree.times.set(path, mtimeNs);
  else utimensat(process, at, name, mtimeNs, AT_SYMLINK_NOFOLLOW);
}

function isThere(process: Process, at: number, name: string): boolean {
  try {
    statat(process, at, name, AT_SYMLINK_NOFOLLOW);
    return true;
  } catch (thrown) {
    if (isRefusal(thrown, "ENOENT")) return false;
    throw thrown;
  }
}

/** A ".wh." entry: a device 0/0 over the name, or the whole directory opaque. */
function makeWhiteout(tree: Tree, at: number, above: string, base: string): void {
  const { process } = tree;
  if (base === opaqueMark) {
    const path = above === "" ? tree.target : `${tree.target}/${above}`;
    setxattr(process, path, "trusted.overlay.opaque", new TextEncoder().encode("y"));
    return;
  }
  if (base.startsWith(".wh..wh.")) return;
  const hidden = base.slice(whiteoutPrefix.length);
  if (hidden === "" || hidden === "." || hidden === "..") {
    throw new TarError(`whiteout ${JSON.stringify(base)} names no entry`);
  }
  // What this layer itself brings is not hidden.
  if (!isThere(process, at, hidden)) mknodat(process, at, hidden, "char", 0, 0, 0);
}

function unpackEntry(tree: Tree, entry: TarEntry): void {
  const path = cleanName(entry.name);
  if (path === "") return;
  const slash = path.lastIndexOf("/");
  const above = slash < 0 ? "" : path.slice(0, slash);
  const base = path.slice(slash + 1);
  const isLink = entry.type === "symlink" || entry.type === "hardlink";
  if (isLink && entry.link === "") throw new TarError("a link has no target");
  const at = openDirectory(tree, above);
  try {
    if (base.startsWith(whiteoutPrefix)) makeWhiteout(tree, at, above, base);
    else make(tree, at, base, path, entry);
  } finally {
    close(tree.process, at);
  }
}

function failureOf(thrown: unknown): unknown {
  if (thrown instanceof TarError) {
    return new RuntimeError("FAILED_PRECONDITION", `the layer is malformed: ${thrown.message}`);
  }
  if (thrown instanceof Refusal && (layersFault as readonly string[]).includes(thrown.errno)) {
    return new RuntimeError("FAILED_PRECONDITION", `the layer is malformed: ${thrown.errno}`);
  }
  return storageFailure(thrown, "unpacking a layer");
}

/**
 * Unpacks `archive` into the empty directory `target`, which is empty again when that fails: RuntimeError
 * FAILED_PRECONDITION, RESOURCE_EXHAUSTED. Files share their bytes with the archive.
 */
export function unpackLayer(
  process: Process,
  archive: Uint8Array,
  target: string,
  lower: readonly string[],
): Unpacked {
  let entries = 0;
  try {
    const root = openat2(process, AT_FDCWD, target, { flags: O_PATH | O_DIRECTORY });
    try {
      const tree = { process, target, root, lower, times: new Map<string, bigint>() };
      for (const entry of readTar(archive)) {
        entries++;
        unpackEntry(tree, entry);
      }
      setTimes(tree);
    } finally {
      close(process, root);
    }
  } catch (thrown) {
    try {
      emptyDirectory(process, AT_FDCWD, target);
    } catch (second) {
      // What cannot be removed stays; the first failure is what the caller must hear.
      if (!isRefusal(second)) throw second;
    }
    throw failureOf(thrown);
  }
  return { entries, bytes: archive.length };
}
