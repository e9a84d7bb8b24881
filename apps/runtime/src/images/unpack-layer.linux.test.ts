/** Layers as they should be, layers that blow up, and what a real overlayfs mount shows of them. */
import { execFileSync } from "node:child_process";
import { lstat, mkdir, readdir, readlink, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestOf } from "./digest.ts";
import { describeTree, UnpackFixture } from "./fixtures/unpack-fixture.ts";
import { type TarFile, writeTar } from "./tar-writer.ts";

const dir = (name: string, mode = 0o755): TarFile => ({ name, type: "directory", mode });
const file = (name: string, text = ""): TarFile => ({ name, data: Buffer.from(text) });

let at: UnpackFixture;

beforeEach(async () => {
  at = await UnpackFixture.make();
});

afterEach(() => at.remove());

const run = (program: string, ...words: string[]): string =>
  execFileSync(program, words, { encoding: "utf8" });

describe("a layer", () => {
  test("keeps types, modes, owners, times, capabilities and ACL-free xattrs", async () => {
    const capability = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    await at.unpack([
      { ...dir("d", 0o1777), mtime: 1000, uid: 5, gid: 6 },
      {
        name: "d/suid",
        mode: 0o6755,
        uid: 1001,
        gid: 1002,
        mtime: 1234,
        data: Buffer.from("x"),
        pax: { "SCHILY.xattr.security.capability": capability, "SCHILY.xattr.user.note": "hi" },
      },
      { name: "d/hard", type: "hardlink", link: "d/suid" },
      { name: "d/soft", type: "symlink", link: "/nowhere", uid: 7, mtime: 99 },
      { name: "d/null", type: "char", major: 1, minor: 3, mode: 0o666 },
      { name: "d/disk", type: "block", major: 7, minor: 200, mode: 0o600 },
      { name: "d/pipe", type: "fifo", mode: 0o640 },
    ]);
    const suid = await stat(join(at.root, "d/suid"));
    expect([suid.mode & 0o7777, suid.uid, suid.gid, suid.mtimeMs, suid.nlink]).toEqual([
      0o6755, 1001, 1002, 1_234_000, 2,
    ]);
    const made = await stat(join(at.root, "d"));
    expect([made.mode & 0o7777, made.uid, made.gid, made.mtimeMs]).toEqual([
      0o1777, 5, 6, 1_000_000,
    ]);
    const soft = await lstat(join(at.root, "d/soft"));
    expect([await readlink(join(at.root, "d/soft")), soft.uid, soft.mtimeMs]).toEqual([
      "/nowhere",
      7,
      99_000,
    ]);
    expect((await lstat(join(at.root, "d/null"))).rdev).toBe((1 << 8) | 3);
    expect((await lstat(join(at.root, "d/disk"))).isBlockDevice()).toBe(true);
    expect((await lstat(join(at.root, "d/pipe"))).isFIFO()).toBe(true);
    const attributes = run(
      "python3",
      "-c",
      "import os,sys;print({n:os.getxattr(sys.argv[1],n) for n in os.listxattr(sys.argv[1])})",
      join(at.root, "d/suid"),
    );
    expect(attributes).toContain("'user.note': b'hi'");
    expect(attributes).toContain("'security.capability': b'\\x01\\x00\\x00\\x02\\x00 ");
  });

  test("of GNU tar itself, long and odd names too, is what tar says it is", async () => {
    const source = join(at.directory, "source");
    await mkdir(join(source, "a".repeat(120), "b".repeat(120)), { recursive: true });
    await writeFile(join(source, "a".repeat(120), "b".repeat(120), "c".repeat(200)), "deep");
    await writeFile(Buffer.from(`${source}/\xff\xfe not utf-8`, "latin1"), "bytes");
    await writeFile(join(source, "12345"), "digits");
    run("ln", "-s", "x".repeat(300), join(source, "long link"));
    for (const format of ["gnu", "pax", "ustar"]) {
      const archive = join(at.directory, `${format}.tar`);
      if (format === "ustar")
        run("rm", "-r", join(source, "a".repeat(120)), join(source, "long link"));
      run("tar", `--format=${format}`, "-cf", archive, "-C", source, ".");
      const target = join(at.directory, format);
      await mkdir(target);
      await at.unpackBytes(execFileSync("cat", [archive], { maxBuffer: 1 << 24 }), { target });
      expect(run("tar", "-df", archive, "-C", target)).toBe("");
    }
  });

  test("in gzip, several members, and zstd, several frames, comes out the same", async () => {
    const archive = writeTar([file("a", "x".repeat(100_000)), file("b", "y")]);
    const [one, two] = [archive.subarray(0, 70_000), archive.subarray(70_000)];
    const diffId = digestOf(archive);
    const skip = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    for (const blob of [
      archive,
      gzipSync(archive),
      Buffer.concat([gzipSync(one), gzipSync(two)]),
      zstdCompressSync(archive),
      Buffer.concat([skip, zstdCompressSync(one), skip, zstdCompressSync(two), skip]),
    ]) {
      const result = await at.unpackBytes(blob, { diffId });
      expect(result).toMatchObject({ entries: 2, bytes: archive.length });
      expect((await at.read("a")).length).toBe(100_000);
    }
  });

  test("leaves out attributes that belong to the host or to overlayfs, and counts them", async () => {
    const pax = {
      "SCHILY.xattr.trusted.overlay.redirect": "/../../../etc",
      "SCHILY.xattr.trusted.overlay.opaque": "y",
      "SCHILY.xattr.user.overlay.opaque": "y",
      "SCHILY.xattr.security.selinux": "system_u",
      "SCHILY.xattr.user.ok": "1",
    };
    const result = await at.unpack([{ ...dir("d"), pax }]);
    expect(result.droppedXattrs).toBe(4);
    expect(
      run(
        "python3",
        "-c",
        "import os,sys;print(os.listxattr(sys.argv[1]))",
        join(at.root, "d"),
      ).trim(),
    ).toBe("['user.ok']");
  });

  test("gives implied directories the looks of those below", async () => {
    const below = join(at.directory, "below");
    await mkdir(below);
    await at.unpackBytes(writeTar([{ ...dir("tmp", 0o1777), uid: 3, mtime: 50 }]), {
      target: below,
    });
    await at.unpack([file("tmp/new"), file("fresh/new")], [below]);
    const tmp = await stat(join(at.root, "tmp"));
    expect([tmp.mode & 0o7777, tmp.uid, tmp.mtimeMs]).toEqual([0o1777, 3, 50_000]);
    expect((await stat(join(at.root, "fresh"))).mode & 0o7777).toBe(0o755);
  });
});

describe("a bad layer is refused in words, quickly, and leaves nothing", () => {
  const archive = writeTar([file("a", "x".repeat(50_000))]);
  const gz = gzipSync(archive);
  const zs = zstdCompressSync(archive);
  const deep = (levels: number) => writeTar([file(`${"d/".repeat(levels)}f`)]);

  test.each<readonly [string, Uint8Array, string, RegExp]>([
    ["with another diff id", gz, "DATA_LOSS", /diff id/],
    ["of truncated gzip", gz.subarray(0, gz.length - 5), "FAILED_PRECONDITION", /decompressed/],
    ["of truncated zstd", zs.subarray(0, zs.length - 5), "FAILED_PRECONDITION", /cut off/],
    [
      "of gzip with garbage behind",
      Buffer.concat([gz, Buffer.from("garbage")]),
      "FAILED_PRECONDITION",
      /decompressed/,
    ],
    [
      "of zstd with garbage behind",
      Buffer.concat([zs, Buffer.from("garbage")]),
      "FAILED_PRECONDITION",
      /zstd/,
    ],
    [
      "of gzip that is no gzip inside",
      gz.with(20, (gz[20] ?? 0) ^ 0xff),
      "FAILED_PRECONDITION",
      /./,
    ],
    ["that is no archive", Buffer.alloc(5000, "z"), "FAILED_PRECONDITION", /checksum/],
    ["with names 5000 directories deep", deep(5000), "FAILED_PRECONDITION", /longer than 4095/],
    [
      "with a file on the way",
      writeTar([file("a"), file("a/b")]),
      "FAILED_PRECONDITION",
      /ENOTDIR/,
    ],
    [
      "with a hard link to nothing",
      writeTar([{ name: "l", type: "hardlink", link: "none" }]),
      "FAILED_PRECONDITION",
      /ENOENT/,
    ],
    [
      "with symlinks in a circle",
      writeTar([{ name: "l", type: "symlink", link: "l" }, file("l/x")]),
      "FAILED_PRECONDITION",
      /ELOOP/,
    ],
    [
      "with a hard link to a directory",
      writeTar([dir("d"), { name: "l", type: "hardlink", link: "d" }]),
      "FAILED_PRECONDITION",
      /EPERM/,
    ],
    [
      "with 64 KiB of attribute name",
      writeTar([{ ...file("x"), pax: { [`SCHILY.xattr.user.${"n".repeat(65536)}`]: "1" } }]),
      "FAILED_PRECONDITION",
      /attribute/,
    ],
  ])("%s", async (name, blob, code, message) => {
    const diffId = name.includes("another")
      ? `sha256:${"0".repeat(64)}`
      : digestOf(blob[0] === 0x1f || blob[0] === 0x28 ? archive : blob);
    const began = performance.now();
    await expect(at.unpackBytes(blob, { diffId })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(performance.now() - began).toBeLessThan(5000);
    expect(await readdir(at.root)).toEqual([]);
  });

  test("a terminal's control characters in a name do not reach the message", async () => {
    const name = "a\u001b[31m\nb";
    const error: unknown = await at
      .unpack([file(name), file(`${name}/x`)])
      .catch((reason: unknown) => reason);
    expect(String(error)).toContain("a\\x1b[31m\\x0ab");
  });

  test("a bomb of zeros stops at the ratio, not at the disk", async () => {
    const zeros = Buffer.concat([writeTar([{ name: "zeros", data: Buffer.alloc(200 << 20) }])]);
    const bomb = gzipSync(zeros, { level: 9 });
    expect(bomb.length).toBeLessThan(1 << 20);
    await expect(at.unpackBytes(bomb, { diffId: digestOf(zeros) })).rejects.toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      message: expect.stringMatching(/200 times/),
    });
    expect(await readdir(at.root)).toEqual([]);
  });

  test("limits of size and of entries", async () => {
    const many = writeTar(Array.from({ length: 50 }, (_, index) => file(`f${index}`)));
    await expect(at.unpackBytes(many, { limits: { entriesMax: 49 } })).rejects.toMatchObject({
      message: expect.stringMatching(/49 entries/),
    });
    await expect(at.unpackBytes(many, { limits: { bytesMax: 1000 } })).rejects.toMatchObject({
      code: "RESOURCE_EXHAUSTED",
    });
  });

  test("a full disk is RESOURCE_EXHAUSTED; afterwards there is room again", async () => {
    const small = join(at.directory, "small");
    await mkdir(small);
    run("mount", "-t", "tmpfs", "-o", "size=1m", "vt-small", small);
    try {
      await mkdir(join(small, "fs"));
      const big = writeTar([{ name: "big", data: Buffer.alloc(4 << 20, "b") }]);
      const unpacking = at.unpackBytes(big, { target: join(small, "fs") });
      await expect(unpacking).rejects.toMatchObject({
        code: "RESOURCE_EXHAUSTED",
        message: expect.stringMatching(/no space left/),
      });
      expect(await readdir(join(small, "fs"))).toEqual([]);
      await at.unpackBytes(writeTar([file("fits", "x".repeat(500_000))]), {
        target: join(small, "fs"),
      });
    } finally {
      run("umount", small);
    }
  });
});

describe("through a real overlayfs", () => {
  const mounts: string[] = [];

  afterEach(() => {
    for (const mount of mounts.splice(0)) run("umount", mount);
  });

  /** Unpacks the layers, lowest first, and mounts them read-only. */
  async function overlay(...layers: readonly (readonly TarFile[])[]): Promise<string> {
    const directories: string[] = [];
    for (const [index, files] of layers.entries()) {
      const target = join(at.directory, `layer${index}`);
      await mkdir(target);
      await at.unpackBytes(writeTar(files), { target, lower: directories.toReversed() });
      directories.push(target);
    }
    await mkdir(join(at.directory, "empty"));
    const merged = join(at.directory, "merged");
    await mkdir(merged);
    const lower = [...directories.toReversed(), join(at.directory, "empty")].join(":");
    run("mount", "-t", "overlay", "-o", `ro,lowerdir=${lower}`, "overlay", merged);
    mounts.push(merged);
    return merged;
  }

  const names = async (path: string) =>
    (await describeTree(path)).map((line) => line.split(" ")[0]).filter((name) => name !== "");

  test("whiteouts hide files and directories, and nothing else", async () => {
    const merged = await overlay(
      [dir("a"), file("a/one"), file("a/two"), dir("b"), file("b/x")],
      [file("a/.wh.one"), file(".wh.b")],
    );
    expect(await names(merged)).toEqual(["/a", "/a/two"]);
  });

  test("an opaque directory shows only its own, whether its mark comes first or last", async () => {
    const below = [dir("a"), file("a/old"), dir("b"), file("b/old")];
    const merged = await overlay(below, [
      dir("a"),
      file("a/.wh..wh..opq"),
      file("a/new"),
      dir("b"),
      file("b/new"),
      file("b/.wh..wh..opq"),
    ]);
    expect(await names(merged)).toEqual(["/a", "/a/new", "/b", "/b/new"]);
  });

  test("a directory that is hidden and made anew in one layer shows nothing of the old, in either order", async () => {
    const below = [dir("a"), file("a/old"), dir("b"), file("b/old")];
    const merged = await overlay(below, [
      file(".wh.a"),
      dir("a"),
      file("a/new"),
      dir("b"),
      file("b/new"),
      file(".wh.b"),
    ]);
    expect(await names(merged)).toEqual(["/a", "/a/new", "/b", "/b/new"]);
  });

  test("a file takes the place of a directory, and the other way round", async () => {
    const merged = await overlay(
      [dir("a"), file("a/old"), file("b", "old")],
      [file("a", "file"), dir("b"), file("b/new")],
    );
    expect(await names(merged)).toEqual(["/a", "/b", "/b/new"]);
  });

  test("a layer that hides what is not there changes nothing", async () => {
    const merged = await overlay(
      [file("a")],
      [file(".wh.none"), file("none2/.wh.x"), file(".wh..wh.aufs"), file(".wh..wh.plnk")],
    );
    expect(await names(merged)).toEqual(["/a", "/none2"]);
  });

  test("whiteouts in a directory that a layer between had removed are no broken entries", async () => {
    const merged = await overlay(
      [dir("d"), file("d/x")],
      [file(".wh.d")],
      [dir("d"), file("d/.wh.x"), file("d/y")],
    );
    expect(await readdir(join(merged, "d"))).toEqual(["y"]);
  });
});
