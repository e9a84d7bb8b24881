/**
 * Runs Plans with the real vitrine-oci, as a shim would: its own stdio, a report, and a start slot.
 *
 * The test process is a subreaper, so the container's process becomes ours when vitrine-oci has ended
 * and its exit code can be asked for. Everything a test makes lies in one temporary directory.
 */
import {
  closeSync,
  copyFileSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import koffi from "koffi";
import type { KernelError } from "../../apps/runtime/src/kernel/errors.ts";
import type { OpName, OpReport, Plan } from "../../apps/runtime/src/kernel/index.ts";
import { exitOf } from "../../apps/runtime/src/kernel/linux/child-exit.ts";
import { encodePlan } from "../../apps/runtime/src/kernel/linux/encode.ts";
import {
  boundedMemfd,
  fileOffset,
  openPidfd,
  sealedMemfd,
  signalPidfd,
  spawnProgram,
} from "../../apps/runtime/src/kernel/linux/library.ts";
import { nativePath } from "../../apps/runtime/src/kernel/linux/native-path.ts";
import {
  decodeRecords,
  failureOf,
  opReports,
  type ReportRecord,
} from "../../apps/runtime/src/kernel/linux/report.ts";

const libc = koffi.load("libc.so.6");
const prctl = libc.func("int prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)");
const prSetChildSubreaper = 36;
prctl(prSetChildSubreaper, 1, 0, 0, 0);

const pipe2 = libc.func("int pipe2(int32_t *ends, int flags)");
const closeOnExec = 0o2000000;

const sigkill = 9;
const outputBytesMax = 1 << 20;

export interface RunOptions {
  /**
   * The `start` slot: a released one (the default), that of a shim that has gone, or one held until
   * `running` calls `release`.
   */
  readonly start?: "released" | "gone" | "held";
  /** More open fds of the starter, at these numbers: leaks. */
  readonly leaks?: readonly number[];
  /** A program that is run with vitrine-oci's path and arguments after its own. */
  readonly wrapper?: readonly string[];
  /** Bytes instead of the encoded Plan. */
  readonly encoded?: Uint8Array;
  /** fd for the `console` slot. */
  readonly console?: number;
  /** Called with the pid of the container's process while it runs or, held, waits to be released. */
  readonly running?: (pid: number, release: () => void) => void | Promise<void>;
}

export interface RunResult {
  readonly records: readonly ReportRecord[];
  readonly reports: readonly OpReport[];
  readonly failure: KernelError | undefined;
  /** Owner of the file that was stdout, and of the /dev/null that was stdin. */
  readonly owners: { readonly stdout: string; readonly stdin: string };
  /** What container and vitrine-oci wrote. */
  readonly output: string;
  readonly lines: readonly string[];
  /** Exit code of vitrine-oci and, when there was one, of the process it started. */
  readonly ociExit: number;
  readonly exit: number | undefined;
}

function written(fd: number): Uint8Array {
  const bytes = new Uint8Array(fileOffset(fd));
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
}

function ownerOf(fd: number): string {
  const { uid, gid } = fstatSync(fd);
  return `${uid}:${gid}`;
}

async function exitOfChild(
  pid: number,
  running: RunOptions["running"],
  release: () => void,
): Promise<number> {
  const pidfd = openPidfd(pid);
  if (pidfd === undefined) throw new Error(`process ${pid} is gone and was not reaped by us`);
  try {
    await running?.(pid, release);
  } catch (error) {
    signalPidfd(pidfd, sigkill);
    await exitOf({ pid, pidfd });
    throw error;
  }
  return exitOf({ pid, pidfd });
}

interface StartSlot {
  readonly fd: number;
  release(): void;
}

/** A file with one byte in it reads like a pipe that was released, an empty one like one at its end. */
function startSlot(kind: "released" | "gone" | "held"): StartSlot {
  if (kind !== "held") {
    return { fd: sealedMemfd(new Uint8Array(kind === "gone" ? 0 : 1)), release: () => {} };
  }
  const ends = new Int32Array(2);
  if (pipe2(ends, closeOnExec) !== 0) throw new Error("no pipe");
  let open = true;
  return {
    fd: ends[0] ?? -1,
    release: () => {
      if (!open) return;
      open = false;
      writeSync(ends[1] ?? -1, Uint8Array.of(1));
      closeSync(ends[1] ?? -1);
    },
  };
}

/** Runs `plan` to the end of every process of it. */
export async function runPlan(plan: Plan, options: RunOptions = {}): Promise<RunResult> {
  const fds: number[] = [];
  const keep = (fd: number): number => {
    fds.push(fd);
    return fd;
  };
  try {
    const nothing = keep(openSync("/dev/null", "r+"));
    const output = keep(boundedMemfd(outputBytesMax));
    const encoded = keep(sealedMemfd(options.encoded ?? encodePlan(plan)));
    const report = keep(boundedMemfd((plan.steps.length + 3) * 512));
    const start = startSlot(options.start ?? "released");
    keep(start.fd);
    const slots = ["start=5", ...(options.console === undefined ? [] : ["console=6"])];
    const oci = nativePath("vitrine-oci");
    const argv = [...(options.wrapper ?? []), oci, "3", "4", ...slots];
    const program = spawnProgram({
      path: argv[0] ?? oci,
      argv,
      env: [],
      fds: [
        nothing,
        output,
        output,
        encoded,
        report,
        start.fd,
        options.console ?? nothing,
        ...(options.leaks ?? []),
      ],
      setsid: true,
    });
    const ociExit = await exitOf(program);
    const clone = decodeRecords(written(report)).records.find(
      ({ index, errno }) => plan.steps[index]?.op.op === "clone3" && errno === 0,
    );
    const isReady = () =>
      decodeRecords(written(report)).records.some(
        ({ kind, errno, ignored }) => kind === "ready" || (errno !== 0 && !ignored),
      );
    while (clone && options.start === "held" && !isReady()) await delay(1);
    const exit =
      clone && ociExit === 0
        ? await exitOfChild(clone.result, options.running, start.release)
        : undefined;
    start.release();
    const { records } = decodeRecords(written(report));
    const text = new TextDecoder().decode(written(output));
    const reports = opReports(records);
    return {
      records,
      reports,
      failure: failureOf(plan, reports),
      owners: { stdout: ownerOf(output), stdin: ownerOf(nothing) },
      output: text,
      lines: text.split("\n").filter((line) => line !== ""),
      ociExit,
      exit,
    };
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

/** The value of the probe's line "key value"; undefined when there is none. */
export function said(result: RunResult, key: string): string | undefined {
  return result.lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
}

/** All the values of lines "key value". */
export function allSaid(result: RunResult, key: string): string[] {
  return result.lines
    .filter((line) => line.startsWith(`${key} `))
    .map((line) => line.slice(key.length + 1));
}

/** The report of the first op with this name. */
export function reportOf(plan: Plan, result: RunResult, op: OpName): OpReport | undefined {
  return result.reports.find(({ index }) => plan.steps[index]?.op.op === op);
}

/** A temporary directory with a root file system in it: the probe, and mount points. */
export class TestRoot {
  readonly directory: string;
  readonly root: string;

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "vt-exec-"));
    this.root = join(this.directory, "root");
    for (const name of ["bin", "proc", "sys", "dev", "tmp", "etc", "work", "plain/inner"]) {
      mkdirSync(join(this.root, name), { recursive: true });
    }
    copyFileSync(nativePath("vitrine-probe"), join(this.root, "bin/probe"));
  }

  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  /** A directory of the host with a file in it that no container may touch. */
  canary(name = "canary"): { readonly directory: string; unchanged(): boolean } {
    const directory = this.path(name);
    mkdirSync(directory);
    copyFileSync("/dev/null", join(directory, "marker"));
    return {
      directory,
      unchanged: () =>
        readdirSync(directory).join() === "marker" &&
        readFileSync(join(directory, "marker"), "utf8") === "",
    };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * What a test must leave as it was: the mounts it may have made, and our children. Mounts that other
 * tests and daemons make meanwhile, in their own places below /tmp and /run, are left out.
 */
export function hostState(root: TestRoot): string {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const concerned = mounts.filter((line) => {
    const point = line.split(" ")[4] ?? "";
    return line.includes(root.directory) || !/^\/(tmp|run|var)\//.test(point);
  });
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8");
  const processes = children.split(" ").filter((pid) => pid !== "");
  const stats = processes.map((pid) => readFileSync(`/proc/${pid}/stat`, "utf8"));
  return [...concerned, ...stats].join("\n");
}
