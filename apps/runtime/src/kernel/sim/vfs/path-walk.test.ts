import { beforeEach, describe, expect, test } from "vitest";
import {
  AT_FDCWD,
  MS_BIND,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../abi.ts";
import {
  chdir,
  chroot,
  close,
  getcwd,
  mkdirat,
  openat2,
  readNow,
  renameat,
  statat,
  symlinkat,
  unlinkat,
  writeNow,
} from "../syscall/file.ts";
import { mount } from "../syscall/mount.ts";
import { bytes, errnoOf, type FileBed, fileBed, text } from "./file-bed.ts";

let bed: FileBed;

beforeEach(() => {
  bed = fileBed();
  mkdirat(bed.root, AT_FDCWD, "/w", 0o755);
  mkdirat(bed.root, AT_FDCWD, "/w/d", 0o755);
  put("/w/d/f", "f");
});

function put(path: string, content: string): void {
  const fd = openat2(bed.root, AT_FDCWD, path, { flags: O_RDWR | O_CREAT, mode: 0o644 });
  writeNow(bed.root, fd, bytes(content));
  close(bed.root, fd);
}

function link(target: string, path: string): void {
  symlinkat(bed.root, target, AT_FDCWD, path);
}

function stat(path: string): string {
  return errnoOf(() => statat(bed.root, AT_FDCWD, path));
}

function read(path: string): string {
  const fd = openat2(bed.root, AT_FDCWD, path, { flags: 0 });
  return text(readNow(bed.root, fd, 100));
}

/** openat2 below /w with these resolve flags. */
function resolved(path: string, resolve: number, flags = 0): string {
  const dir = openat2(bed.root, AT_FDCWD, "/w", { flags: O_PATH | O_DIRECTORY });
  return errnoOf(() => openat2(bed.root, dir, path, { flags, resolve }));
}

describe("a path", () => {
  test("goes through '.', '..', several slashes and links", () => {
    link("d/../d", "/w/here");
    link("/w/here/f", "/w/there");
    expect(read("//w/.//here/../d/f")).toBe("f");
    expect(read("/../../w/there")).toBe("f");
  });

  test("ends in ENOENT, ENOTDIR, ELOOP and ENAMETOOLONG", () => {
    link("loop", "/w/loop");
    link("nothing", "/w/dangling");
    expect(stat("")).toBe("ENOENT");
    expect(stat("/w/none")).toBe("ENOENT");
    expect(stat("/w/d/f/x")).toBe("ENOTDIR");
    expect(stat("/w/d/f/")).toBe("ENOTDIR");
    expect(stat("/w/d/f/..")).toBe("ENOTDIR");
    expect(stat("/w/loop")).toBe("ELOOP");
    expect(stat("/w/dangling")).toBe("ENOENT");
    expect(stat(`/${"n".repeat(256)}`)).toBe("ENAMETOOLONG");
    expect(stat(`/${"ü".repeat(128)}`)).toBe("ENAMETOOLONG");
    expect(stat(`/${"n".repeat(255)}`)).toBe("ENOENT");
    expect(stat("/w/".repeat(1365))).toBe("ENOENT");
    expect(stat("/w/".repeat(1366))).toBe("ENAMETOOLONG");
  });

  test("follows 40 links and no more", () => {
    link("d", "/w/l0");
    for (let n = 1; n <= 40; n++) link(`l${n - 1}`, `/w/l${n}`);
    expect(stat("/w/l39")).toBe("ok");
    expect(stat("/w/l40")).toBe("ELOOP");
  });

  test("a slash at the end follows a link and wants a directory", () => {
    link("d", "/w/tod");
    link("d/f", "/w/tof");
    const nofollow = { flags: O_PATH | O_NOFOLLOW };
    const type = (path: string): string => {
      const fd = openat2(bed.root, AT_FDCWD, path, nofollow);
      return bed.root.fds.get(fd)?.inode?.type ?? "";
    };
    expect(type("/w/tod")).toBe("symlink");
    expect(type("/w/tod/")).toBe("directory");
    expect(stat("/w/tof/")).toBe("ENOTDIR");
    const create = { flags: O_CREAT, mode: 0o600 };
    expect(errnoOf(() => openat2(bed.root, AT_FDCWD, "/w/new/", create))).toBe("EISDIR");
    expect(errnoOf(() => mkdirat(bed.root, AT_FDCWD, "/w/new/", 0o755))).toBe("ok");
  });

  test("creates through a dangling link, but not with O_EXCL", () => {
    link("made", "/w/dangling");
    put("/w/dangling", "x");
    expect(read("/w/made")).toBe("x");
    const exclusive = { flags: O_CREAT | 0o200, mode: 0o600 };
    expect(errnoOf(() => openat2(bed.root, AT_FDCWD, "/w/dangling", exclusive))).toBe("EEXIST");
  });

  test("names that no call can take or make", () => {
    expect(errnoOf(() => mkdirat(bed.root, AT_FDCWD, "/w/.", 0o755))).toBe("EEXIST");
    expect(errnoOf(() => mkdirat(bed.root, AT_FDCWD, "/", 0o755))).toBe("EEXIST");
    expect(errnoOf(() => unlinkat(bed.root, AT_FDCWD, "/w/d/.", 0x200))).toBe("EINVAL");
    expect(errnoOf(() => unlinkat(bed.root, AT_FDCWD, "/w/d/..", 0x200))).toBe("ENOTEMPTY");
    expect(errnoOf(() => unlinkat(bed.root, AT_FDCWD, "/", 0x200))).toBe("EBUSY");
    expect(errnoOf(() => unlinkat(bed.root, AT_FDCWD, "/w/d"))).toBe("EISDIR");
    expect(errnoOf(() => renameat(bed.root, AT_FDCWD, "/w/d/.", AT_FDCWD, "/w/e"))).toBe("EBUSY");
    expect(errnoOf(() => renameat(bed.root, AT_FDCWD, "/w", AT_FDCWD, "/w/d/w"))).toBe("EINVAL");
    expect(errnoOf(() => renameat(bed.root, AT_FDCWD, "/w/d/f", AT_FDCWD, "/w"))).toBe("ENOTEMPTY");
  });
});

describe("mounts on the way", () => {
  beforeEach(() => {
    mkdirat(bed.root, AT_FDCWD, "/w/m", 0o755);
    bed.tmpfs("/w/m");
    mkdirat(bed.root, AT_FDCWD, "/w/m/in", 0o755);
  });

  test("a walk goes onto the topmost and '..' comes back to where it sits", () => {
    bed.tmpfs("/w/m");
    put("/w/m/top", "t");
    expect(stat("/w/m/in")).toBe("ENOENT");
    expect(read("/w/m/../m/top")).toBe("t");
    expect(read("/w/m/../d/f")).toBe("f");
  });

  test("a bind of a directory ends at its own root", () => {
    mkdirat(bed.root, AT_FDCWD, "/w/b", 0o755);
    mount(bed.root, "/w/m/in", "/w/b", "", MS_BIND, "");
    expect(read("/w/b/../d/f")).toBe("f");
    chdir(bed.root, "/w/b");
    expect(getcwd(bed.root)).toBe("/w/b");
  });

  test("a mount point cannot be removed or renamed", () => {
    expect(errnoOf(() => unlinkat(bed.root, AT_FDCWD, "/w/m", 0x200))).toBe("EBUSY");
    expect(errnoOf(() => renameat(bed.root, AT_FDCWD, "/w/m", AT_FDCWD, "/w/n"))).toBe("EBUSY");
    expect(errnoOf(() => renameat(bed.root, AT_FDCWD, "/w/m/in", AT_FDCWD, "/w/in"))).toBe("EXDEV");
  });

  test("links on a nosymfollow mount are not followed", () => {
    mkdirat(bed.root, AT_FDCWD, "/w/n", 0o755);
    bed.tmpfs("/w/n", "", 256);
    link("/w/d", "/w/n/l");
    expect(stat("/w/n/l")).toBe("ELOOP");
  });
});

describe("a root of one's own", () => {
  test("is the ceiling for '..' and for absolute links", () => {
    link("/f", "/w/d/abs");
    chroot(bed.root, "/w/d");
    expect(read("/../../abs")).toBe("f");
    chdir(bed.root, "/");
    expect(getcwd(bed.root)).toBe("/");
  });

  test("a working directory outside of it is unreachable, a removed one gone", () => {
    mkdirat(bed.root, AT_FDCWD, "/w/gone", 0o755);
    chdir(bed.root, "/w/gone");
    unlinkat(bed.root, AT_FDCWD, "/w/gone", 0x200);
    expect(errnoOf(() => getcwd(bed.root))).toBe("ENOENT");
    expect(errnoOf(() => mkdirat(bed.root, AT_FDCWD, "x", 0o755))).toBe("ENOENT");
    chdir(bed.root, "/w");
    chroot(bed.root, "/w/d");
    expect(getcwd(bed.root)).toBe("(unreachable)/w");
  });
});

describe("resolve flags of openat2", () => {
  beforeEach(() => {
    link("/w/d", "/w/abs");
    link("../w/d", "/w/up");
    link("d", "/w/plain");
    mkdirat(bed.root, AT_FDCWD, "/w/m", 0o755);
    bed.tmpfs("/w/m");
  });

  test.each([
    ["d/f", RESOLVE_BENEATH, "ok"],
    ["d/../d/f", RESOLVE_BENEATH, "ok"],
    ["..", RESOLVE_BENEATH, "EXDEV"],
    ["/w/d", RESOLVE_BENEATH, "EXDEV"],
    ["abs/f", RESOLVE_BENEATH, "EXDEV"],
    ["up/f", RESOLVE_BENEATH, "EXDEV"],
    ["plain/f", RESOLVE_BENEATH, "ok"],
    ["../../d/f", RESOLVE_IN_ROOT, "ok"],
    ["/d/f", RESOLVE_IN_ROOT, "ok"],
    ["abs/f", RESOLVE_IN_ROOT, "ENOENT"],
    ["up/f", RESOLVE_IN_ROOT, "ENOENT"],
    ["m", RESOLVE_NO_XDEV, "EXDEV"],
    ["d/f", RESOLVE_NO_XDEV, "ok"],
    ["abs/f", RESOLVE_NO_XDEV, "EXDEV"],
    ["d/../abs/f", RESOLVE_NO_XDEV, "ok"],
    ["plain/f", RESOLVE_NO_SYMLINKS, "ELOOP"],
    ["plain", RESOLVE_NO_SYMLINKS, "ELOOP"],
    ["d/f", RESOLVE_NO_SYMLINKS, "ok"],
    ["d", RESOLVE_BENEATH | RESOLVE_IN_ROOT, "EINVAL"],
    ["d", 0x100, "EINVAL"],
  ])("%s with %d: %s", (path, resolve, expected) => {
    expect(resolved(path, resolve)).toBe(expected);
  });

  test("NO_SYMLINKS with O_NOFOLLOW takes the link itself", () => {
    expect(resolved("plain", RESOLVE_NO_SYMLINKS, O_PATH | O_NOFOLLOW)).toBe("ok");
    expect(resolved("plain", 0, O_NOFOLLOW)).toBe("ELOOP");
  });
});
