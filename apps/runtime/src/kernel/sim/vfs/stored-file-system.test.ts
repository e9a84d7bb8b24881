import { beforeEach, describe, expect, test } from "vitest";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  MS_REMOUNT,
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../abi.ts";
import type { Process } from "../process/process.ts";
import {
  close,
  ftruncate,
  getdents,
  linkat,
  lseek,
  mkdirat,
  openat2,
  readNow,
  renameat,
  statat,
  statfs,
  unlinkat,
  writeNow,
} from "../syscall/file.ts";
import { bytes, errnoOf, type FileBed, fileBed, text } from "./file-bed.ts";
import { putDirectory, putFile, putSymlink } from "./put-file.ts";

let bed: FileBed;
let root: Process;

beforeEach(() => {
  bed = fileBed();
  root = bed.root;
  mkdirat(root, AT_FDCWD, "/w", 0o755);
});

const create = (path: string): number =>
  openat2(root, AT_FDCWD, path, { flags: O_RDWR | O_CREAT, mode: 0o644 });

function names(path: string): string[] {
  const fd = openat2(root, AT_FDCWD, path, { flags: 0 });
  const found = getdents(root, fd).map(({ name }) => name);
  expect(getdents(root, fd)).toEqual([]);
  close(root, fd);
  return found;
}

function readAll(path: string): string {
  const fd = openat2(root, AT_FDCWD, path, { flags: 0 });
  const content = text(readNow(root, fd, 1000));
  close(root, fd);
  return content;
}

describe("bytes", () => {
  test("are where they were written; holes and what was cut off are zeros", () => {
    const fd = create("/w/f");
    writeNow(root, fd, bytes("abc"));
    lseek(root, fd, 5);
    writeNow(root, fd, bytes("xy"));
    expect(readAll("/w/f")).toBe("abc\0\0xy");
    ftruncate(root, fd, 1);
    ftruncate(root, fd, 3);
    expect(readAll("/w/f")).toBe("a\0\0");
    lseek(root, fd, 2);
    writeNow(root, fd, bytes("z"));
    expect(readAll("/w/f")).toBe("a\0z");
  });

  test("append goes to the end, truncation at open empties", () => {
    writeNow(root, create("/w/f"), bytes("one"));
    const end = openat2(root, AT_FDCWD, "/w/f", { flags: O_WRONLY | O_APPEND });
    writeNow(root, end, bytes(" two"));
    expect(readAll("/w/f")).toBe("one two");
    openat2(root, AT_FDCWD, "/w/f", { flags: O_RDONLY | O_TRUNC });
    expect(statat(root, AT_FDCWD, "/w/f").size).toBe(0);
  });

  test("of an installed file are shared until somebody writes", () => {
    const content = bytes("image");
    const { fileSystem } = root.root.mount;
    putFile(fileSystem, "/w/a", content);
    putFile(fileSystem, "/w/b", content);
    const fd = openat2(root, AT_FDCWD, "/w/a", { flags: O_RDWR });
    writeNow(root, fd, bytes("I"));
    expect([readAll("/w/a"), readAll("/w/b"), text(content)]).toEqual(["Image", "image", "image"]);
  });

  test("RLIMIT_FSIZE cuts a write and then refuses it", () => {
    root.rlimits = { ...root.rlimits, fsize: { soft: 4, hard: 4 } };
    const fd = create("/w/f");
    expect(errnoOf(() => writeNow(root, fd, bytes("abcdef")))).toBe("EFBIG");
    expect(readAll("/w/f")).toBe("abcd");
  });
});

describe("names", () => {
  test("are listed in order, once, and counted in links", () => {
    for (const name of ["b", "a", "c"]) mkdirat(root, AT_FDCWD, `/w/${name}`, 0o755);
    expect(names("/w")).toEqual(["a", "b", "c"]);
    expect(statat(root, AT_FDCWD, "/w").nlink).toBe(5);
    renameat(root, AT_FDCWD, "/w/a", AT_FDCWD, "/w/b/a");
    expect(statat(root, AT_FDCWD, "/w").nlink).toBe(4);
    expect(statat(root, AT_FDCWD, "/w/b").nlink).toBe(3);
    unlinkat(root, AT_FDCWD, "/w/b/a", AT_REMOVEDIR);
    expect(errnoOf(() => unlinkat(root, AT_FDCWD, "/w", AT_REMOVEDIR))).toBe("ENOTEMPTY");
  });

  test("rename replaces what fits and refuses what does not", () => {
    const rename = (from: string, to: string): string =>
      errnoOf(() => renameat(root, AT_FDCWD, `/w/${from}`, AT_FDCWD, `/w/${to}`));
    writeNow(root, create("/w/f"), bytes("f"));
    writeNow(root, create("/w/g"), bytes("g"));
    mkdirat(root, AT_FDCWD, "/w/d", 0o755);
    mkdirat(root, AT_FDCWD, "/w/full", 0o755);
    create("/w/full/x");
    expect(rename("f", "d")).toBe("EISDIR");
    expect(rename("d", "f")).toBe("ENOTDIR");
    expect(rename("d", "full")).toBe("ENOTEMPTY");
    expect(rename("full", "d")).toBe("ok");
    expect(rename("f", "g")).toBe("ok");
    expect(rename("f", "g")).toBe("ENOENT");
    expect(rename("g/", "h")).toBe("ENOTDIR");
    expect([readAll("/w/g"), names("/w"), names("/w/d")]).toEqual(["f", ["d", "g"], ["x"]]);
  });

  test("a removed file lives on in who has it open", () => {
    const fd = create("/w/f");
    unlinkat(root, AT_FDCWD, "/w/f");
    writeNow(root, fd, bytes("still"));
    lseek(root, fd, 0);
    expect(text(readNow(root, fd, 9))).toBe("still");
    expect(root.fds.get(fd)?.point?.dentry.deleted).toBe(true);
  });

  test("hard links are one file", () => {
    const fd = create("/w/f");
    linkat(root, AT_FDCWD, "/w/f", AT_FDCWD, "/w/g");
    writeNow(root, fd, bytes("both"));
    unlinkat(root, AT_FDCWD, "/w/f");
    expect(readAll("/w/g")).toBe("both");
    expect(statat(root, AT_FDCWD, "/w/g").nlink).toBe(1);
  });
});

describe("tmpfs", () => {
  test("is full at its size and has room again when a file goes", () => {
    bed.tmpfs("/w", "size=8k,mode=700");
    expect(statat(root, AT_FDCWD, "/w").mode).toBe(0o700);
    const fd = create("/w/f");
    expect(errnoOf(() => writeNow(root, fd, new Uint8Array(9000)))).toBe("ENOSPC");
    expect(statat(root, AT_FDCWD, "/w/f").size).toBe(8192);
    expect(statfs(root, "/w")).toMatchObject({ totalBytes: 8192, freeBytes: 0, type: "tmpfs" });
    unlinkat(root, AT_FDCWD, "/w/f");
    expect(writeNow(root, create("/w/g"), new Uint8Array(8192))).toBe(8192);
  });

  test("counts inodes, its root too", () => {
    bed.tmpfs("/w", "nr_inodes=3");
    create("/w/a");
    create("/w/b");
    expect(errnoOf(() => create("/w/c"))).toBe("ENOSPC");
  });

  test.each([
    ["size=64k", "size=64k"],
    ["size=5000", "size=8k"],
    ["nr_blocks=4", "size=16k"],
    ["size=64m,size=32m", "size=32768k"],
    ["size=0", "size=0k"],
    ["mode=55,uid=7", "mode=055,uid=7"],
    ["nr_inodes=10", "nr_inodes=10"],
    ["mode=1777", ""],
    ["size=", "EINVAL"],
    ["size=abc", "EINVAL"],
    ["mode=888", "EINVAL"],
    ["bogus=1", "EINVAL"],
  ])("%s is shown as %s", (data, shown) => {
    const errno = errnoOf(() => bed.tmpfs("/w", data));
    const mounted = [...root.namespaces.mnt.mounts].at(-1);
    expect(errno === "ok" ? mounted?.fileSystem.options : errno).toBe(shown);
  });
});

describe("remounting a tmpfs", () => {
  const remount = (data: string): string => errnoOf(() => bed.tmpfs("/w", data, MS_REMOUNT));
  const shown = (): string | undefined =>
    [...root.namespaces.mnt.mounts].at(-1)?.fileSystem.options;

  test("changes its size, but not to less than is used, and nothing else", () => {
    bed.tmpfs("/w", "size=64k,mode=755");
    writeNow(root, create("/w/f"), new Uint8Array(20_000));
    expect([remount("size=32k"), shown()]).toEqual(["ok", "size=32k,mode=755"]);
    expect([remount("size=8k"), remount("nr_inodes=1"), remount("bogus")]).toEqual([
      "EINVAL",
      "EINVAL",
      "EINVAL",
    ]);
    expect([remount("mode=700,nr_inodes=9"), shown()]).toEqual([
      "ok",
      "size=32k,nr_inodes=9,mode=755",
    ]);
    const fd = openat2(root, AT_FDCWD, "/w/f", { flags: O_RDWR });
    expect(errnoOf(() => writeNow(root, fd, new Uint8Array(40_000)))).toBe("ENOSPC");
    expect([remount("size=0"), remount("size=1m")]).toEqual(["ok", "EINVAL"]);
    expect(writeNow(root, fd, new Uint8Array(40_000))).toBe(40_000);
  });
});

describe("the host's root", () => {
  test("has what a distribution has", () => {
    expect(names("/")).toEqual(
      "bin boot dev etc home lib media mnt opt proc root run sbin srv sys tmp usr var w".split(" "),
    );
    expect(readAll("/etc/hostname")).toBe("bed\n");
    expect(statat(root, AT_FDCWD, "/etc/shadow").mode).toBe(0o600);
    expect(statat(root, AT_FDCWD, "/bin").type).toBe("directory");
    expect(statat(root, AT_FDCWD, "/tmp").mode).toBe(0o1777);
  });

  test("takes files without a process", () => {
    const { fileSystem } = root.root.mount;
    putDirectory(fileSystem, "/opt/a/b", 0o700);
    putFile(fileSystem, "/opt/x/y/f", "text", 0o755);
    putFile(fileSystem, "/opt/x/y/f", "newer", 0o755);
    putSymlink(fileSystem, "/opt/link", "x/y/f");
    expect(readAll("/opt/link")).toBe("newer");
    expect(statat(root, AT_FDCWD, "/opt/a/b").mode).toBe(0o700);
    expect(statat(root, AT_FDCWD, "/opt/x").mode).toBe(0o755);
  });
});
