import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Program } from "../kernel.ts";
import { runProgram } from "./program.ts";

const text = new TextDecoder();
let folder = "";

beforeAll(() => {
  folder = mkdtempSync("/tmp/vt-program-");
});

afterAll(() => rmSync(folder, { recursive: true }));

function shell(script: string, options: Partial<Program> = {}): Program {
  const program: Program = {
    path: "/bin/sh",
    argv: ["sh", "-c", script],
    env: ["PATH=/usr/bin:/bin", `FOLDER=${folder}`],
    stdin: new Uint8Array(),
    stdoutBytesMax: 1 << 20,
    stderrBytesMax: 64 << 10,
    timeoutMs: 10_000,
  };
  return { ...program, ...options };
}

async function outputOf(program: Program) {
  const result = await runProgram(program, undefined);
  return { ...result, stdout: text.decode(result.stdout), stderr: text.decode(result.stderr) };
}

test("stdin, both outputs, environment and exit code", async () => {
  const stdin = new TextEncoder().encode("the configuration");
  const result = await outputOf(shell("cat; echo $FOLDER >&2; exit 7", { stdin }));
  expect(result).toMatchObject({ exitCode: 7, stdout: "the configuration", stderr: `${folder}\n` });
  expect(result).toMatchObject({ truncated: false, timedOut: false });
});

test("a signal is 128 and its number", async () => {
  expect(await outputOf(shell("kill -SEGV $$"))).toMatchObject({ exitCode: 139 });
});

test("a program of its own session with no fd but its three", async () => {
  const { stdout } = await outputOf(shell("ls /proc/self/fd; ps -o sid= -p $$; echo $$"));
  const lines = stdout.trim().split("\n");
  const [sid, pid] = lines.slice(-2).map((line) => line.trim());
  expect(sid).toBe(pid);
  // ls itself opens the directory as fd 3.
  expect(lines.slice(0, -2)).toEqual(["0", "1", "2", "3"]);
});

test("scripts may open /dev/stdout and /dev/stderr anew", async () => {
  const script =
    "echo one; echo two >/dev/stdout; echo log >>/dev/stderr; echo three; cat /dev/stdin";
  const stdin = new TextEncoder().encode("in\n");
  expect(await outputOf(shell(script, { stdin }))).toMatchObject({
    exitCode: 0,
    stdout: "one\ntwo\nthree\nin\n",
    stderr: "log\n",
  });
});

test("output beyond its bound is dropped, and does not block the program", async () => {
  const script = "head -c 3000000 /dev/zero; echo end >&2";
  const result = await outputOf(shell(script, { stdoutBytesMax: 1000 }));
  expect(result.stdout.length).toBe(1000);
  expect(result).toMatchObject({ exitCode: 0, truncated: true, stderr: "end\n" });
});

test("output of just its bound is whole", async () => {
  const result = await outputOf(shell("head -c 1000 /dev/zero", { stdoutBytesMax: 1000 }));
  expect(result.stdout.length).toBe(1000);
  expect(result.truncated).toBe(false);
});

test("large input and large output at once", async () => {
  const stdin = new Uint8Array(900_000).fill(97);
  const result = await outputOf(shell("cat", { stdin }));
  expect(result.stdout.length).toBe(900_000);
  expect(result.truncated).toBe(false);
});

function isAlive(pidFile: string): boolean {
  const pid = readFileSync(join(folder, pidFile), "utf8").trim();
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

test("a timeout kills the whole group, and what was printed until then is there", async () => {
  const script = "echo before; sleep 97531 & echo $! >$FOLDER/timeout.pid; wait";
  const started = performance.now();
  const result = await outputOf(shell(script, { timeoutMs: 300 }));
  expect(result).toMatchObject({ timedOut: true, exitCode: 137, stdout: "before\n" });
  expect(performance.now() - started).toBeLessThan(3000);
  await expect.poll(() => isAlive("timeout.pid")).toBe(false);
});

test("an abort kills the whole group and rejects with its reason", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("the caller gave up")), 200);
  const script = "sleep 97532 & echo $! >$FOLDER/abort.pid; wait";
  await expect(runProgram(shell(script), controller.signal)).rejects.toThrow("the caller gave up");
  await expect.poll(() => isAlive("abort.pid")).toBe(false);
});

test("an aborted signal starts nothing", async () => {
  const script = "touch $FOLDER/started";
  const controller = new AbortController();
  controller.abort(new Error("no"));
  await expect(runProgram(shell(script), controller.signal)).rejects.toThrow("no");
  expect(existsSync(join(folder, "started"))).toBe(false);
});

test("a child in the background that holds the outputs delays nothing and is killed", async () => {
  const script = "sleep 97533 & echo $! >$FOLDER/behind.pid; echo done";
  const started = performance.now();
  expect(await outputOf(shell(script))).toMatchObject({ exitCode: 0, stdout: "done\n" });
  expect(performance.now() - started).toBeLessThan(3000);
  await expect.poll(() => isAlive("behind.pid")).toBe(false);
});

test("a timeout kills those too that left the session, and those whose parents have gone", async () => {
  const script = `setsid sh -c 'echo $$ >$FOLDER/apart.pid; exec sleep 97534' &
    (setsid sh -c 'sleep 97535 & echo $! >$FOLDER/orphan.pid' &)
    sleep 97536`;
  expect(await outputOf(shell(script, { timeoutMs: 300 }))).toMatchObject({ timedOut: true });
  for (const name of ["apart.pid", "orphan.pid"]) {
    expect(existsSync(join(folder, name))).toBe(true);
    await expect.poll(() => isAlive(name)).toBe(false);
  }
});

test("a daemon that left the session, and floods the output, delays nothing", async () => {
  const script = "setsid sh -c 'echo $$ >$FOLDER/flood.pid; exec yes' & sleep 0.2; echo done >&2";
  const result = await outputOf(shell(script, { stdoutBytesMax: 1000 }));
  process.kill(Number(readFileSync(join(folder, "flood.pid"), "utf8")), "SIGKILL");
  expect(result).toMatchObject({ exitCode: 0, stderr: "done\n", truncated: true });
});

const broken: readonly (readonly [string, () => string, string])[] = [
  ["is not there", () => join(folder, "nothing"), "ENOENT"],
  ["may not be executed", () => file("plain", "#!/bin/sh\n", 0o644), "EACCES"],
  ["is no program", () => file("text", "just text", 0o755), "ENOEXEC"],
  [
    "names an interpreter that is not there",
    () => file("orphan", "#!/no/such/sh\n", 0o755),
    "ENOENT",
  ],
];

function file(name: string, content: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

for (const [name, path, errno] of broken) {
  test(`a program that ${name} is ${errno}`, async () => {
    await expect(runProgram(shell("", { path: path() }), undefined)).rejects.toMatchObject({
      errno,
    });
  });
}

test("fifty at once: every exit is learned, no fd and no zombie stays", async () => {
  await outputOf(shell("true"));
  const before = readdirSync("/proc/self/fd").length;
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, i) => outputOf(shell(`echo ${i}; exit ${i}`))),
  );
  expect(results.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(results.map(({ stdout }) => Number(stdout))).toEqual(results.map((_, i) => i));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
  for (const { pid } of results) expect(existsSync(`/proc/${pid}`)).toBe(false);
});
