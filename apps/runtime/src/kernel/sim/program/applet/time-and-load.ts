/** sleep, usleep, timeout, watch, dd, and what burns time and memory: spin, eat-memory, stress. */
import { AT_FDCWD, O_APPEND, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY, SIGTERM } from "../../abi.ts";
import { isRefusal } from "../../refusal.ts";
import { lseek, openat2 } from "../../syscall/file.ts";
import { allocate, burn, clone3, getpid, kill, nanosleep, wait4 } from "../../syscall/process.ts";
import type { Coroutine } from "../../task.ts";
import type { AppletTable } from "../applet.ts";
import { AppletError, type Call, UsageError } from "../call.ts";
import { become, exitCode, runChild, startChild, waitFor } from "../child-program.ts";
import { messageOf } from "../errno-message.ts";
import { humanSize } from "../human-size.ts";
import { parseOptions, parseSize } from "../options.ts";
import { signalNumber } from "../signals.ts";

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** "1.5", "2m", "infinity", in ns. */
function duration(text: string): bigint {
  if (/^inf(inity)?$/i.test(text)) return 1n << 60n;
  const match = /^([0-9]*\.?[0-9]+|[0-9]+\.)([smhd]?)$/.exec(text);
  if (match === null) throw new UsageError(`invalid number '${text}'`);
  return BigInt(Math.round(Number(match[1]) * (units[match[2] as string] ?? 1) * 1e9));
}

function* sleep(call: Call): Coroutine<void> {
  if (call.args.length === 0) throw new UsageError();
  let ns = 0n;
  for (const text of call.args) ns += duration(text);
  yield* nanosleep(call.self, ns);
}

function* usleep(call: Call): Coroutine<void> {
  yield* nanosleep(call.self, BigInt(Math.max(0, Math.round(Number(call.args[0] ?? 0)))) * 1000n);
}

/** As in busybox the program keeps the pid, and a child of it watches the clock. */
function timeout(call: Call): never {
  const options = parseOptions(call.args, "+s:k:");
  const [text, ...argv] = options.operands;
  if (text === undefined || argv.length === 0) throw new UsageError();
  const signal = signalNumber(options.value("s") ?? "TERM");
  if (signal === undefined) throw new AppletError(`bad signal name '${options.value("s")}'`);
  const pid = getpid(call.self);
  const after = duration(text);
  const kills = options.value("k");
  const killAfter = kills === undefined ? undefined : duration(kills);
  clone3(call.self, {
    namespaces: [],
    body: function* (child) {
      yield* nanosleep(child, after);
      // Gone by itself: init is the parent now.
      if (child.parent !== call.self || call.self.state !== "alive") return 0;
      kill(child, pid, signal);
      if (killAfter === undefined) return 0;
      yield* nanosleep(child, killAfter);
      if (child.parent === call.self && call.self.state === "alive") kill(child, pid, 9);
      return 0;
    },
  });
  return become(call, argv);
}

function* watch(call: Call): Coroutine<void> {
  const options = parseOptions(call.args, "+n:t");
  const argv = options.operands;
  if (argv.length === 0) throw new UsageError();
  for (;;) {
    call.print(`\x1b[H\x1b[JEvery ${options.value("n") ?? "2"}.0s: ${argv.join(" ")}\n\n`);
    yield* runChild(call, ["sh", "-c", argv.join(" ")]);
    yield* nanosleep(call.self, duration(options.value("n") ?? "2"));
  }
}

/** time PROG ARGS: by the wall clock, and CPU time of what it started. */
function* time(call: Call): Coroutine<number> {
  const options = parseOptions(call.args, "+vp");
  const start = call.machine.scheduler.nowNs;
  const child = startChild(call, options.operands);
  const status = yield* waitFor(call.self, child);
  const line = (name: string, ns: bigint): string => {
    const seconds = Number(ns) / 1e9;
    if (options.has("p")) return `${name} ${seconds.toFixed(2)}\n`;
    return `${name}\t${Math.floor(seconds / 60)}m ${(seconds % 60).toFixed(2)}s\n`;
  };
  call.say(
    line("real", call.machine.scheduler.nowNs - start) +
      line("user", child.cpuNs) +
      line("sys", 0n),
  );
  return exitCode(status);
}

interface CopyPlan {
  readonly input: number;
  readonly output: number;
  readonly blockBytes: number;
  readonly count: number;
}

function* dd(call: Call): Coroutine<number> {
  const words = new Map<string, string>();
  for (const arg of call.args) {
    const equals = arg.indexOf("=");
    if (equals < 0) throw new UsageError(`invalid argument '${arg}'`);
    words.set(arg.slice(0, equals), arg.slice(equals + 1));
  }
  const blockBytes = parseSize(words.get("bs") ?? words.get("ibs") ?? "512");
  const count = words.has("count")
    ? parseSize(words.get("count") as string)
    : Number.POSITIVE_INFINITY;
  const input = openNamed(call, words.get("if"), O_RDONLY, 0);
  const conversions = (words.get("conv") ?? "").split(",");
  const append = words.get("oflag") === "append" ? O_APPEND : 0;
  const truncates = !conversions.includes("notrunc") && !words.has("seek") && append === 0;
  const output = openNamed(
    call,
    words.get("of"),
    O_WRONLY | O_CREAT | append | (truncates ? O_TRUNC : 0),
    1,
  );
  const seek = parseSize(words.get("seek") ?? "0");
  if (seek > 0) lseek(call.self, output, seek * blockBytes);
  // The buffer: what dd is good for when memory is to be felt.
  if (!(yield* takeMemory(call, blockBytes))) return 1;
  const skip = parseSize(words.get("skip") ?? "0");
  for (let left = skip * blockBytes; left > 0; ) {
    const chunk = yield* call.read(input, Math.min(left, 65_536));
    if (chunk.length === 0) break;
    left -= chunk.length;
  }
  const start = call.machine.scheduler.nowNs;
  const done = yield* copyBlocks(call, { input, output, blockBytes, count });
  yield* allocate(call.self, -blockBytes);
  if (words.get("status") !== "none")
    report(call, done, Number(call.machine.scheduler.nowNs - start) / 1e9, words.get("status"));
  return done.failed ? 1 : 0;
}

function openNamed(call: Call, path: string | undefined, flags: number, otherwise: number): number {
  if (path === undefined) return otherwise;
  try {
    return openat2(call.self, AT_FDCWD, path, {
      flags,
      mode: (flags & O_CREAT) === 0 ? 0 : 0o666,
    });
  } catch (thrown) {
    throw new AppletError(`can't open '${path}': ${messageOf(thrown)}`);
  }
}

interface Copied {
  readonly full: number;
  readonly part: number;
  readonly fullOut: number;
  readonly partOut: number;
  readonly bytes: number;
  readonly failed: boolean;
}

/** Block by block; a block goes through in pieces, so that a large one costs no real memory. */
function* copyBlocks(call: Call, plan: CopyPlan): Coroutine<Copied> {
  let [full, part, fullOut, partOut, bytes] = [0, 0, 0, 0, 0];
  const result = (failed: boolean): Copied => ({ full, part, fullOut, partOut, bytes, failed });
  for (let block = 0; block < plan.count; block++) {
    let inBlock = 0;
    while (inBlock < plan.blockBytes) {
      const wanted = Math.min(plan.blockBytes - inBlock, 65_536);
      const chunk = yield* call.read(plan.input, wanted);
      if (chunk.length === 0) break;
      try {
        yield* call.put(chunk, plan.output);
      } catch (thrown) {
        if (!(thrown instanceof AppletError)) throw thrown;
        if (inBlock + chunk.length === plan.blockBytes) full++;
        else part++;
        call.fail(`error writing: ${thrown.message.replace(/^write error: /, "")}`);
        return result(true);
      }
      yield* call.work(chunk.length);
      inBlock += chunk.length;
      bytes += chunk.length;
      if (chunk.length < wanted) break;
    }
    if (inBlock === plan.blockBytes) {
      full++;
      fullOut++;
    } else if (inBlock > 0) {
      part++;
      partOut++;
    } else break;
    yield {};
  }
  return result(false);
}

function report(call: Call, copied: Copied, seconds: number, status: string | undefined): void {
  call.say(
    `${copied.full}+${copied.part} records in\n${copied.fullOut}+${copied.partOut} records out\n`,
  );
  if (status === "noxfer") return;
  const rate = seconds > 0 ? copied.bytes / seconds : copied.bytes;
  call.say(
    `${copied.bytes} bytes (${humanSize(copied.bytes)}B) copied, ${seconds.toFixed(6)} seconds, ${humanSize(rate)}B/s\n`,
  );
}

const burnSliceNs = 10_000_000;

/** CPU time in slices, so that throttling and signals come through. */
function* burnFor(call: Call, seconds: number): Coroutine<void> {
  for (let left = seconds * 1e9; left > 0; left -= burnSliceNs) {
    yield* burn(call.self, Math.min(left, burnSliceNs));
    yield {};
  }
}

function* spin(call: Call): Coroutine<void> {
  const text = call.args[0];
  if (text === undefined) throw new UsageError();
  const start = call.machine.scheduler.nowNs;
  const seconds = Number(duration(text)) / 1e9;
  yield* burnFor(call, seconds);
  const elapsed = Number(call.machine.scheduler.nowNs - start) / 1e9;
  call.print(`${seconds.toFixed(2)} s of CPU time in ${elapsed.toFixed(2)} s\n`);
}

const stepBytes = 1 << 20;

/** Takes memory in steps of a MiB; ENOMEM ends it with a message, the OOM killer without one. */
function* takeMemory(call: Call, bytes: number): Coroutine<boolean> {
  for (let taken = 0; taken < bytes; taken += stepBytes) {
    try {
      yield* allocate(call.self, Math.min(stepBytes, bytes - taken));
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      call.fail(
        call.name === "dd"
          ? "memory exhausted"
          : `out of memory after ${humanSize(taken)}B: ${messageOf(thrown)}`,
      );
      return false;
    }
    yield {};
  }
  return true;
}

function* eatMemory(call: Call): Coroutine<void> {
  const [text, hold] = call.args;
  if (text === undefined) throw new UsageError();
  const bytes = parseSize(text);
  if (!(yield* takeMemory(call, bytes))) return;
  call.print(`holding ${humanSize(bytes)}B\n`);
  yield* call.flush();
  yield* nanosleep(call.self, duration(hold ?? "infinity"));
}

function* stress(call: Call): Coroutine<number> {
  const options = parseOptions(call.args, "c:m:t:v", {
    cpu: "c:",
    vm: "m:",
    "vm-bytes": "vm-bytes:",
    "vm-keep": "vm-keep",
    "vm-hang": "vm-hang:",
    timeout: "t:",
  });
  const cpus = Number(options.value("c") ?? 0);
  const hogs = Number(options.value("m") ?? (options.has("vm-bytes") ? 1 : 0));
  if (cpus + hogs === 0) throw new UsageError();
  const bytes = parseSize(options.value("vm-bytes") ?? "256M");
  const end = call.machine.scheduler.nowNs + duration(options.value("t") ?? "infinity");
  const pid = getpid(call.self);
  call.print(`stress: info: [${pid}] dispatching hogs: ${cpus} cpu, 0 io, ${hogs} vm, 0 hdd\n`);
  yield* call.flush();
  const worker = (body: (inner: Call) => Coroutine<boolean>): void => {
    clone3(call.self, {
      namespaces: [],
      body: function* (child) {
        const inner = call.inChild(child);
        const fine = yield* body(inner);
        yield* inner.flush();
        return fine ? 0 : 1;
      },
    });
  };
  for (let index = 0; index < cpus; index++)
    worker(function* (inner) {
      while (inner.machine.scheduler.nowNs < end) yield* burnFor(inner, 0.1);
      return true;
    });
  for (let index = 0; index < hogs; index++)
    worker(function* (inner) {
      if (!(yield* takeMemory(inner, bytes))) return false;
      const left = end - inner.machine.scheduler.nowNs;
      if (left > 0n) yield* nanosleep(inner.self, left);
      return true;
    });
  return yield* gather(call, pid, cpus + hogs);
}

function* gather(call: Call, pid: number, count: number): Coroutine<number> {
  const start = call.machine.scheduler.nowNs;
  let failed = false;
  for (let left = count; left > 0; left--) {
    const done = yield* wait4(call.self, -1);
    if (done?.status.kind === "signaled") {
      call.say(
        `stress: FAIL: [${pid}] (415) <-- worker ${done.pid} got signal ${done.status.signal}\n`,
      );
      call.say(`stress: WARN: [${pid}] (417) now reaping child worker processes\n`);
      failed = true;
      for (const child of call.self.children)
        kill(call.self, child.pidIn(call.self.namespaces.pid) ?? 0, SIGTERM);
    } else if (done?.status.kind === "exited" && done.status.code !== 0) failed = true;
    if (failed) yield* call.flush();
  }
  const seconds = Math.round(Number(call.machine.scheduler.nowNs - start) / 1e9);
  if (failed) {
    call.say(`stress: FAIL: [${pid}] (451) failed run completed in ${seconds}s\n`);
    return 1;
  }
  call.print(`stress: info: [${pid}] successful run completed in ${seconds}s\n`);
  return 0;
}

export const loadApplets: AppletTable = {
  sleep,
  usleep,
  time,
  timeout,
  watch,
  dd,
  spin,
  "eat-memory": eatMemory,
  stress,
};
