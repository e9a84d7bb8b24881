/**
 * Archives that try to write outside their directory, one by one as containerd's own suite names them
 * (TestBreakouts of pkg/archive), and what must have come of each. Whatever the archive does, the
 * directory beside the target is the same afterwards, to the byte, the mode and the link count.
 */
import { lstat, mkdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RuntimeError } from "../kernel/errors.ts";
import { describeTree, UnpackFixture } from "./fixtures/unpack-fixture.ts";
import { type TarFile, writeTar } from "./tar-writer.ts";

const dir = (name: string, mode = 0o755): TarFile => ({ name, type: "directory", mode });
const file = (name: string, text = ""): TarFile => ({ name, data: Buffer.from(text) });
const symlink = (link: string, name: string): TarFile => ({ name, type: "symlink", link });
const hardlink = (link: string, name: string): TarFile => ({ name, type: "hardlink", link });

interface Breakout {
  readonly name: string;
  /** What the layer below has. */
  readonly below?: readonly TarFile[];
  readonly files: readonly TarFile[];
  /** Undefined: the archive is refused. */
  readonly check?: (at: UnpackFixture) => Promise<void>;
}

const contains =
  (path: string, text: string) =>
  async (at: UnpackFixture): Promise<void> =>
    expect(await at.read(path)).toBe(text);

const sameFile =
  (one: string, other: string) =>
  async (at: UnpackFixture): Promise<void> => {
    expect(await at.inode(one)).toBe(await at.inode(other));
    expect(await at.read("etc/passwd")).toBe("inside");
  };

/** Gone in this layer; for the layers below there is a whiteout. */
const isWhiteout = async (at: UnpackFixture, path: string): Promise<void> => {
  const stat = await lstat(join(at.root, path));
  expect([stat.isCharacterDevice(), stat.rdev]).toEqual([true, 0]);
};

const etc = [dir("etc", 0o770), file("/etc/passwd", "inside")];

const breakouts: readonly Breakout[] = [
  {
    name: "SymlinkAbsolute",
    files: [dir("etc"), symlink("/etc", "localetc"), file("/localetc/unbroken", "unbroken")],
    check: contains("etc/unbroken", "unbroken"),
  },
  {
    name: "SymlinkUpAndOut",
    files: [
      dir("etc"),
      dir("dummy"),
      symlink("/dummy/../etc", "localetc"),
      file("/localetc/unbroken", "unbroken"),
    ],
    check: contains("etc/unbroken", "unbroken"),
  },
  {
    name: "SymlinkMultipleAbsolute",
    files: [
      dir("etc"),
      dir("dummy"),
      symlink("/etc", "/dummy/etc"),
      symlink("/dummy/etc", "localetc"),
      file("/dummy/etc/unbroken", "unbroken"),
    ],
    check: contains("etc/unbroken", "unbroken"),
  },
  {
    name: "SymlinkMultipleRelative",
    files: [
      dir("etc"),
      dir("dummy"),
      symlink("/etc", "/dummy/etc"),
      symlink("./dummy/etc", "localetc"),
      file("/dummy/etc/unbroken", "unbroken"),
    ],
    check: contains("etc/unbroken", "unbroken"),
  },
  {
    name: "SymlinkEmptyFile",
    files: [
      dir("etc"),
      file("etc/emptied", "notempty"),
      symlink("/etc", "localetc"),
      file("/localetc/emptied"),
    ],
    check: contains("etc/emptied", ""),
  },
  {
    name: "HardlinkRelative",
    files: [
      ...etc,
      dir("breakouts"),
      symlink("../../etc", "breakouts/d1"),
      hardlink("/breakouts/d1/passwd", "breakouts/mypasswd"),
    ],
    check: sameFile("breakouts/mypasswd", "etc/passwd"),
  },
  {
    name: "HardlinkDownAndOut",
    files: [
      ...etc,
      dir("breakouts"),
      dir("downandout"),
      symlink("../downandout/../../etc", "breakouts/d1"),
      hardlink("/breakouts/d1/passwd", "breakouts/mypasswd"),
    ],
    check: sameFile("breakouts/mypasswd", "etc/passwd"),
  },
  {
    name: "HardlinkAbsolute",
    files: [...etc, symlink("/etc", "localetc"), hardlink("/localetc/passwd", "localpasswd")],
    check: sameFile("localpasswd", "etc/passwd"),
  },
  {
    name: "HardlinkRelativeLong",
    files: [
      ...etc,
      symlink("../../../../../../../etc", "localetc"),
      hardlink("/localetc/passwd", "localpasswd"),
    ],
    check: sameFile("localpasswd", "etc/passwd"),
  },
  {
    name: "HardlinkRelativeUpAndOut",
    files: [
      ...etc,
      symlink("upandout/../../../etc", "localetc"),
      hardlink("/localetc/passwd", "localpasswd"),
    ],
    check: sameFile("localpasswd", "etc/passwd"),
  },
  {
    name: "HardlinkDirectRelative",
    files: [...etc, hardlink("../../../../../etc/passwd", "localpasswd")],
    check: sameFile("localpasswd", "etc/passwd"),
  },
  {
    name: "HardlinkDirectAbsolute",
    files: [...etc, hardlink("/etc/passwd", "localpasswd")],
    check: sameFile("localpasswd", "etc/passwd"),
  },
  {
    name: "SymlinkParentDirectory",
    files: [...etc, symlink("/etc/", ".."), hardlink("/etc/passwd", "localpasswd")],
    check: sameFile("localpasswd", "etc/passwd"),
  },
  {
    name: "SymlinkEmptyFilename",
    files: [...etc, symlink("/etc/", ""), hardlink("/etc/passwd", "localpasswd")],
    check: sameFile("localpasswd", "etc/passwd"),
  },
  {
    name: "SymlinkParentRelative",
    files: [
      ...etc,
      symlink("/etc/", "localetc/sub/.."),
      hardlink("/etc/passwd", "/localetc/localpasswd"),
    ],
    check: sameFile("etc/localpasswd", "etc/passwd"),
  },
  {
    name: "SymlinkSlashEnded",
    files: [...etc, dir("localetc/"), hardlink("/etc/passwd", "/localetc/localpasswd")],
    check: sameFile("localetc/localpasswd", "etc/passwd"),
  },
  {
    name: "SymlinkOverrideDirectory",
    files: [
      ...etc,
      dir("localetc"),
      symlink("/etc", "localetc"),
      hardlink("/etc/passwd", "/localetc/localpasswd"),
    ],
    check: sameFile("etc/localpasswd", "etc/passwd"),
  },
  {
    name: "SymlinkOverrideDirectoryRelative",
    files: [
      ...etc,
      dir("localetc"),
      symlink("../../etc", "localetc"),
      hardlink("/etc/passwd", "/localetc/localpasswd"),
    ],
    check: sameFile("etc/localpasswd", "etc/passwd"),
  },
  {
    name: "DirectoryOverrideSymlink",
    files: [
      ...etc,
      symlink("/etc", "localetc"),
      dir("/localetc/"),
      hardlink("/etc/passwd", "/localetc/localpasswd"),
    ],
    check: sameFile("localetc/localpasswd", "etc/passwd"),
  },
  {
    name: "DirectoryOverrideSymlinkAndHardlink",
    files: [
      ...etc,
      symlink("etc", "localetc"),
      hardlink("/etc/passwd", "/localetc/localpasswd"),
      dir("/localetc/"),
      file("/localetc/localpasswd", "different"),
    ],
    check: async (at) => {
      expect(await at.inode("localetc/localpasswd")).not.toBe(await at.inode("etc/passwd"));
      expect(await at.read("etc/passwd")).toBe("inside");
    },
  },
  { name: "WhiteoutRootParent", files: [...etc, file(".wh...")] },
  { name: "WhiteoutParent", files: [...etc, file("etc/.wh...")] },
  { name: "WhiteoutRoot", files: [...etc, file(".wh..")] },
  { name: "WhiteoutCurrentDirectory", files: [...etc, file("etc/.wh..")] },
  { name: "WhiteoutNameless", files: [...etc, file("etc/.wh.")] },
  {
    name: "WhiteoutSymlink",
    below: [symlink("/etc", "localetc")],
    files: [...etc, file(".wh.localetc")],
    check: async (at) => {
      await isWhiteout(at, "localetc");
      expect(await at.read("etc/passwd")).toBe("inside");
    },
  },
  {
    name: "WhiteoutSymlinkPath",
    files: [...etc, symlink("/etc", "localetc"), file("localetc/.wh.whitedout")],
    check: async (at) => {
      await isWhiteout(at, "etc/whitedout");
      expect(await at.read("etc/passwd")).toBe("inside");
    },
  },
  {
    name: "WhiteoutDirectoryName",
    files: [...etc, file(".wh.etc/somefile", "non-empty")],
    check: async (at) => {
      expect(await at.read(".wh.etc/somefile")).toBe("non-empty");
      expect(await at.read("etc/passwd")).toBe("inside");
    },
  },
  {
    name: "WhiteoutDeadSymlinkParent",
    files: [...etc, symlink("/dne", "localetc"), file("localetc/.wh.etc")],
    check: async (at) => {
      await isWhiteout(at, "dne/etc");
      expect(await at.read("etc/passwd")).toBe("inside");
    },
  },
  {
    name: "WhiteoutRelativePath",
    below: etc,
    files: [symlink("/dne", "localetc"), file("dne/../.wh.etc")],
    check: (at) => isWhiteout(at, "etc"),
  },
  {
    name: "SymlinkOverridePath",
    files: [
      ...etc,
      symlink("/etc", "a"),
      dir("a/b"),
      symlink("../../../outside", "a/b"),
      file("a/b/planted", "x"),
    ],
    check: contains("outside/planted", "x"),
  },
  {
    name: "HardlinkSymlinkBeforeCreateTarget",
    files: [
      dir("etc"),
      symlink("/etc/passwd", "localpasswd"),
      hardlink("localpasswd", "localpasswd-dup"),
      file("/etc/passwd", "after"),
    ],
    check: async (at) => {
      expect(await readlink(join(at.root, "localpasswd-dup"))).toBe("/etc/passwd");
      expect(await at.inode("localpasswd-dup")).toBe(await at.inode("localpasswd"));
      expect(await at.read("etc/passwd")).toBe("after");
    },
  },
  {
    name: "HardlinkSymlinkRelative",
    files: [
      ...etc,
      symlink("../../../../../etc/passwd", "passwdlink"),
      hardlink("/passwdlink", "localpasswd"),
    ],
    check: async (at) => {
      expect(await readlink(join(at.root, "localpasswd"))).toBe("../../../../../etc/passwd");
      expect(await at.inode("localpasswd")).toBe(await at.inode("passwdlink"));
    },
  },
  {
    name: "HardlinkSymlinkAbsolute",
    files: [...etc, symlink("/etc/passwd", "passwdlink"), hardlink("/passwdlink", "localpasswd")],
    check: async (at) => {
      expect(await readlink(join(at.root, "localpasswd"))).toBe("/etc/passwd");
      expect(await at.inode("localpasswd")).toBe(await at.inode("passwdlink"));
    },
  },
];

describe("archives that try to break out", () => {
  let at: UnpackFixture;
  let before: readonly string[];

  beforeEach(async () => {
    at = await UnpackFixture.make();
    before = await describeTree(at.outside);
  });

  afterEach(async () => {
    expect(await describeTree(at.outside)).toEqual(before);
    await at.remove();
  });

  async function lowerOf(files: readonly TarFile[] = []): Promise<readonly string[]> {
    const lower = join(at.directory, "below");
    await mkdir(lower);
    await at.unpackBytes(writeTar(files), { target: lower });
    return [lower];
  }

  test.each(breakouts)("$name", async ({ files, below, check }) => {
    if (check === undefined) {
      await expect(at.unpack(files)).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
      expect(await describeTree(at.root)).toHaveLength(1);
      return;
    }
    await at.unpack(files, await lowerOf(below));
    await check(at);
  });

  test("HardlinkSymlinkChmod (CVE-2021-32760): a link to a symlink to a file outside changes nothing of it", async () => {
    const target = join(at.outside, "perm640");
    const link = join(at.outside, "link");
    await at.unpack([symlink(target, link), { ...hardlink(link, "sketchy"), mode: 0o777 }]);
    expect(await readlink(join(at.root, "sketchy"))).toBe(target);
  });

  const outsidePaths = (): readonly string[] => {
    const up = "../".repeat(12);
    return [
      at.outside,
      `${up}${at.outside.slice(1)}`,
      `/proc/self/root${at.outside}`,
      `/proc/1/root${at.outside}`,
    ];
  };

  test("files through symlinks to the outside, however it is spelled, land inside", async () => {
    for (const [index, path] of outsidePaths().entries()) {
      await at.unpack([
        symlink(path, `way${index}`),
        file(`way${index}/etc/passwd`, "planted"),
        file(`way${index}/new`, "planted"),
      ]);
    }
    expect(await at.read(`${at.outside}/etc/passwd`)).toBe("planted");
  });

  test("names with .. and absolute names stay below the root", async () => {
    const [absolute = "", relative = ""] = outsidePaths();
    await at.unpack([
      file(`${absolute}/new`, "a"),
      file(`${relative}/new2`, "b"),
      dir(`${relative}/etc`, 0o700),
    ]);
    expect(await at.read(`${at.outside}/new`)).toBe("a");
    expect(await at.read(`${at.outside}/new2`)).toBe("b");
  });

  test("hard links to files outside are refused: there is no such file in here", async () => {
    for (const path of outsidePaths()) {
      const error = await at
        .unpack([hardlink(`${path}/etc/passwd`, "stolen")])
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RuntimeError);
      expect(error).toMatchObject({ code: "FAILED_PRECONDITION" });
    }
  });

  test("whiteouts and opaque marks through symlinks to the outside change the inside only", async () => {
    await at.unpack([
      symlink(at.outside, "way"),
      file("way/.wh.perm640"),
      file("way/etc/.wh..wh..opq"),
    ]);
    await isWhiteout(at, `${at.outside}/perm640`);
  });
});
