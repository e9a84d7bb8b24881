/**
 * Every path of a Plan goes through here, by the rules of native/exec/path.c: one with a slot lies inside a
 * container's root and is resolved with RESOLVE_IN_ROOT; one without is the host's and trusted, until the
 * process has a foreign root. Functions return an fd.
 */
import type { Slot } from "../../op.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  PATH_MAX,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  SYMLINKS_MAX,
} from "../abi.ts";
import { isRefusal, refuse } from "../refusal.ts";
import { close, fchmodat, mkdirat, openat2, readlinkat, statat } from "../syscall/file.ts";
import { attempt, attemptFd, type PlanProcess } from "./plan-process.ts";

const inRoot = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
const nameMax = 255;

/** openat2(2) as the executor calls it. */
export function openResolved(
  x: PlanProcess,
  dirfd: number,
  path: string,
  flags: number,
  mode: number,
  resolve: number,
): number {
  const how = {
    flags: flags | O_CLOEXEC,
    mode: (flags & O_CREAT) === 0 ? 0 : mode & 0o7777,
    resolve,
  };
  return openat2(x.process, dirfd, path, how);
}

/** Opens op-style (at, path); `resolveMore` is added to the resolve flags. */
export function openAt(
  x: PlanProcess,
  at: Slot | undefined,
  path: string,
  flags: number,
  mode = 0,
  resolveMore = 0,
): number {
  if (at === undefined) {
    if (path[0] !== "/") x.failPath("EINVAL", "no absolute path:", path);
    if (!x.foreignRoot) return openResolved(x, AT_FDCWD, path, flags, mode, resolveMore);
    const base = openResolved(x, AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
    try {
      return openResolved(x, base, path, flags, mode, inRoot | resolveMore);
    } finally {
      close(x.process, base);
    }
  }
  const base = x.slot(at, "at");
  return openResolved(x, base, path === "" ? "." : path, flags, mode, inRoot | resolveMore);
}

/** [what holds the last component, that component]. */
function split(x: PlanProcess, path: string): readonly [parent: string, name: string] {
  let length = path.length;
  while (length > 0 && path[length - 1] === "/") length--;
  const start = path.lastIndexOf("/", length - 1) + 1;
  const name = path.slice(start, length);
  if (name === "" || name === "." || name === "..") {
    x.failPath("EINVAL", "no name at the end of", path);
  }
  if (name.length > nameMax || start >= PATH_MAX) {
    x.failPath("ENAMETOOLONG", "no name at the end of", path);
  }
  return [path.slice(0, start), name];
}

/** What is above the last component, as text: "/a/b/" of "/a/b/c/". */
export function aboveOf(path: string): string {
  let length = path.length;
  while (length > 0 && path[length - 1] === "/") length--;
  return path.slice(0, path.lastIndexOf("/", length - 1) + 1);
}

export interface Parent {
  /** O_PATH fd of the directory; the caller closes it. */
  readonly fd: number;
  readonly name: string;
}

/** The directory that holds the last component of `path`, and that component. */
export function openParent(x: PlanProcess, at: Slot | undefined, path: string): Parent {
  const [parent, name] = split(x, path);
  return { fd: openAt(x, at, parent, O_PATH | O_DIRECTORY), name };
}

/** As openParent, with missing directories made: 0755 all of them. */
export function openMadeParent(x: PlanProcess, at: Slot | undefined, path: string): Parent {
  const [parent, name] = split(x, path);
  try {
    return { fd: openAt(x, at, parent, O_PATH | O_DIRECTORY), name };
  } catch (thrown) {
    if (!isRefusal(thrown, "ENOENT")) throw thrown;
    return { fd: makeDirectories(x, at, parent, 0o755), name };
  }
}

/** The longest part of `path` that exists, as an fd, and where the rest begins. */
function openExisting(
  x: PlanProcess,
  base: number,
  resolve: number,
  path: string,
): { readonly fd: number; readonly rest: number } {
  let rest = path.length;
  let length = path.length;
  for (;;) {
    const part = length === 0 ? "." : path.slice(0, length);
    const found = attemptFd(() => openResolved(x, base, part, O_PATH | O_DIRECTORY, 0, resolve));
    if (found.errno === undefined) return { fd: found.fd, rest };
    if (found.errno !== "ENOENT" || length === 0) refuse(found.errno);
    while (length > 0 && path[length - 1] !== "/") length--;
    rest = length;
    while (length > 0 && path[length - 1] === "/") length--;
  }
}

/** mkdir and open of one component, never through a symlink; undefined when one is in the way. */
function makeStep(x: PlanProcess, dir: number, name: string, mode: number): number | undefined {
  const { process } = x;
  const made = attempt(() => mkdirat(process, dir, name, mode));
  if (made !== undefined && made !== "EEXIST") refuse(made);
  const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
  const opened = attemptFd(() => openResolved(x, dir, name, flags, 0, 0));
  if (opened.errno !== undefined) {
    const stat = attempt(() => statat(process, dir, name, AT_SYMLINK_NOFOLLOW));
    if (typeof stat === "object" && stat.type === "symlink") return undefined;
    return refuse(opened.errno);
  }
  // The daemon's umask is not ours to change.
  if (made === undefined && x.library) chmodFd(x, opened.fd, mode);
  return opened.fd;
}

/** Makes the components of `path` from `rest` on; an fd, or the path with a dangling symlink replaced by its target. */
function makeRest(
  x: PlanProcess,
  from: number,
  path: string,
  rest: number,
  mode: number,
): number | string {
  let dir = from;
  let start = rest;
  while (start < path.length) {
    const slash = path.indexOf("/", start);
    const end = slash < 0 ? path.length : slash;
    const name = path.slice(start, end);
    if (name === ".." || name.length > nameMax) {
      close(x.process, dir);
      refuse(name === ".." ? "EINVAL" : "ENAMETOOLONG");
    }
    if (name !== "" && name !== ".") {
      const above = dir;
      try {
        const next = makeStep(x, above, name, mode);
        if (next === undefined) {
          const target = readlinkat(x.process, above, name);
          return (target.startsWith("/") ? "" : path.slice(0, start)) + target + path.slice(end);
        }
        dir = next;
      } finally {
        close(x.process, above);
      }
    }
    start = end + 1;
  }
  return dir;
}

/** Makes what is missing of `path` step by step on fds; the last directory, O_PATH. */
export function makeDirectories(
  x: PlanProcess,
  at: Slot | undefined,
  path: string,
  mode: number,
): number {
  if (at === undefined && path[0] !== "/") x.failPath("EINVAL", "no absolute path:", path);
  if (path.length >= PATH_MAX) refuse("ENAMETOOLONG");
  const base =
    at === undefined
      ? openResolved(x, AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0)
      : x.slot(at, "at");
  try {
    let work = path;
    for (let links = 0; links < SYMLINKS_MAX; links++) {
      const { fd, rest } = openExisting(x, base, inRoot, work);
      const made = makeRest(x, fd, work, rest, mode);
      if (typeof made === "number") return made;
      work = made;
    }
    return refuse("ELOOP");
  } finally {
    if (at === undefined) close(x.process, base);
  }
}

/** fchmod(2) for an O_PATH fd. */
export function chmodFd(x: PlanProcess, fd: number, mode: number): void {
  fchmodat(x.process, fd, "", mode, AT_EMPTY_PATH);
}
