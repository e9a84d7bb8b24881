import { beforeEach, describe, expect, test } from "vitest";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../abi.ts";
import type { Process } from "../process/process.ts";
import {
  close,
  fchmodat,
  fchownat,
  fstat,
  getdents,
  getxattr,
  linkat,
  listxattr,
  lseek,
  mkdirat,
  mknodat,
  openat2,
  readNow,
  renameat,
  setxattr,
  statat,
  symlinkat,
  unlinkat,
  writeNow,
} from "../syscall/file.ts";
import { fsmount, mount } from "../syscall/mount.ts";
import { bytes, errnoOf, type FileBed, fileBed, text } from "./file-bed.ts";
import type { OverlayFileSystem } from "./overlay.ts";
import type { OverlayEntry } from "./overlay-entry.ts";

let bed: FileBed;
let root: Process;

const directories = [
  "/o",
  "/o/l1",
  "/o/l2",
  "/o/u",
  "/o/w",
  "/o/m",
  "/o/l1/d",
  "/o/l2/d",
  "/o/l2/e",
];

beforeEach(() => {
  bed = fileBed();
  root = bed.root;
  for (const path of directories) mkdirat(root, AT_FDCWD, path, 0o755);
  put("/o/l1/f", "lower file");
  put("/o/l1/d/a", "a of l1");
  put("/o/l2/d/a", "a of l2");
  put("/o/l2/d/b", "b of l2");
  put("/o/l2/e/x", "x");
});

function put(path: string, content: string, flags = O_RDWR | O_CREAT | O_TRUNC): void {
  const fd = openat2(root, AT_FDCWD, path, flags & O_CREAT ? { flags, mode: 0o644 } : { flags });
  writeNow(root, fd, bytes(content));
  close(root, fd);
}

function overlay(data = "lowerdir=/o/l1:/o/l2,upperdir=/o/u,workdir=/o/w"): OverlayFileSystem {
  mount(root, "overlay", "/o/m", "overlay", 0, data);
  return [...root.namespaces.mnt.mounts].at(-1)?.fileSystem as OverlayFileSystem;
}

function readAll(path: string): string {
  const fd = openat2(root, AT_FDCWD, path, { flags: 0 });
  const content = text(readNow(root, fd, 1000));
  close(root, fd);
  return content;
}

function names(path: string): string[] {
  const fd = openat2(root, AT_FDCWD, path, { flags: 0 });
  const found = getdents(root, fd).map(({ name }) => name);
  close(root, fd);
  return found;
}

const stat = (path: string) => statat(root, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
const unlink = (path: string): string => errnoOf(() => unlinkat(root, AT_FDCWD, path));
const rmdir = (path: string): string => errnoOf(() => unlinkat(root, AT_FDCWD, path, AT_REMOVEDIR));
const rename = (from: string, to: string): string =>
  errnoOf(() => renameat(root, AT_FDCWD, from, AT_FDCWD, to));

/** What the upper layer has: "name type". */
const upper = (path = "/o/u"): string[] =>
  names(path).map((name) => {
    const { type, major, minor } = stat(`${path}/${name}`);
    return type === "char" && major === 0 && minor === 0 ? `${name} whiteout` : `${name} ${type}`;
  });

describe("layers", () => {
  test("show the topmost of each name, and directories together", () => {
    overlay();
    expect(names("/o/m")).toEqual(["d", "e", "f"]);
    expect(names("/o/m/d")).toEqual(["a", "b"]);
    expect(readAll("/o/m/d/a")).toBe("a of l1");
    expect(readAll("/o/m/d/b")).toBe("b of l2");
    expect(upper()).toEqual([]);
  });

  test("whiteouts and opaque directories of an image hide what is below", () => {
    mknodat(root, AT_FDCWD, "/o/l1/e", "char", 0, 0, 0);
    setxattr(root, "/o/l1/d", "trusted.overlay.opaque", bytes("y"));
    overlay();
    expect(names("/o/m")).toEqual(["d", "f"]);
    expect(names("/o/m/d")).toEqual(["a"]);
    expect(errnoOf(() => stat("/o/m/e"))).toBe("ENOENT");
    expect(listxattr(root, "/o/m/d")).toEqual([]);
  });

  test("keep inode numbers; merged directories have one link", () => {
    overlay();
    expect(stat("/o/m/f").inode).toBe(stat("/o/l1/f").inode);
    expect(stat("/o/m/f").device).not.toBe(stat("/o/l1/f").device);
    expect([stat("/o/m/d").nlink, stat("/o/m/e").nlink]).toEqual([1, 2]);
  });

  test("without an upper one are read-only", () => {
    overlay("lowerdir=/o/l1:/o/l2");
    expect(errnoOf(() => mkdirat(root, AT_FDCWD, "/o/m/n", 0o755))).toBe("EROFS");
    expect(errnoOf(() => openat2(root, AT_FDCWD, "/o/m/f", { flags: O_WRONLY }))).toBe("EROFS");
  });
});

describe("copy-up", () => {
  test("happens at the first open for writing, with parents, and is counted", () => {
    const fileSystem = overlay();
    const reader = openat2(root, AT_FDCWD, "/o/m/e/x", { flags: 0 });
    expect(fileSystem.copyUp).toMatchObject({ files: 0, bytes: 0 });
    close(root, openat2(root, AT_FDCWD, "/o/m/e/x", { flags: O_RDWR }));
    expect(fileSystem.copyUp).toMatchObject({ files: 2, bytes: 1 });
    put("/o/m/e/x", "changed", O_WRONLY);
    expect(fileSystem.copyUp).toMatchObject({ files: 2, bytes: 1 });
    expect([readAll("/o/l2/e/x"), readAll("/o/u/e/x"), readAll("/o/m/e/x")]).toEqual([
      "x",
      "changed",
      "changed",
    ]);
    expect(text(readNow(root, reader, 100))).toBe("changed");
  });

  test("costs nothing for the data that a truncation throws away", () => {
    const fileSystem = overlay();
    put("/o/m/f", "new");
    expect(fileSystem.copyUp).toMatchObject({ files: 1, bytes: 0 });
    expect([readAll("/o/m/f"), readAll("/o/l1/f")]).toEqual(["new", "lower file"]);
  });

  test("keeps owner, mode, times and attributes, of directories too", () => {
    fchownat(root, AT_FDCWD, "/o/l1/d", 5, 6);
    fchmodat(root, AT_FDCWD, "/o/l1/d", 0o700);
    fchmodat(root, AT_FDCWD, "/o/l1/d/a", 0o4755);
    setxattr(root, "/o/l1/d/a", "user.k", bytes("v"));
    const before = stat("/o/l1/d/a").mtimeNs;
    bed.machine.scheduler.charge(1e9);
    overlay();
    fchmodat(root, AT_FDCWD, "/o/m/d/a", 0o4711);
    expect(stat("/o/u/d")).toMatchObject({ uid: 5, gid: 6, mode: 0o700 });
    expect(stat("/o/u/d/a")).toMatchObject({ mode: 0o4711, size: 7, mtimeNs: before });
    expect(stat("/o/l1/d/a").mode).toBe(0o4755);
    expect(text(getxattr(root, "/o/m/d/a", "user.k"))).toBe("v");
    expect(stat("/o/m/d").nlink).toBe(1);
  });

  test("a full disk leaves everything as it was", () => {
    mkdirat(root, AT_FDCWD, "/o/t", 0o755);
    bed.tmpfs("/o/t", "size=4k");
    mkdirat(root, AT_FDCWD, "/o/t/u", 0o755);
    mkdirat(root, AT_FDCWD, "/o/t/w", 0o755);
    put("/o/l1/big", "b".repeat(5000));
    overlay("lowerdir=/o/l1,upperdir=/o/t/u,workdir=/o/t/w");
    expect(errnoOf(() => openat2(root, AT_FDCWD, "/o/m/big", { flags: O_RDWR }))).toBe("ENOSPC");
    expect(upper("/o/t/u")).toEqual([]);
    expect(stat("/o/m/big").size).toBe(5000);
  });

  test("a file that was removed while open can still be written to", () => {
    overlay();
    const fd = openat2(root, AT_FDCWD, "/o/m/f", { flags: 0 });
    expect(unlink("/o/m/f")).toBe("ok");
    fchmodat(root, fd, "", 0o600, 0x1000);
    expect(fstat(root, fd)).toMatchObject({ mode: 0o600, nlink: 0 });
    lseek(root, fd, 0);
    expect(text(readNow(root, fd, 100))).toBe("lower file");
    expect(upper()).toEqual(["f whiteout"]);
    expect(names("/o/w/work")).toEqual([]);
  });
});

describe("removing", () => {
  test("a lower file leaves a whiteout, one of the upper layer alone nothing", () => {
    overlay();
    put("/o/m/own", "mine");
    put("/o/m/d/a", "copied");
    expect([unlink("/o/m/own"), unlink("/o/m/d/a"), unlink("/o/m/f")]).toEqual(["ok", "ok", "ok"]);
    expect([names("/o/m"), names("/o/m/d")]).toEqual([["d", "e"], ["b"]]);
    expect(upper()).toEqual(["d directory", "f whiteout"]);
    expect(upper("/o/u/d")).toEqual(["a whiteout"]);
    expect(stat("/o/u/f").mode).toBe(0);
    expect(unlink("/o/m/f")).toBe("ENOENT");
  });

  test("a merged directory is possible when nothing shows in it", () => {
    overlay();
    expect(rmdir("/o/m/d")).toBe("ENOTEMPTY");
    unlink("/o/m/d/a");
    unlink("/o/m/d/b");
    expect(upper("/o/u/d")).toEqual(["a whiteout", "b whiteout"]);
    expect(rmdir("/o/m/d")).toBe("ok");
    expect(upper()).toEqual(["d whiteout"]);
    mkdirat(root, AT_FDCWD, "/o/m/d", 0o755);
    expect([names("/o/m/d"), upper()]).toEqual([[], ["d directory"]]);
    expect(text(getxattr(root, "/o/u/d", "trusted.overlay.opaque"))).toBe("y");
    expect(rmdir("/o/m/d")).toBe("ok");
    expect(upper()).toEqual(["d whiteout"]);
  });

  test("and making anew replaces the whiteout, also by link and symlink", () => {
    overlay();
    unlink("/o/m/f");
    put("/o/m/f", "again");
    expect(upper()).toEqual(["f file"]);
    unlink("/o/m/f");
    symlinkat(root, "d", AT_FDCWD, "/o/m/f");
    expect(upper()).toEqual(["f symlink"]);
    unlink("/o/m/f");
    linkat(root, AT_FDCWD, "/o/m/e/x", AT_FDCWD, "/o/m/f");
    expect(upper()).toEqual(["e directory", "f file"]);
    expect(names("/o/w/work")).toEqual([]);
  });
});

describe("renaming", () => {
  test("a lower file copies it up and leaves a whiteout", () => {
    overlay();
    expect(rename("/o/m/f", "/o/m/d/g")).toBe("ok");
    expect([upper(), upper("/o/u/d")]).toEqual([["d directory", "f whiteout"], ["g file"]]);
    expect(readAll("/o/m/d/g")).toBe("lower file");
    expect(rename("/o/m/d/g", "/o/m/f")).toBe("ok");
    expect([names("/o/m"), upper()]).toEqual([
      ["d", "e", "f"],
      ["d directory", "f file"],
    ]);
  });

  test("a directory of a lower layer is EXDEV, one of the upper layer is not", () => {
    overlay();
    expect([rename("/o/m/e", "/o/m/n"), rename("/o/m/d", "/o/m/n")]).toEqual(["EXDEV", "EXDEV"]);
    mkdirat(root, AT_FDCWD, "/o/m/own", 0o755);
    put("/o/m/own/x", "1");
    expect(rename("/o/m/own", "/o/m/n")).toBe("ok");
    expect(rename("/o/m/n", "/o/m/e")).toBe("ENOTEMPTY");
    unlink("/o/m/e/x");
    expect(rename("/o/m/n", "/o/m/e")).toBe("ok");
    expect([names("/o/m/e"), upper("/o/u/e")]).toEqual([["x"], ["x file"]]);
    expect(text(getxattr(root, "/o/u/e", "trusted.overlay.opaque"))).toBe("y");
  });

  test("over a lower file", () => {
    overlay();
    put("/o/m/t", "new");
    expect(rename("/o/m/t", "/o/m/f")).toBe("ok");
    expect([upper(), readAll("/o/m/f")]).toEqual([["f file"], "new"]);
    expect(unlink("/o/m/f")).toBe("ok");
    expect(upper()).toEqual(["f whiteout"]);
  });
});

describe("hard links", () => {
  test("of a copied file are one file; names that share one below part", () => {
    linkat(root, AT_FDCWD, "/o/l1/f", AT_FDCWD, "/o/l1/h");
    overlay();
    expect(stat("/o/m/f").nlink).toBe(2);
    linkat(root, AT_FDCWD, "/o/m/f", AT_FDCWD, "/o/m/g");
    put("/o/m/g", "both", O_WRONLY | O_TRUNC);
    expect([readAll("/o/m/f"), readAll("/o/m/g"), readAll("/o/m/h")]).toEqual([
      "both",
      "both",
      "lower file",
    ]);
    expect(stat("/o/m/f")).toMatchObject({ nlink: 2, inode: stat("/o/m/g").inode });
    unlink("/o/m/f");
    expect(stat("/o/m/g").nlink).toBe(1);
    expect(readAll("/o/m/g")).toBe("both");
  });
});

describe("what cannot be made", () => {
  test("whiteouts from above", () => {
    overlay();
    const whiteout = (): void => mknodat(root, AT_FDCWD, "/o/m/n", "char", 0o600, 0, 0);
    expect(errnoOf(whiteout)).toBe("EPERM");
  });

  test("overlayfs's own attributes are escaped and do not work", () => {
    overlay();
    setxattr(root, "/o/m/d", "trusted.overlay.opaque", bytes("y"));
    expect(listxattr(root, "/o/m/d")).toEqual(["trusted.overlay.opaque"]);
    expect(listxattr(root, "/o/u/d")).toEqual(["trusted.overlay.overlay.opaque"]);
    expect(names("/o/m/d")).toEqual(["a", "b"]);
  });
});

// Errnos and shown options as Linux 6.18 gave them.
describe("mounting", () => {
  test.each([
    ["lowerdir=/o/l1,upperdir=/o/u,workdir=/o/w", "ok"],
    ["lowerdir=/o/l1", "EINVAL"],
    ["lowerdir=/o/l1:/o/l2", "ok"],
    ["lowerdir=/o/l1:/o/l2:/o/l1", "ELOOP"],
    ["lowerdir=/o/none,upperdir=/o/u,workdir=/o/w", "ENOENT"],
    ["lowerdir=/o/l1,upperdir=/o/none,workdir=/o/w", "ENOENT"],
    ["lowerdir=/o/l1,upperdir=/o/u,workdir=/o/none", "ENOENT"],
    ["lowerdir=/o/l1,upperdir=/o/u", "EINVAL"],
    ["lowerdir=/o/l1,workdir=/o/w", "EINVAL"],
    ["upperdir=/o/u,workdir=/o/w", "EINVAL"],
    ["", "EINVAL"],
    ["lowerdir=/o/l1,upperdir=/o/u,workdir=/o/u", "EINVAL"],
    ["lowerdir=/o/l1,upperdir=/o/u,workdir=/tmp", "ok"],
    ["lowerdir=/o/l1,upperdir=/o/u,workdir=/o/t", "EINVAL"],
    ["lowerdir=/o/l1,upperdir=/o/l1,workdir=/o/w", "ELOOP"],
    ["lowerdir=/o/l1/d:/o/l1,upperdir=/o/u,workdir=/o/w", "ELOOP"],
    ["lowerdir=/o/u,upperdir=/o/u,workdir=/o/w", "ELOOP"],
    ["lowerdir=/o/w,upperdir=/o/u,workdir=/o/w", "ELOOP"],
    ["lowerdir=/o/l1,upperdir=/o/l1/d,workdir=/o/w", "ok"],
    ["lowerdir=/o/l1/f,upperdir=/o/u,workdir=/o/w", "EINVAL"],
    ["lowerdir=/o/l1,upperdir=/o/l1/f,workdir=/o/w", "EINVAL"],
    ["lowerdir=:/o/l1,upperdir=/o/u,workdir=/o/w", "EINVAL"],
    ["lowerdir=/o/l1,upperdir=/o/u,workdir=/o/w,bogus", "EINVAL"],
    ["lowerdir=/o/l1,upperdir=/o/u,workdir=/o/w,index=off,xino=off", "ok"],
    ["lowerdir=/o/l1,upperdir=/o/u,workdir=/o/w,index=maybe", "EINVAL"],
  ])("%s: %s", (data, expected) => {
    mkdirat(root, AT_FDCWD, "/o/t", 0o755);
    bed.tmpfs("/o/t");
    expect(errnoOf(() => overlay(data))).toBe(expected);
  });

  test("makes the work directory's own, and shows its options", () => {
    const fileSystem = overlay();
    expect(stat("/o/w/work")).toMatchObject({ type: "directory", mode: 0 });
    expect(fileSystem.options).toBe("lowerdir=/o/l1:/o/l2,upperdir=/o/u,workdir=/o/w,uuid=on");
  });

  test("takes paths with separators in them, escaped or one by one", () => {
    for (const path of ["/o/a:b", "/o/a,b", "/o/a,b/l", "/o/a:b/l"]) {
      mkdirat(root, AT_FDCWD, path, 0o755);
    }
    put("/o/a:b/l/colon", "1");
    put("/o/a,b/l/comma", "2");
    overlay("lowerdir=/o/a\\:b/l:/o/a\\,b/l");
    expect(names("/o/m")).toEqual(["colon", "comma"]);
    const fd = fsmount(
      root,
      "overlay",
      "overlay",
      [
        ["lowerdir+", "/o/a:b/l"],
        ["lowerdir+", "/o/a,b/l"],
      ],
      [],
    );
    expect(root.fds.get(fd)?.point?.mount.fileSystem.options).toBe(
      "lowerdir+=/o/a:b/l,lowerdir+=/o/a,b/l,redirect_dir=on",
    );
  });

  test("is possible on an overlay, but not on an overlay on an overlay", () => {
    const data = (lower: string): string => `lowerdir=${lower},upperdir=/o/u,workdir=/o/w`;
    overlay("lowerdir=/o/l1:/o/l2");
    for (const path of ["/o/u/1", "/o/w/1", "/o/n"]) mkdirat(root, AT_FDCWD, path, 0o755);
    const second = `lowerdir=/o/m,upperdir=/o/u/1,workdir=/o/w/1`;
    mount(root, "overlay", "/o/n", "overlay", 0, second);
    expect(readAll("/o/n/f")).toBe("lower file");
    put("/o/n/f", "above", O_WRONLY | O_TRUNC);
    expect([readAll("/o/n/f"), readAll("/o/m/f")]).toEqual(["above", "lower file"]);
    expect(errnoOf(() => overlay(data("/o/n")))).toBe("EINVAL");
  });
});

test("entries are made only when somebody looks", () => {
  const fileSystem = overlay();
  readAll("/o/m/d/a");
  const known = fileSystem.root.known("d") as OverlayEntry;
  expect([known.known("a")?.name, known.known("b"), fileSystem.root.known("e")]).toEqual([
    "a",
    undefined,
    undefined,
  ]);
});
