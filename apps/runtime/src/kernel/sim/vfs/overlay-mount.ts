/**
 * Mounting an overlay: what its options mean, and what they must not be (fs/overlayfs/params.c, super.c).
 * Layers are found by the mounter's own permissions, in the order of the options.
 */
import type { ErrnoName } from "../../errno.ts";
import { AT_FDCWD } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { FileSystemFactory } from "./file-system.ts";
import type { Dentry } from "./inode.ts";
import { type Mount, mountReadOnly, type PathPoint } from "./mount.ts";
import { OverlayFileSystem } from "./overlay.ts";
import { walk } from "./path-walk.ts";
import { StoredFileSystem } from "./stored-file-system.ts";

/** Layers of one overlay (OVL_MAX_STACK), and overlays on overlays (FILESYSTEM_MAX_STACK_DEPTH). */
const layersMax = 500;
const depthMax = 2;

/** Options with their values; these change nothing here but are shown. */
const switches: Readonly<Record<string, readonly string[]>> = {
  index: ["on", "off"],
  nfs_export: ["on", "off"],
  xino: ["on", "off", "auto"],
  redirect_dir: ["on", "off", "follow", "nofollow"],
  metacopy: ["on", "off"],
  uuid: ["on", "off", "null", "auto"],
  verity: ["on", "off", "require"],
};
const flags = new Set(["userxattr", "volatile", "default_permissions"]);

interface OverlayOptions {
  readonly lowers: PathPoint[];
  upper: PathPoint | undefined;
  work: PathPoint | undefined;
}

function invalid(detail: string, errno: ErrnoName = "EINVAL"): never {
  return refuse(errno, `overlayfs: ${detail}`);
}

/** Takes "\" away from what it protects. */
function unescaped(text: string): string {
  return text.includes("\\") ? text.replace(/\\(.)/gs, "$1") : text;
}

/** Paths of "lowerdir": ":" between them, "\:" in one, "::" before data-only layers. */
function splitLayers(text: string): readonly string[] {
  const paths: string[] = [];
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    const letter = text[at];
    if (letter === "\\") at++;
    else if (letter === ":" || letter === undefined) {
      paths.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return paths;
}

/** A directory the mounter can reach. ENOENT, EACCES as the walk says; EINVAL when it is no directory. */
function layer(mounter: Process, path: string): PathPoint {
  if (path === "") invalid("empty path of a layer");
  const { mount, dentry } = walk(mounter, AT_FDCWD, path);
  if (dentry.inode.type !== "directory") invalid(`${path} is not a directory`);
  return { mount, dentry };
}

function readLayers(mounter: Process, key: string, value: string, into: OverlayOptions): void {
  const paths = key === "lowerdir" ? splitLayers(value) : value.split("\0");
  // A path before "::" is a layer, those behind it hold only data for metacopy files.
  const data = key === "datadir+";
  for (let index = 0; index < paths.length; index++) {
    const path = paths[index] as string;
    if (path === "" && key === "lowerdir" && index > 0 && index < paths.length - 1) continue;
    const point = layer(mounter, key === "lowerdir" ? unescaped(path) : path);
    const behindData = key === "lowerdir" && paths.slice(0, index).includes("");
    if (!data && !behindData) into.lowers.push(point);
  }
}

function readOptions(mounter: Process, options: ReadonlyMap<string, string>): OverlayOptions {
  const read: OverlayOptions = { lowers: [], upper: undefined, work: undefined };
  for (const [key, value] of options) {
    if (key === "lowerdir" || key === "lowerdir+" || key === "datadir+") {
      readLayers(mounter, key, value, read);
    } else if (key === "upperdir") {
      read.upper = layer(mounter, unescaped(value));
      if ((read.upper.mount.attributes & mountReadOnly) !== 0) invalid("upper fs is r/o");
    } else if (key === "workdir") {
      read.work = layer(mounter, unescaped(value));
    } else if (!flags.has(key) && switches[key]?.includes(value) !== true) {
      refuse("EINVAL", `overlay: Unknown parameter '${key}'`);
    }
  }
  return read;
}

function isUnder(dentry: Dentry, above: Dentry): boolean {
  for (let at: Dentry | undefined = dentry; at !== undefined; at = at.parent) {
    if (at === above) return true;
  }
  return false;
}

/** The conditions of ovl_fill_super(), in its order. */
function checkLayers({ lowers, upper, work }: OverlayOptions): void {
  if (lowers.length === 0) invalid("missing 'lowerdir'");
  if (lowers.length > layersMax) invalid(`too many lower directories, limit is ${layersMax}`);
  if (upper === undefined && lowers.length === 1) {
    invalid("at least 2 lowerdir are needed while upperdir nonexistent");
  }
  if (upper !== undefined) {
    checkUpper(upper.mount, upper.dentry, work ?? invalid("missing 'workdir'"));
  }
  const roots: Dentry[] = [];
  if (upper !== undefined) roots.push(upper.dentry);
  if (upper !== undefined && work !== undefined) roots.push(work.dentry);
  for (const { dentry } of lowers) {
    if (roots.includes(dentry)) invalid("conflicting lowerdir path", "ELOOP");
    roots.push(dentry);
  }
  for (const { dentry } of lowers) {
    for (const root of roots) {
      if (root !== dentry && isUnder(dentry, root)) invalid("overlapping lowerdir path", "ELOOP");
    }
  }
}

function checkUpper(mount: Mount, upper: Dentry, work: PathPoint): void {
  if (mount.fileSystem.readOnly) invalid("upper fs is r/o, try multi-lower layers mount");
  if (!(mount.fileSystem instanceof StoredFileSystem)) {
    invalid(`filesystem on upperdir not supported: ${mount.fileSystem.type}`);
  }
  if (work.mount !== mount) invalid("workdir and upperdir must reside under the same mount");
  if (isUnder(work.dentry, upper) || isUnder(upper, work.dentry)) {
    invalid("workdir and upperdir must be separate subtrees");
  }
}

/** "work" in the work directory, empty: what an earlier mount left there goes. */
function workDirectory(work: Dentry, mounter: Process): Dentry {
  const { fileSystem } = work.inode;
  const before = fileSystem.lookup(work, "work", mounter);
  if (before !== undefined && before.inode.type === "directory") {
    for (const name of fileSystem.list(before, mounter)) {
      const left = fileSystem.lookup(before, name, mounter);
      if (left !== undefined) fileSystem.unlink(before, left, mounter);
    }
    return before;
  }
  if (before !== undefined) fileSystem.unlink(work, before, mounter);
  const made = { type: "directory", mode: 0, uid: 0, gid: 0 } as const;
  return fileSystem.create(work, "work", made, mounter);
}

/** As ovl_show_options() writes them. */
function shownOptions(options: ReadonlyMap<string, string>, hasUpper: boolean): string {
  const shown: string[] = [];
  const lower = options.get("lowerdir");
  if (lower !== undefined) shown.push(`lowerdir=${lower}`);
  for (const key of ["lowerdir+", "datadir+"]) {
    const value = options.get(key);
    if (value !== undefined) for (const path of value.split("\0")) shown.push(`${key}=${path}`);
  }
  if (hasUpper) {
    shown.push(`upperdir=${options.get("upperdir")}`, `workdir=${options.get("workdir")}`);
  }
  if (!hasUpper) shown.push("redirect_dir=on");
  else if (options.get("redirect_dir") === "on") shown.push("redirect_dir=on");
  else if (options.has("userxattr")) shown.push("redirect_dir=nofollow");
  if (hasUpper) shown.push(options.has("volatile") ? "fsync=volatile" : "uuid=on");
  if (options.has("userxattr")) shown.push("userxattr");
  return shown.join(",");
}

/** mount -t overlay. */
export const overlayFactory: FileSystemFactory = (machine, mounter, source, options) => {
  const read = readOptions(mounter, options);
  checkLayers(read);
  let depth = 1;
  for (const { mount } of read.lowers) {
    if (mount.fileSystem instanceof OverlayFileSystem) {
      depth = Math.max(depth, mount.fileSystem.depth + 1);
    }
  }
  if (depth > depthMax) invalid("maximum fs stacking depth exceeded");
  const { upper } = read;
  const work =
    upper !== undefined && read.work !== undefined
      ? workDirectory(read.work.dentry, mounter)
      : undefined;
  return new OverlayFileSystem(
    machine,
    {
      source,
      options: shownOptions(options, upper !== undefined),
      userNamespace: mounter.credentials.userNamespace,
      prefix: options.has("userxattr") ? "user.overlay." : "trusted.overlay.",
      depth,
    },
    { lowers: read.lowers.map(({ dentry }) => dentry), upper: upper?.dentry, work },
  );
};
