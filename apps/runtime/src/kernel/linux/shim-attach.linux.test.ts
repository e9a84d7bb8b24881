import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LinuxShim } from "./shim-client.ts";
import { context, eventually, logLines, ShimBed } from "./shim-test-bed.ts";

let bed: ShimBed;
let shim: LinuxShim;
let directory: string;

beforeAll(async () => {
  bed = new ShimBed();
  directory = bed.newDirectory();
  shim = await bed.start("pod", directory);
});
afterAll(() => bed.remove());

/** Attaches and collects what comes. */
async function attach(id: string, stdin: boolean, over: LinuxShim = shim) {
  const got = { stdout: "", stderr: "" };
  const { stream, terminal } = await over.attach(id, {
    stdin,
    stdout: (bytes) => {
      got.stdout += Buffer.from(bytes).toString();
    },
    stderr: (bytes) => {
      got.stderr += Buffer.from(bytes).toString();
    },
  });
  return { got, stream, terminal };
}

test("stdin, stdout and stderr of a container that runs, beside its log", async () => {
  const logPath = join(bed.logs, "attach.log");
  const script = "while read -r line; do echo got $line; echo heard $line >&2; done; exit 5";
  await bed.run(shim, "attach", ["sh", "-c", script], { logPath, stdin: true, stdinOnce: true });
  const first = await attach("attach", true);
  const second = await attach("attach", false);
  expect(first.terminal).toBe(false);
  await first.stream.write(Buffer.from("one\ntwo\n"));
  await eventually(() => second.got.stderr.includes("two"), "output");
  first.stream.closeStdin();
  expect(await first.stream.ended).toMatchObject({ exitCode: 5, detached: false });
  expect(await second.stream.ended).toMatchObject({ exitCode: 5 });
  for (const { got } of [first, second]) {
    expect(got).toEqual({ stdout: "got one\ngot two\n", stderr: "heard one\nheard two\n" });
  }
  expect((await shim.wait("attach")).exitCode).toBe(5);
  expect(logLines(bed.log("attach.log"))).toHaveLength(4);
  await expect(attach("attach", false)).rejects.toMatchObject({ errno: "ESRCH" });
  await shim.remove("attach");
  await expect(attach("attach", false)).rejects.toMatchObject({ errno: "ENOENT" });
});

test("detaching leaves the container; without stdinOnce its stdin stays open for the next", async () => {
  await bed.run(shim, "keep", ["cat"], { stdin: true });
  const first = await attach("keep", true);
  await first.stream.write(Buffer.from("first\n"));
  await eventually(() => first.got.stdout === "first\n", "an echo");
  first.stream.closeStdin();
  first.stream.cancel();
  expect(await first.stream.ended).toMatchObject({ detached: true });
  const second = await attach("keep", true);
  await second.stream.write(Buffer.from("second\n"));
  await eventually(() => second.got.stdout === "second\n", "an echo");
  await shim.remove("keep");
  expect((await second.stream.ended).exitCode).toBe(137);
});

test("with stdinOnce the end of the first client, also by a lost connection, ends stdin", async () => {
  await bed.run(shim, "once", ["cat"], { stdin: true, stdinOnce: true });
  const other = await bed.find("pod", directory);
  if (other === undefined) throw new Error("no shim");
  const { stream } = await attach("once", true, other);
  await stream.write(Buffer.from("x"));
  other.disconnect();
  await expect(stream.ended).rejects.toMatchObject({ op: "shim" });
  expect((await shim.wait("once")).exitCode).toBe(0);
  await shim.remove("once");
});

test("input waits for a container that does not read yet: 200 kB before the start, all of it arrives", async () => {
  const io = bed.io({ stdin: true, stdinOnce: true });
  const plan = bed.plan(["sh", "-c", "cat | (cat; echo .)"]);
  await shim.create(context, { containerId: "early", plan, io, cgroupPaths: [] });
  const { stream, got } = await attach("early", true);
  await stream.write(Buffer.alloc(200_000, "a"));
  stream.closeStdin();
  await shim.start(context, "early");
  await stream.ended;
  expect(got.stdout).toBe(`${"a".repeat(200_000)}.\n`);
  await shim.remove("early");
});

test("more than a window waits in the client until the container reads", async () => {
  const io = bed.io({ stdin: true, stdinOnce: true });
  const plan = bed.plan(["sh", "-c", "cat | (cat; echo .)"]);
  await shim.create(context, { containerId: "large", plan, io, cgroupPaths: [] });
  const { stream, got } = await attach("large", true);
  let written = false;
  const writing = stream.write(Buffer.alloc(1_000_000, "b")).then(() => {
    written = true;
  });
  await shim.list();
  expect(written).toBe(false);
  await shim.start(context, "large");
  await writing;
  stream.closeStdin();
  await stream.ended;
  expect(got.stdout.length).toBe(1_000_002);
  await shim.remove("large");
});

test("a client that does not read misses output, and is told how much; container and log wait a second, once", async () => {
  const logPath = join(bed.logs, "slow.log");
  const script = "read -r go; head -c 3000000 /dev/zero; echo; read -r go; echo end";
  await bed.run(shim, "slow", ["sh", "-c", script], { logPath, stdin: true });
  let seen = 0;
  let missed = 0;
  const waiting: (() => void)[] = [];
  const { stream } = await shim.attach("slow", {
    stdin: true,
    stdout: (bytes, leftOut) => {
      seen += bytes.length;
      missed += leftOut;
      return new Promise<void>((resolve) => void waiting.push(resolve));
    },
  });
  await stream.write(Buffer.from("go\n"));
  await eventually(() => bed.log("slow.log").length > 3_000_000, "the whole log");
  expect(seen).toBe(256 * 1024);
  for (const resolve of waiting.splice(0)) resolve();
  await shim.list();
  await stream.write(Buffer.from("go\n"));
  await stream.ended;
  expect(seen + missed).toBe(3_000_001 + 4);
  await shim.remove("slow");
});

test("a terminal: one stream, echo, size, resize", async () => {
  const logPath = join(bed.logs, "tty.log");
  const script = "trap 'stty size' WINCH; while :; do read -r line && echo said $line; done";
  await bed.run(shim, "tty", ["sh", "-c", script], { logPath, terminal: true, stdin: true });
  const { stream, got, terminal } = await attach("tty", true);
  expect(terminal).toBe(true);
  await stream.write(Buffer.from("hello\n"));
  await eventually(() => got.stdout.includes("said hello"), "an answer");
  stream.resize(100, 50);
  await stream.write(Buffer.from("\n"));
  await eventually(() => got.stdout.includes("50 100"), "the size");
  await shim.kill("tty", 9, false);
  expect((await stream.ended).exitCode).toBe(137);
  expect(got.stderr).toBe("");
  expect(logLines(bed.log("tty.log")).map(({ content }) => content)).toContain("said hello");
  await shim.remove("tty");
});
