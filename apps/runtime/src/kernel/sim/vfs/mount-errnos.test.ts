/** Errnos of mount calls, one situation each. All were tried on Linux 6.18. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  MS_BIND,
  MS_MOVE,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  MS_SHARED,
  MS_UNBINDABLE,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_WRONLY,
  OPEN_TREE_CLONE,
  UMOUNT_NOFOLLOW,
} from "../abi.ts";
import type { Process } from "../process/process.ts";
import {
  chdir,
  chroot,
  close,
  fchdir,
  getcwd,
  mkdirat,
  openat2,
  symlinkat,
} from "../syscall/file.ts";
import { mount, mountSetattr, moveMount, openTree, pivotRoot, umount2 } from "../syscall/mount.ts";
import { errnoOf } from "./file-bed.ts";
import { type MountBed, mountBed, mountFlags, mountTable } from "./mount-bed.ts";

let bed: MountBed;
let root: Process;

beforeEach(() => {
  bed = mountBed();
  root = bed.root;
  for (const path of ["/w", "/w/a", "/w/a/x", "/w/b", "/w/b/x", "/w/n"]) {
    mkdirat(root, AT_FDCWD, path, 0o755);
  }
  touch("/w/f");
  chdir(root, "/w");
});

const touch = (path: string) =>
  close(root, openat2(root, AT_FDCWD, path, { flags: O_CREAT | O_WRONLY, mode: 0o644 }));
const tmpfs = (target: string, flags = 0) => mount(root, "t", target, "tmpfs", flags, "");
const bind = (source: string, target: string, flags = 0) =>
  mount(root, source, target, "", MS_BIND | flags, "");
const move = (source: string, target: string) => mount(root, source, target, "", MS_MOVE, "");
const pathOf = (path: string) => openat2(root, AT_FDCWD, path, { flags: O_PATH });
const clone = (path: string, flags = 0) => openTree(root, AT_FDCWD, path, OPEN_TREE_CLONE | flags);

type Case = readonly [what: string, errno: string, call: () => unknown];
const table = (cases: readonly Case[]) =>
  test.each(cases)("%s: %s", (_what, errno, call) => expect(errnoOf(call)).toBe(errno));

describe("mount", () => {
  table([
    ["unknown type", "ENODEV", () => mount(root, "x", "a", "nosuch", 0, "")],
    ["unknown option", "EINVAL", () => mount(root, "x", "a", "tmpfs", 0, "bogus=1")],
    ["no type", "EINVAL", () => mount(root, "x", "a", "", 0, "")],
    ["missing target", "ENOENT", () => tmpfs("nope")],
    ["directory on a file", "ENOTDIR", () => tmpfs("f")],
    ["bind without source", "EINVAL", () => bind("", "a")],
    ["bind of nothing", "ENOENT", () => bind("nope", "a")],
    ["bind file on directory", "ENOTDIR", () => bind("f", "a")],
    ["bind directory on file", "ENOTDIR", () => bind("a", "f")],
    ["bind file on file", "ok", () => bind("f", "f")],
    ["two kinds of propagation", "EINVAL", () => mountFlags(root, "/", MS_PRIVATE | MS_SHARED)],
    ["propagation of no mount", "EINVAL", () => mountFlags(root, "a", MS_PRIVATE)],
    ["remount of no mount", "EINVAL", () => mountFlags(root, "a", MS_REMOUNT)],
    ["bind remount of no mount", "EINVAL", () => mountFlags(root, "a", MS_REMOUNT | MS_BIND)],
    ["move of no mount", "EINVAL", () => move("a", "b")],
    ["without CAP_SYS_ADMIN", "EPERM", () => mount(bed.as(1000), "t", "/w/a", "tmpfs", 0, "")],
    ["path before capability", "ENOENT", () => mount(bed.as(1000), "t", "/w/q", "tmpfs", 0, "")],
  ]);

  test("into itself, off a shared mount, unbindable", () => {
    tmpfs("a");
    mkdirat(root, AT_FDCWD, "a/q", 0o755);
    expect(errnoOf(() => move("a", "a/q"))).toBe("ELOOP");
    mountFlags(root, "/", MS_SHARED);
    expect(errnoOf(() => move("a", "b"))).toBe("EINVAL");
    mountFlags(root, "a", MS_UNBINDABLE);
    expect(errnoOf(() => bind("a", "b"))).toBe("EINVAL");
    expect(errnoOf(() => clone("a"))).toBe("EINVAL");
    bind("/w", "b", MS_REC);
    expect(mountTable(root).filter((line) => line.includes("/w/b/a"))).toEqual([]);
  });

  test("files open for writing keep a mount from becoming read-only", () => {
    tmpfs("a");
    touch("a/file");
    const fd = openat2(root, AT_FDCWD, "a/file", { flags: O_WRONLY });
    const bindOnly = MS_REMOUNT | MS_BIND | MS_RDONLY;
    expect(errnoOf(() => mountFlags(root, "a", bindOnly))).toBe("EBUSY");
    expect(errnoOf(() => mountFlags(root, "a", MS_REMOUNT | MS_RDONLY))).toBe("EBUSY");
    close(root, fd);
    mountFlags(root, "a", bindOnly);
    expect(errnoOf(() => touch("a/more"))).toBe("EROFS");
  });
});

describe("umount2", () => {
  table([
    ["no mount point", "EINVAL", () => umount2(root, "a", 0)],
    ["nothing there", "ENOENT", () => umount2(root, "nope", 0)],
    ["unknown flag", "EINVAL", () => umount2(root, "a", 64)],
    ["without CAP_SYS_ADMIN", "EPERM", () => umount2(bed.as(1000), "/w/a", 0)],
  ]);

  const holders: readonly (readonly [string, () => void])[] = [
    ["cwd", () => chdir(root, "/w/a")],
    ["another's root", () => chroot(bed.child(root), "/w/a")],
    ["open file", () => void pathOf("a")],
    ["a mount on it", () => tmpfs("a/q")],
  ];
  test.each(holders)("busy by %s", (what, hold) => {
    tmpfs("a");
    mkdirat(root, AT_FDCWD, "a/q", 0o755);
    hold();
    // The root of another namespace is another mount.
    expect(errnoOf(() => umount2(root, "/w/a", 0))).toBe(
      what === "another's root" ? "ok" : "EBUSY",
    );
    if (what !== "another's root") umount2(root, "/w/a", MNT_DETACH);
    expect(mountTable(root)).toHaveLength(1);
  });

  test("a peer's counterpart that is in use is busy too", () => {
    mountFlags(root, "/", MS_SHARED);
    tmpfs("a");
    const other = bed.child(root);
    chdir(other, "/w/a");
    expect(errnoOf(() => umount2(root, "a", 0))).toBe("EBUSY");
    chdir(other, "/");
    umount2(root, "a", 0);
    expect(mountTable(other)).toHaveLength(1);
  });

  test("UMOUNT_NOFOLLOW does not go through a symbolic link", () => {
    tmpfs("a");
    symlinkat(root, "a", AT_FDCWD, "link");
    expect(errnoOf(() => umount2(root, "link", UMOUNT_NOFOLLOW))).toBe("EINVAL");
    umount2(root, "link", 0);
  });
});

describe("detached trees", () => {
  test("a directory goes on no file, and no file on a directory", () => {
    expect(errnoOf(() => moveMount(root, clone("a"), AT_FDCWD, "f"))).toBe("EINVAL");
    expect(errnoOf(() => moveMount(root, clone("f"), AT_FDCWD, "a"))).toBe("EINVAL");
    moveMount(root, clone("f"), AT_FDCWD, "f");
  });

  test("a tree is attached once, and another time moved", () => {
    tmpfs("a");
    const fd = clone("a");
    moveMount(root, fd, AT_FDCWD, "b");
    moveMount(root, fd, AT_FDCWD, "n");
    expect(mountTable(root).filter((line) => line.includes("/w/b "))).toEqual([]);
  });

  test("nobody hears of a mount in one, and it hears of none", () => {
    mountFlags(root, "/", MS_SHARED);
    const fd = clone("/w/a");
    tmpfs("a/x");
    fchdir(root, fd);
    expect(errnoOf(() => mkdirat(root, AT_FDCWD, "x/seen", 0o755))).toBe("ok");
    expect(errnoOf(() => tmpfs("x"))).toBe("EINVAL");
  });

  test("one that was never attached ends with its last file", () => {
    tmpfs("a");
    mountFlags(root, "a", MS_SHARED);
    const mountOfA = [...root.namespaces.mnt.mounts].at(-1);
    const fd = clone("a");
    expect(mountOfA?.peers?.members.size).toBe(2);
    close(root, fd);
    expect(mountOfA?.peers?.members.size).toBe(1);
  });

  table([
    ["recursive without clone", "EINVAL", () => openTree(root, AT_FDCWD, "a", AT_RECURSIVE)],
    ["attributes of no mount", "EINVAL", () => setRdonly(pathOf("a"))],
    ["what is mounted on nothing", "EINVAL", () => moveMount(root, pathOf("a"), AT_FDCWD, "b")],
  ]);
  const setRdonly = (fd: number) =>
    mountSetattr(root, fd, "", { set: ["rdonly"], clear: [], recursive: false });

  test("access times are one field", () => {
    const set = (...names: ("noatime" | "strictatime" | "relatime")[]) =>
      mountSetattr(root, fd, "", { set: names, clear: [], recursive: false });
    const fd = clone("a");
    expect(errnoOf(() => set("noatime", "strictatime"))).toBe("EINVAL");
    set("noatime");
    set("strictatime");
    moveMount(root, fd, AT_FDCWD, "b");
    expect(mountTable(root).at(-1)).toContain("/w/b /w/a rw root");
  });
});

describe("pivot_root", () => {
  beforeEach(() => {
    tmpfs("n");
    for (const path of ["n/old", "n/in", "n/in/old"]) mkdirat(root, AT_FDCWD, path, 0o755);
    touch("n/file");
  });

  table([
    ["new root is no mount", "EINVAL", () => pivotRoot(root, "n/in", "n/in/old")],
    ["new root is the root", "EBUSY", () => pivotRoot(root, "/", "n/old")],
    ["old root stays on itself", "EBUSY", () => pivotRoot(root, "n", "/w/a")],
    ["new root is a file", "ENOTDIR", () => pivotRoot(root, "n/file", "n/old")],
    ["put_old is a file", "ENOTDIR", () => pivotRoot(root, "n", "n/file")],
    ["put_old is missing", "ENOENT", () => pivotRoot(root, "n", "n/nope")],
    ["without CAP_SYS_ADMIN", "EPERM", () => pivotRoot(bed.as(1000), "/w/n", "/w/n/old")],
  ]);

  test("put_old on another mount is not below the new root", () => {
    tmpfs("b");
    expect(errnoOf(() => pivotRoot(root, "n", "b"))).toBe("EINVAL");
  });

  test.each(["/", "n"])("%s may not be shared", (shared) => {
    mountFlags(root, shared, MS_SHARED);
    expect(errnoOf(() => pivotRoot(root, "n", "n/old"))).toBe("EINVAL");
  });

  test("in a chroot it needs a root that is a mount", () => {
    const inside = bed.child(root);
    chroot(inside, "/w");
    expect(errnoOf(() => pivotRoot(inside, "/n", "/n/old"))).toBe("EINVAL");
  });

  test("everybody who had the old root has the new one; '.' with '.' puts the old on top", () => {
    const other = bed.as(1000);
    chdir(other, "/");
    fchdir(root, openat2(root, AT_FDCWD, "/w/n", { flags: O_PATH | O_DIRECTORY }));
    pivotRoot(root, ".", ".");
    expect(other.root).toEqual(root.root);
    expect(other.cwd).toEqual(root.root);
    umount2(root, ".", MNT_DETACH);
    chdir(root, "/");
    expect(getcwd(root)).toBe("/");
    expect(mountTable(root)).toEqual(["/ / rw,relatime tmpfs t "]);
  });
});
