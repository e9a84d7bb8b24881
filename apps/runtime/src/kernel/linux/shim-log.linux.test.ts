import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LinuxShim } from "./shim-client.ts";
import { context, eventually, logLines, ShimBed } from "./shim-test-bed.ts";

let bed: ShimBed;
let shim: LinuxShim;
let count = 0;

beforeAll(async () => {
  bed = new ShimBed();
  shim = await bed.start("pod");
});
afterAll(() => bed.remove());

/** Runs a script to its end and returns its log. */
async function logOf(script: string, lineBytesMax = 0): Promise<string> {
  const id = `log-${++count}`;
  const logPath = join(bed.logs, `${id}.log`);
  await bed.run(shim, id, ["sh", "-c", script], { logPath, logLineBytesMax: lineBytesMax });
  await shim.wait(id);
  await shim.remove(id);
  return bed.log(`${id}.log`);
}

describe("lines", () => {
  test("stamp, stream, tag, content; the file is 0640", async () => {
    const before = Date.now();
    const text = await logOf("echo out; echo err >&2");
    const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (stdout F out|stderr F err)$/;
    const lines = text.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      const stamp = Date.parse(pattern.exec(line)?.[1] ?? "");
      expect(stamp).toBeGreaterThanOrEqual(before - 1);
      expect(stamp).toBeLessThanOrEqual(Date.now());
    }
    expect(statSync(join(bed.logs, `log-${count}.log`)).mode & 0o7777).toBe(0o640);
  });

  test("a line without newline at the end is P; empty lines; carriage returns", async () => {
    expect(logLines(await logOf("printf 'a\\n\\nb\\r\\nlast'"))).toEqual([
      { stream: "stdout", tag: "F", content: "a" },
      { stream: "stdout", tag: "F", content: "" },
      { stream: "stdout", tag: "F", content: "b" },
      { stream: "stdout", tag: "P", content: "last" },
    ]);
  });

  test("a line written in pieces is one line", async () => {
    const lines = logLines(
      await logOf("printf one; sleep 0.05; printf two; sleep 0.05; echo three"),
    );
    expect(lines).toEqual([{ stream: "stdout", tag: "F", content: "onetwothree" }]);
  });

  test.each([0, 100, 65536])("a line of a million bytes is cut at %d (0: 16384)", async (max) => {
    const at = max === 0 ? 16384 : max;
    const lines = logLines(
      await logOf("head -c 1000000 /dev/zero | tr '\\0' x; echo; echo next", max),
    );
    expect(lines.at(-1)).toEqual({ stream: "stdout", tag: "F", content: "next" });
    const pieces = lines.slice(0, -1);
    expect(pieces).toHaveLength(Math.ceil(1_000_000 / at));
    expect(
      pieces.slice(0, -1).every(({ tag, content }) => tag === "P" && content.length === at),
    ).toBe(true);
    expect(pieces.at(-1)?.tag).toBe("F");
    expect(pieces.map(({ content }) => content).join("")).toBe("x".repeat(1_000_000));
  });

  test("a line of exactly the maximum is whole; a million bytes without newline", async () => {
    const exact = logLines(await logOf("head -c 100 /dev/zero | tr '\\0' y; echo", 100));
    expect(exact).toEqual([{ stream: "stdout", tag: "F", content: "y".repeat(100) }]);
    const open = logLines(await logOf("head -c 1000000 /dev/zero | tr '\\0' z"));
    expect(open.every(({ tag }) => tag === "P")).toBe(true);
    expect(open.map(({ content }) => content).join("")).toBe("z".repeat(1_000_000));
  });

  test("bytes that are no text pass unchanged", async () => {
    const id = `log-${++count}`;
    const logPath = join(bed.logs, `${id}.log`);
    await bed.run(shim, id, ["sh", "-c", "printf '\\377\\000\\001\\n'"], { logPath });
    await shim.wait(id);
    await shim.remove(id);
    const bytes = readFileSync(logPath);
    expect([...bytes.subarray(bytes.length - 4)]).toEqual([0xff, 0, 1, 10]);
  });
});

describe("rotation", () => {
  test("after a rename reopenLog goes on in a new file, and no line is lost or torn", async () => {
    const logPath = join(bed.logs, "rotate.log");
    const script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done";
    await bed.run(shim, "rotate", ["sh", "-c", script], { logPath });
    for (let n = 1; n <= 5; n++) {
      await new Promise((resolve) => setTimeout(resolve, 3));
      renameSync(logPath, `${logPath}.${n}`);
      await shim
        .reopenLog("rotate")
        .catch((error) => expect(error).toMatchObject({ errno: "ESRCH" }));
      if (!existsSync(logPath)) break;
    }
    await shim.wait("rotate");
    const files = [1, 2, 3, 4, 5]
      .map((n) => `${logPath}.${n}`)
      .concat(logPath)
      .filter(existsSync);
    const lines = files.flatMap((path) => logLines(readFileSync(path, "utf8")));
    expect(lines.map(({ content }) => content)).toEqual(
      Array.from({ length: 3000 }, (_, i) => `line ${i}`),
    );
    await expect(shim.reopenLog("rotate")).rejects.toMatchObject({ errno: "ESRCH" });
    await shim.remove("rotate");
  });
});

describe("attacks on the path", () => {
  const canary = (): string => {
    const path = join(bed.directory, "canary");
    writeFileSync(path, "untouched");
    return path;
  };
  const refused = (logPath: string, id: string): Promise<unknown> =>
    shim
      .create(context, {
        containerId: id,
        plan: bed.plan(["sh", "-c", "echo x"]),
        io: bed.io({ logPath }),
        cgroupPaths: [],
      })
      .then(
        () => undefined,
        (error: unknown) => error,
      );

  test("a symlink, a hard link, a fifo or a directory at the path is refused", async () => {
    const target = canary();
    symlinkSync(target, join(bed.logs, "link.log"));
    expect(await refused(join(bed.logs, "link.log"), "link")).toMatchObject({ errno: "ELOOP" });
    linkSync(target, join(bed.logs, "hard.log"));
    expect(await refused(join(bed.logs, "hard.log"), "hard")).toMatchObject({ errno: "EMLINK" });
    execFileSync("mkfifo", [join(bed.logs, "fifo.log")]);
    expect(await refused(join(bed.logs, "fifo.log"), "fifo")).toMatchObject({ op: "shim" });
    mkdirSync(join(bed.logs, "directory.log"));
    expect(await refused(join(bed.logs, "directory.log"), "dir")).toMatchObject({
      errno: "EISDIR",
    });
    expect(readFileSync(target, "utf8")).toBe("untouched");
    expect(await shim.list()).toEqual([]);
  });

  test("a symlink among the directories is refused; .. breaks the connection's rules", async () => {
    const outside = join(bed.directory, "outside");
    mkdirSync(outside);
    symlinkSync(outside, join(bed.logs, "sub"));
    expect(await refused(join(bed.logs, "sub/0.log"), "sub")).toMatchObject({ op: "shim" });
    expect(existsSync(join(outside, "0.log"))).toBe(false);
  });

  test("missing directories are made", async () => {
    const logPath = join(bed.logs, "new/deep/0.log");
    await bed.run(shim, "deep", ["sh", "-c", "echo deep"], { logPath });
    await shim.wait("deep");
    await shim.remove("deep");
    expect(logLines(readFileSync(logPath, "utf8"))[0]?.content).toBe("deep");
    expect(statSync(join(bed.logs, "new")).mode & 0o7777).toBe(0o755);
  });

  test("a directory exchanged for a symlink, and a symlink planted, catch no reopened log", async () => {
    const target = canary();
    const directory = join(bed.logs, "held");
    const logPath = join(directory, "0.log");
    const elsewhere = join(bed.directory, "elsewhere");
    mkdirSync(elsewhere);
    const script = "while :; do echo tick; sleep 0.01; done";
    await bed.run(shim, "held", ["sh", "-c", script], { logPath });
    renameSync(logPath, `${logPath}.1`);
    symlinkSync(target, logPath);
    await expect(shim.reopenLog("held")).rejects.toMatchObject({ errno: "ELOOP" });
    rmSync(logPath);
    renameSync(directory, `${directory}.real`);
    symlinkSync(elsewhere, directory);
    await shim.reopenLog("held");
    const real = join(`${directory}.real`, "0.log");
    await eventually(
      () => existsSync(real) && statSync(real).size > 0,
      "lines in the real directory",
    );
    await shim.remove("held");
    expect(existsSync(join(elsewhere, "0.log"))).toBe(false);
    expect(lstatSync(directory).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, "utf8")).toBe("untouched");
  });
});

describe("no space", () => {
  test("the container goes on, losses are counted, whole lines follow when there is space again", async () => {
    const small = join(bed.directory, "small");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "vt-small", small]);
    try {
      const logPath = join(small, "0.log");
      const script =
        "i=0; while [ $i -lt 20000 ]; do echo line $i of many; i=$((i+1)); done; echo full >/tmp/full; while [ ! -e /tmp/space ]; do sleep 0.01; done; echo after";
      await bed.run(shim, "full", ["sh", "-c", script], { logPath });
      await eventually(() => existsSync(join(bed.rootfs, "tmp/full")), "the end of the loop");
      const before = readFileSync(logPath, "utf8");
      expect(before.endsWith("\n")).toBe(true);
      expect(before.length).toBeLessThanOrEqual(256 * 1024);
      const [state] = await shim.list();
      expect(Number(state?.logBytesLost)).toBeGreaterThan(500_000);
      truncateSync(logPath, 0);
      writeFileSync(join(bed.rootfs, "tmp/space"), "");
      expect((await shim.wait("full")).exitCode).toBe(0);
      expect(logLines(readFileSync(logPath, "utf8")).map(({ content }) => content)).toEqual([
        "after",
      ]);
      const broken = logLines(before).filter(({ content }) => !/^line \d+ of many$/.test(content));
      expect(broken).toEqual([]);
    } finally {
      await shim.remove("full");
      execFileSync("umount", [small]);
      for (const name of ["full", "space"]) rmSync(join(bed.rootfs, "tmp", name), { force: true });
    }
  });
});

test("much output is fast", async () => {
  const logPath = join(bed.logs, "fast.log");
  const lines = join(bed.rootfs, "tmp/lines");
  const line = "a line of sixty-four bytes, as many programs write them to log.\n";
  writeFileSync(lines, line.repeat(1 << 20));
  const bytes = 4 * statSync(lines).size;
  const start = performance.now();
  await bed.run(shim, "fast", ["cat", ...Array(4).fill("/tmp/lines")], { logPath });
  await shim.wait("fast");
  const rate = bytes / 1e3 / (performance.now() - start);
  await shim.remove("fast");
  const size = statSync(logPath).size;
  for (const path of [logPath, lines]) rmSync(path);
  console.log(`${rate.toFixed(0)} MB/s of output in lines of 64 bytes`);
  expect(size).toBe(
    (bytes / line.length) * (line.length + "2026-11-23T22:01:02.123456789Z stdout F ".length),
  );
  expect(rate).toBeGreaterThan(50);
}, 60_000);
