/**
 * From a path to a place: path_resolution(7), and the limits openat2(2) can put on it. Symbolic links, "..",
 * mounts on the way, magic links, the caller's root as the ceiling. Runs for nearly every call, so it
 * makes one object a walk and one short string a component.
 */
import {
  AT_FDCWD,
  NAME_MAX,
  PATH_MAX,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  S_ISVTX,
  SYMLINKS_MAX,
} from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { Dentry } from "./inode.ts";
import { ownerThrough } from "./mapped-ids.ts";
import { type Mount, mountNoSymFollow, type PathPoint } from "./mount.ts";
import { OpenFile } from "./open-file.ts";
import { mayExecute, permits } from "./permission.ts";
import { byteLength } from "./utf8-length.ts";

/** Where a relative path starts: an fd, AT_FDCWD, or a place. */
export type Start = number | PathPoint;

export interface WalkHow {
  /** A symbolic link as the last component is followed. Default true. */
  readonly followLast?: boolean;
  /** Stop before the last component: mkdir, unlink, rename. */
  readonly wantParent?: boolean;
  /** A missing last component is no error: `dentry` stays undefined (open with O_CREAT). */
  readonly mayBeMissing?: boolean;
  /** RESOLVE_* flags of openat2(2). */
  readonly resolve?: number;
}

const plainWalk: WalkHow = {};
const slash = 47;

/** How a path ends: with a name, ".", "..", or nothing but slashes. */
export type LastComponent = "name" | "dot" | "dotdot" | "root";

/** A walk, and afterwards its result. */
export class Walk implements PathPoint {
  readonly #caller: Process;
  readonly #resolve: number;
  readonly #root: PathPoint;
  #links = 0;
  /** RESOLVE_NO_XDEV takes an absolute link for a crossing until the walk has had to do with the root: a quirk of nd_jump_root(). */
  #rootKnown: boolean;
  /** Where the path leads; with `wantParent` the directory that holds the last component. */
  mount: Mount;
  dentry: Dentry;
  /** With `mayBeMissing`: the last component is not there; `dentry` is its directory. */
  missing = false;
  /** Last component, with `wantParent` and `mayBeMissing`. */
  name = "";
  last: LastComponent = "root";
  /** The path ends with a slash: what it names has to be a directory. */
  trailingSlash = false;
  /** A magic link led to something outside any file system: a pipe, a socket, a pidfd. */
  file: OpenFile | undefined;

  constructor(caller: Process, start: PathPoint, resolve: number) {
    this.#caller = caller;
    this.#resolve = resolve;
    this.#rootKnown = (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) !== 0;
    this.#root = this.#rootKnown ? start : caller.root;
    this.mount = start.mount;
    this.dentry = start.dentry;
  }

  /** Walks `path`. */
  run(path: string, how: WalkHow): void {
    if (path.charCodeAt(0) === slash) {
      if ((this.#resolve & RESOLVE_BENEATH) !== 0) refuse("EXDEV");
      this.#toRoot();
    }
    // A symbolic link makes a new path: its text and what was still to be walked.
    let rest: string | undefined = path;
    while (rest !== undefined) rest = this.#follow(rest, how);
    if (how.wantParent === true || this.missing) return;
    if (this.trailingSlash && (this.file !== undefined || this.dentry.inode.type !== "directory")) {
      refuse("ENOTDIR");
    }
  }

  /** Walks until the end, or until a symbolic link: then it returns the path to go on with. */
  #follow(path: string, how: WalkHow): string | undefined {
    const end = path.length;
    let at = 0;
    for (;;) {
      while (at < end && path.charCodeAt(at) === slash) at++;
      if (at === end) return undefined;
      let stop = path.indexOf("/", at);
      if (stop < 0) stop = end;
      let next = stop;
      while (next < end && path.charCodeAt(next) === slash) next++;
      const isLast = next === end;
      const slashed = isLast && stop < end;
      this.#enterable();
      const name = path.slice(at, stop);
      if (name.length > 85 && byteLength(name) > NAME_MAX) refuse("ENAMETOOLONG");
      this.last = name === "." ? "dot" : name === ".." ? "dotdot" : "name";
      if (isLast) {
        this.name = name;
        this.trailingSlash = slashed;
        if (how.wantParent === true) return undefined;
        // open(2) with O_CREAT makes no directories.
        if (slashed && how.mayBeMissing === true && this.last === "name") refuse("EISDIR");
      }
      if (this.last === "dotdot") this.#up();
      else if (this.last === "name") {
        const entry = this.dentry.inode.fileSystem.lookup(this.dentry, name, this.#caller);
        if (entry === undefined) {
          if (!isLast || how.mayBeMissing !== true) refuse("ENOENT");
          this.missing = true;
          return undefined;
        }
        if (entry.inode.type === "symlink" && this.#follows(entry, isLast, slashed, how)) {
          const target = this.#link(entry, isLast);
          if (target !== undefined) {
            return stop < end ? target + path.slice(stop) : target;
          }
        } else {
          this.#enter(entry);
        }
      }
      at = next;
      if (isLast) return undefined;
    }
  }

  #toRoot(): void {
    this.mount = this.#root.mount;
    this.dentry = this.#root.dentry;
    this.#rootKnown = true;
  }

  /** May the caller look for a name here? */
  #enterable(): void {
    if (this.file !== undefined) refuse("ENOTDIR");
    const { inode } = this.dentry;
    if (inode.type !== "directory") refuse("ENOTDIR");
    if (!permits(this.#caller, this.mount, inode, mayExecute)) refuse("EACCES");
  }

  #follows(entry: Dentry, isLast: boolean, slashed: boolean, how: WalkHow): boolean {
    // What a mount sits on is hidden, a link too.
    if (entry.cover !== undefined && this.mount.childAt(entry) !== undefined) return false;
    return !isLast || slashed || how.followLast !== false;
  }

  /** Goes to an entry of the directory, and onto what is mounted there. */
  #enter(entry: Dentry): void {
    this.dentry = entry;
    while (this.dentry.cover !== undefined) {
      const child = this.mount.childAt(this.dentry);
      if (child === undefined) return;
      if ((this.#resolve & RESOLVE_NO_XDEV) !== 0) refuse("EXDEV");
      this.mount = child;
      this.dentry = child.root;
    }
  }

  /** "..": never above the root, out of a mount to where it sits, and onto what is mounted over that. */
  #up(): void {
    this.#rootKnown = true;
    this.#toParent();
    this.#enter(this.dentry);
  }

  #toParent(): void {
    const root = this.#root;
    for (;;) {
      if (this.mount === root.mount && this.dentry === root.dentry) {
        if ((this.#resolve & RESOLVE_BENEATH) !== 0) refuse("EXDEV");
        return;
      }
      if (this.dentry !== this.mount.root) break;
      const { parent, mountpoint } = this.mount;
      if (parent === undefined || mountpoint === undefined) return;
      if ((this.#resolve & RESOLVE_NO_XDEV) !== 0) refuse("EXDEV");
      this.mount = parent;
      this.dentry = mountpoint;
    }
    // A directory that was moved out of what this mount shows has no way up (path_connected()).
    if (!isBelow(this.dentry, this.mount.root)) refuse("ENOENT");
    if (this.dentry.parent !== undefined) this.dentry = this.dentry.parent;
  }

  /** A symbolic link: its text, to be walked from here; undefined when a magic link has jumped. */
  #link(entry: Dentry, isLast: boolean): string | undefined {
    if (++this.#links > SYMLINKS_MAX) refuse("ELOOP");
    if (isLast) this.#checkProtected(entry);
    if ((this.#resolve & RESOLVE_NO_SYMLINKS) !== 0) refuse("ELOOP");
    if ((this.mount.attributes & mountNoSymFollow) !== 0) refuse("ELOOP");
    const { fileSystem } = entry.inode;
    const target = fileSystem.magicLink(entry, this.#caller);
    if (target !== undefined) {
      this.#jump(target);
      return undefined;
    }
    const text = fileSystem.readlink(entry, this.#caller);
    if (text === "") refuse("ENOENT");
    if (text.charCodeAt(0) === slash) {
      if ((this.#resolve & RESOLVE_BENEATH) !== 0) refuse("EXDEV");
      const crosses = !this.#rootKnown || this.mount !== this.#root.mount;
      if (crosses && (this.#resolve & RESOLVE_NO_XDEV) !== 0) refuse("EXDEV");
      this.#toRoot();
      this.last = "root";
    }
    return text;
  }

  #jump(target: PathPoint | OpenFile): void {
    if ((this.#resolve & RESOLVE_NO_MAGICLINKS) !== 0) refuse("ELOOP");
    if ((this.#resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) !== 0) refuse("EXDEV");
    const point = target instanceof OpenFile ? target.point : target;
    if (point === undefined) {
      this.file = target as OpenFile;
      return;
    }
    if ((this.#resolve & RESOLVE_NO_XDEV) !== 0 && point.mount !== this.mount) refuse("EXDEV");
    this.mount = point.mount;
    this.dentry = point.dentry;
  }

  /** fs.protected_symlinks (proc_sys_fs(5)), off unless set: links in a sticky directory that everybody may write to. */
  #checkProtected(entry: Dentry): void {
    const directory = this.dentry.inode;
    if ((directory.mode & (S_ISVTX | 0o002)) !== (S_ISVTX | 0o002)) return;
    if (this.#caller.machine.sysctls.get("fs.protected_symlinks") !== "1") return;
    const owner = ownerThrough(this.mount, entry.inode, "uid");
    if (owner === this.#caller.credentials.fsuid) return;
    if (owner !== undefined && owner === ownerThrough(this.mount, directory, "uid")) return;
    refuse("EACCES");
  }
}

function isBelow(dentry: Dentry, ancestor: Dentry): boolean {
  if (ancestor.parent === undefined) return true;
  for (let at: Dentry | undefined = dentry; at !== undefined; at = at.parent) {
    if (at === ancestor) return true;
  }
  return false;
}

/** path_is_under(): `root` is `point` or on the way up from it. */
export function isUnder(point: PathPoint, root: PathPoint): boolean {
  let { mount, dentry } = point;
  for (;;) {
    if (mount === root.mount && dentry === root.dentry) return true;
    if (dentry === mount.root || dentry.parent === undefined) {
      if (mount.parent === undefined || mount.mountpoint === undefined) return false;
      dentry = mount.mountpoint;
      mount = mount.parent;
    } else {
      dentry = dentry.parent;
    }
  }
}

/** The place `start` means. EBADF; ENOTDIR when it is no place in a file system. */
export function startPoint(caller: Process, start: Start): PathPoint {
  if (typeof start !== "number") return start;
  if (start === AT_FDCWD) return caller.cwd;
  const file = caller.fds.get(start);
  if (file === undefined) return refuse("EBADF");
  return file.point ?? refuse("ENOTDIR");
}

/** Resolves `path` for `caller`. ENOENT for an empty one, ENAMETOOLONG beyond PATH_MAX. */
export function walk(caller: Process, start: Start, path: string, how: WalkHow = plainWalk): Walk {
  if (path === "") refuse("ENOENT");
  caller.machine.watchCalls?.path(caller, path);
  if (path.length >= PATH_MAX / 3 && byteLength(path) >= PATH_MAX) refuse("ENAMETOOLONG");
  const resolve = how.resolve ?? 0;
  const absolute = path.charCodeAt(0) === slash;
  const scoped = (resolve & RESOLVE_IN_ROOT) !== 0;
  const point = absolute && !scoped ? caller.root : startPoint(caller, start);
  const result = new Walk(caller, point, resolve);
  result.run(path, how);
  return result;
}
