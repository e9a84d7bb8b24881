/** vitrine-unpack itself: what it refuses of its own parent, and how little it can see and do while it works. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { programs, UnpackFixture } from "./fixtures/unpack-fixture.ts";

const program = join(programs, "vitrine-unpack");

let at: UnpackFixture;

beforeEach(async () => {
  at = await UnpackFixture.make();
});

afterEach(() => at.remove());

interface Fields {
  readonly type: number;
  readonly path?: string;
  readonly link?: string;
  readonly mode?: number;
  readonly size?: bigint;
  readonly xattrCount?: number;
  readonly xattrs?: Buffer;
  /** Overrides what the header says of the path's length. */
  readonly pathLength?: number;
}

function record({ type, path = "", link = "", mode = 0o644, size = 0n, ...rest }: Fields): Buffer {
  const { xattrs = Buffer.alloc(0), xattrCount = 0, pathLength = path.length } = rest;
  const header = Buffer.alloc(52);
  header.writeUInt8(type, 0);
  header.writeUInt16LE(xattrCount, 2);
  header.writeUInt16LE(pathLength, 4);
  header.writeUInt16LE(link.length, 6);
  header.writeUInt32LE(mode, 8);
  header.writeBigUInt64LE(size, 32);
  header.writeUInt32LE(xattrs.length, 48);
  return Buffer.concat([header, Buffer.from(path, "latin1"), Buffer.from(link, "latin1"), xattrs]);
}

const [directory, file, hardlink, symlink, end] = [1, 2, 3, 4, 10];

function xattr(name: string, value: string, nameLength = name.length): Buffer {
  const lengths = Buffer.alloc(6);
  lengths.writeUInt16LE(nameLength, 0);
  lengths.writeUInt32LE(value.length, 2);
  return Buffer.concat([lengths, Buffer.from(name + value, "latin1")]);
}

async function feed(...records: readonly Buffer[]): Promise<{ code: unknown; message: string }> {
  const child = spawn(program, [at.root], { stdio: ["pipe", "ignore", "pipe"] });
  let message = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    message += text;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(Buffer.concat(records));
  const [code] = (await once(child, "close")) as [unknown];
  return { code, message: message.trim() };
}

test.each<readonly [string, readonly Buffer[], RegExp]>([
  ["an absolute path", [record({ type: file, path: "/etc/passwd" })], /EINVAL path/],
  ["a path with ..", [record({ type: file, path: "a/../../b" })], /EINVAL path/],
  ["a path with .", [record({ type: file, path: "./b" })], /EINVAL path/],
  ["an empty path", [record({ type: directory })], /EINVAL path/],
  ["a path with a slash at its end", [record({ type: directory, path: "a/" })], /EINVAL path/],
  ["a path with a NUL", [record({ type: file, path: "a\0b" })], /EINVAL path/],
  ["a path above the bound", [record({ type: file, path: "x", pathLength: 5000 })], /ENAMETOOLONG/],
  ["type 0", [record({ type: 0, path: "a" })], /EINVAL type/],
  ["type 11", [record({ type: 11, path: "a" })], /EINVAL type/],
  ["mode bits above 07777", [record({ type: file, path: "a", mode: 0o100644 })], /EINVAL fields/],
  ["data of a directory", [record({ type: directory, path: "a", size: 1n })], /EINVAL fields/],
  ["a hard link to ..", [record({ type: hardlink, path: "a", link: "x/.." })], /EINVAL target/],
  [
    "an attribute of trusted.*",
    [
      record({
        type: directory,
        path: "a",
        xattrCount: 1,
        xattrs: xattr("trusted.overlay.opaque", "y"),
      }),
    ],
    /EINVAL name/,
  ],
  [
    "attributes longer than they say",
    [record({ type: directory, path: "a", xattrCount: 1, xattrs: xattr("user.x", "y", 300) })],
    /EINVAL extended/,
  ],
  [
    "attributes shorter than they say",
    [record({ type: directory, path: "a", xattrCount: 0, xattrs: xattr("user.x", "y") })],
    /EINVAL extended/,
  ],
  [
    "too many attributes",
    [record({ type: directory, path: "a", xattrCount: 65, xattrs: xattr("user.x", "y") })],
    /E2BIG/,
  ],
  ["no end mark", [record({ type: directory, path: "a" })], /EPIPE/],
  [
    "less data than announced",
    [record({ type: file, path: "a", size: 1n << 60n }), Buffer.alloc(100)],
    /EPIPE/,
  ],
  ["nothing at all", [], /EPIPE/],
])("%s is refused", async (_name, records, message) => {
  const result = await feed(...records);
  expect(result.code).toBe(1);
  expect(result.message).toMatch(message);
});

test("a good stream ends with status 0 and no word", async () => {
  const records = [
    record({ type: directory, path: "d", mode: 0o755 }),
    record({ type: file, path: "d/f", size: 3n }),
    Buffer.from("abc"),
    record({ type: symlink, path: "l", link: "../../.." }),
    record({ type: end }),
  ];
  expect(await feed(...records)).toEqual({ code: 0, message: "" });
  expect(await at.read("d/f")).toBe("abc");
});

test("random bytes never get further than a refusal", async () => {
  let state = 7;
  for (let round = 0; round < 40; round++) {
    const bytes = Buffer.from(
      record({ type: 1 + (round % 9), path: "some/path", link: "link", size: 0n }),
    );
    for (let change = 0; change < 4; change++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      bytes[state % bytes.length] = state >>> 24;
    }
    const { code } = await feed(bytes);
    expect(code).toBe(1);
  }
});

test("while it works it sees the target only, with few capabilities, no new ones, and a filter", async () => {
  const child = spawn(program, [at.root], { stdio: ["pipe", "ignore", "ignore"] });
  const pid = child.pid ?? 0;
  const status = async (key: string) =>
    new RegExp(`^${key}:\\s*(.*)$`, "m").exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1];
  for (let tries = 0; tries < 100 && (await status("Seccomp")) !== "2"; tries++) await sleep(10);
  // CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, MKNOD, SETFCAP; SYS_ADMIN in reserve only.
  const effective =
    (1n << 0n) | (1n << 1n) | (1n << 2n) | (1n << 3n) | (1n << 4n) | (1n << 27n) | (1n << 31n);
  expect(BigInt(`0x${await status("CapEff")}`)).toBe(effective);
  expect(BigInt(`0x${await status("CapPrm")}`)).toBe(effective | (1n << 21n));
  expect(BigInt(`0x${await status("CapBnd")}`) & ~(effective | (1n << 21n))).toBe(0n);
  expect(BigInt(`0x${await status("CapInh")}`)).toBe(0n);
  expect([await status("NoNewPrivs"), await status("Seccomp")]).toEqual(["1", "2"]);
  const mounts = (await readFile(`/proc/${pid}/mountinfo`, "utf8")).trim().split("\n");
  expect(mounts).toHaveLength(1);
  expect(mounts[0]).toMatch(/ \/ rw,nosuid,nodev,noexec/);
  expect(await readdir(`/proc/${pid}/root`)).toEqual([]);
  const fds = await readdir(`/proc/${pid}/fd`);
  const opened = await Promise.all(fds.slice(3).map((fd) => readlink(`/proc/${pid}/fd/${fd}`)));
  expect(opened).toEqual(["/"]);
  child.stdin.end();
  expect(await once(child, "exit")).toEqual([1, null]);
});
