import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExecOptions, ShimContainer } from "../kernel.ts";
import type { LinuxShim } from "./shim-client.ts";
import {
  collectingContext,
  context,
  descriptorCount,
  eventually,
  ShimBed,
} from "./shim-test-bed.ts";

let bed: ShimBed;
let shim: LinuxShim;
let target: ShimContainer;

const options: ExecOptions = {
  stdoutBytesMax: 1 << 20,
  stderrBytesMax: 1 << 20,
  timeoutMs: 0,
  drainMs: 500,
};

beforeAll(async () => {
  bed = new ShimBed();
  shim = await bed.start("pod");
  target = await bed.run(shim, "target", ["sleep", "1000"]);
});
afterAll(() => bed.remove());

async function exec(script: string, changed: Partial<ExecOptions> = {}) {
  const plan = bed.execPlan(target, ["sh", "-c", script]);
  const { stdout, stderr, ...rest } = await shim.exec(context, "target", plan, {
    ...options,
    ...changed,
  });
  return {
    ...rest,
    stdout: Buffer.from(stdout).toString(),
    stderr: Buffer.from(stderr).toString(),
  };
}

/** Processes of the machine whose command line has this word. */
function processesWith(word: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").includes(word);
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe("captured output", () => {
  test("both streams and the exit code", async () => {
    expect(await exec("echo out; echo err >&2; exit 7")).toEqual({
      exitCode: 7,
      stdout: "out\n",
      stderr: "err\n",
      timedOut: false,
    });
    expect((await exec("kill -9 $$")).exitCode).toBe(137);
  });

  test("each op is a span, execve too", async () => {
    const { context: own, spans } = collectingContext();
    const plan = bed.execPlan(target, ["sh", "-c", "exit 0"]);
    await shim.exec(own, "target", plan, options);
    expect(spans.map(({ step }) => step)).toEqual(plan.steps.map(({ op }) => `op.${op.op}`));
  });

  test("a command that is not there", async () => {
    const plan = bed.execPlan(target, ["no-such-command"]);
    await expect(shim.exec(context, "target", plan, options)).rejects.toMatchObject({
      errno: "ENOENT",
      op: "execve",
      process: "exec",
    });
  });

  test("output beyond the cap is read and thrown away, to the byte", async () => {
    const most = { stdoutBytesMax: 100_000, stderrBytesMax: 10 };
    const result = await exec("head -c 5000000 /dev/zero; echo 0123456789abc >&2; exit 2", most);
    expect(result.exitCode).toBe(2);
    expect(result.stdout.length).toBe(100_000);
    expect(result.stderr).toBe("0123456789");
  });

  test("16 MiB arrive whole through the window", async () => {
    const bytes = 16 << 20;
    const result = await exec(`head -c ${bytes} /dev/zero`, { stdoutBytesMax: bytes });
    expect(result.stdout.length).toBe(bytes);
  });

  test("40 at once", async () => {
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, i) => exec(`echo ${i}; exit ${i}`)),
    );
    expect(results.map(({ exitCode }) => exitCode)).toEqual(
      Array.from({ length: 40 }, (_, i) => i),
    );
    expect(results.map(({ stdout }) => stdout)).toEqual(
      Array.from({ length: 40 }, (_, i) => `${i}\n`),
    );
  });
});

describe("time", () => {
  test("a timeout kills the command and its whole session", async () => {
    const start = performance.now();
    const script = "sleep 4711 & (sleep 4711 & sleep 4711) & echo begun; sleep 4711";
    const result = await exec(script, { timeoutMs: 200 });
    expect(performance.now() - start).toBeLessThan(1500);
    expect(result).toMatchObject({ timedOut: true, exitCode: 137, stdout: "begun\n" });
    expect(processesWith("4711")).toEqual([]);
  });

  test("a timeout kills descendants that made a session of their own", async () => {
    const result = await exec("setsid sleep 4712; echo x", { timeoutMs: 200 });
    expect(result.timedOut).toBe(true);
    expect(processesWith("4712")).toEqual([]);
  });

  test("a background child that holds the pipe delays the answer by the drain time at most", async () => {
    const descriptors = descriptorCount(shim.pid);
    const start = performance.now();
    const results = await Promise.all(
      Array.from({ length: 20 }, () => exec("sleep 4713 & echo done", { drainMs: 300 })),
    );
    const took = performance.now() - start;
    expect(took).toBeGreaterThan(290);
    expect(took).toBeLessThan(2000);
    for (const result of results)
      expect(result).toMatchObject({ exitCode: 0, stdout: "done\n", timedOut: false });
    expect(processesWith("4713")).toHaveLength(20);
    await eventually(() => descriptorCount(shim.pid) === descriptors, "closed descriptors");
    for (const pid of processesWith("4713")) process.kill(pid, "SIGKILL");
  });

  test("a background child that never stops writing does not prevent the answer", async () => {
    const start = performance.now();
    const result = await exec("yes & echo done", { drainMs: 200, stdoutBytesMax: 4096 });
    expect(performance.now() - start).toBeLessThan(3000);
    expect(result.exitCode).toBe(0);
    expect(result.stdout.length).toBe(4096);
    await eventually(() => processesWith("yes").length === 0, "SIGPIPE of the writer");
  });

  test("a caller that gives up kills the command", async () => {
    const aborter = new AbortController();
    const { context: own } = collectingContext(aborter.signal);
    const plan = bed.execPlan(target, ["sleep", "4714"]);
    const result = shim.exec(own, "target", plan, options);
    await eventually(() => processesWith("4714").length === 1, "the command");
    aborter.abort(new Error("gone"));
    await expect(result).rejects.toThrow("gone");
    expect(processesWith("4714")).toEqual([]);
  });
});

describe("streams", () => {
  test("stdin goes in, output comes out, closing ends it; 3 MB unchanged", async () => {
    const got: Buffer[] = [];
    const { stream } = await shim.execStream(context, "target", bed.execPlan(target, ["cat"]), {
      terminal: false,
      stdin: true,
      stdout: (bytes) => void got.push(Buffer.from(bytes)),
      timeoutMs: 0,
      drainMs: 1000,
    });
    const sent = Buffer.alloc(3_000_000, "0123456789");
    await stream.write(sent);
    stream.closeStdin();
    expect(await stream.ended).toMatchObject({ exitCode: 0, heldOpen: false });
    expect(Buffer.concat(got).equals(sent)).toBe(true);
  });

  test("a reader that is slow slows the command, and only it", async () => {
    let held: (() => void) | undefined;
    let bytes = 0;
    const { stream } = await shim.execStream(context, "target", bed.execPlan(target, ["yes"]), {
      terminal: false,
      stdin: false,
      stdout: (chunk) => {
        bytes += chunk.length;
        return new Promise<void>((resolve) => {
          held = resolve;
        });
      },
      timeoutMs: 0,
      drainMs: 0,
    });
    await eventually(() => bytes >= 256 * 1024, "a full window");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(bytes).toBe(256 * 1024);
    expect((await exec("echo quick")).stdout).toBe("quick\n");
    stream.cancel();
    held?.();
    expect(await stream.ended).toMatchObject({ exitCode: 137 });
  });

  test("a terminal: tty, size, resize, ^C", async () => {
    let text = "";
    const script =
      "trap 'stty size' WINCH; tty; stty size; echo ready; while :; do sleep 0.02; done";
    const plan = bed.execPlan(target, ["sh", "-c", script], { terminal: true });
    const { stream } = await shim.execStream(context, "target", plan, {
      terminal: true,
      stdin: true,
      stdout: (bytes) => {
        text += Buffer.from(bytes).toString();
      },
      timeoutMs: 0,
      drainMs: 100,
    });
    await eventually(() => text.includes("ready"), "the terminal");
    expect(text).toContain("/dev/");
    expect(text).toContain("24 80\r\n");
    stream.resize(132, 43);
    await eventually(() => text.includes("43 132"), "the new size");
    await stream.write(Buffer.from("\x03"));
    expect((await stream.ended).exitCode).toBe(130);
  });
});

test("execs end with their container, and need one that runs", async () => {
  const other = await bed.run(shim, "short", ["sleep", "1000"]);
  const running = shim.exec(context, "short", bed.execPlan(other, ["sleep", "1000"]), options);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await shim.kill("short", 9, false);
  expect((await running).exitCode).toBe(137);
  await expect(
    shim.exec(context, "short", bed.execPlan(other, ["sh"]), options),
  ).rejects.toMatchObject({ errno: "ESRCH" });
  await shim.remove("short");
  await expect(
    shim.exec(context, "short", bed.execPlan(other, ["sh"]), options),
  ).rejects.toMatchObject({ errno: "ENOENT" });
});
