/**
 * For the tests of the shim: directories, a small root file system, Plans for containers in it, and a context that
 * collects spans. Everything lies in one directory and goes with it.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Context, Span, SpanOptions } from "../../trace/tracer.ts";
import type { ContainerIo, ShimContainer, ShimListener } from "../kernel.ts";
import { type Plan, PlanBuilder } from "../plan.ts";
import { linuxClock } from "./clock.ts";
import type { LinuxShim } from "./shim-client.ts";
import { findShim, startShim } from "./shim-start.ts";

export interface SpanSeen {
  readonly step: string;
  readonly attributes: Record<string, unknown>;
  readonly startNs: bigint | undefined;
  endNs: bigint | undefined;
  error: string | undefined;
}

/** A context whose spans lie in a list. */
export function collectingContext(signal?: AbortSignal): { context: Context; spans: SpanSeen[] } {
  const spans: SpanSeen[] = [];
  const start = (step: string, _parent: Span | undefined, options?: SpanOptions): Span => {
    const seen: SpanSeen = {
      step,
      attributes: { ...options?.attributes },
      startNs: options?.startNs,
      endNs: undefined,
      error: undefined,
    };
    spans.push(seen);
    return {
      traceId: "0".repeat(32),
      spanId: "0".repeat(16),
      set: (attributes) => void Object.assign(seen.attributes, attributes),
      event: () => undefined,
      fail: (type) => {
        seen.error = type;
      },
      link: () => undefined,
      end: (endNs) => {
        seen.endNs = endNs;
      },
    };
  };
  return { context: { tracer: { start }, span: undefined, signal }, spans };
}

export const context = collectingContext().context;

/** busybox with the libraries it needs, its applets as one binary. */
function makeRootfs(path: string): void {
  for (const name of ["bin", "proc", "dev", "tmp", "etc"])
    mkdirSync(join(path, name), { recursive: true });
  const libraries =
    execFileSync("ldd", ["/bin/busybox"], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
  for (const library of libraries) {
    mkdirSync(join(path, dirname(library)), { recursive: true });
    copyFileSync(library, join(path, library));
  }
  copyFileSync("/bin/busybox", join(path, "bin/busybox"));
  for (const applet of [
    "sh",
    "cat",
    "sleep",
    "dd",
    "yes",
    "tty",
    "stty",
    "head",
    "printf",
    "setsid",
    "tr",
    "ls",
    "kill",
    "rm",
  ]) {
    execFileSync("ln", ["-f", join(path, "bin/busybox"), join(path, "bin", applet)]);
  }
  const probe = join(import.meta.dirname, "../../../../../native/build/vitrine-probe");
  if (existsSync(probe)) cpSync(probe, join(path, "bin/probe"));
  writeFileSync(join(path, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
}

export interface PlanOptions {
  readonly terminal?: boolean;
  /** cgroup v1 directories to join. */
  readonly cgroups?: readonly string[];
  /** Without a pid namespace of its own. */
  readonly hostPid?: boolean;
}

const env = ["PATH=/bin", "HOME=/"];

export class ShimBed {
  readonly directory: string;
  readonly rootfs: string;
  readonly logs: string;
  readonly exits: string[] = [];
  readonly lost: string[] = [];
  readonly #shims: LinuxShim[] = [];
  readonly #cgroups: string[] = [];
  #count = 0;

  /** `directory` is that of another process's bed, which is shared then. */
  constructor(directory?: string) {
    this.directory = directory ?? mkdtempSync("/tmp/vt-shim-");
    this.rootfs = join(this.directory, "rootfs");
    this.logs = join(this.directory, "logs");
    if (directory !== undefined) return;
    makeRootfs(this.rootfs);
    mkdirSync(this.logs);
  }

  get #listener(): ShimListener {
    return {
      exited: (_podId, exit) => void this.exits.push(`${exit.containerId} ${exit.exitCode}`),
      lost: (podId) => void this.lost.push(podId),
    };
  }

  #options() {
    return { clock: linuxClock(), listeners: () => [this.#listener] };
  }

  newDirectory(name = `pod-${++this.#count}`): string {
    const directory = join(this.directory, name);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return directory;
  }

  async start(podId: string, directory: string = this.newDirectory()): Promise<LinuxShim> {
    const shim = await startShim(context, podId, directory, this.#options());
    this.#shims.push(shim);
    return shim;
  }

  async find(podId: string, directory: string): Promise<LinuxShim | undefined> {
    const shim = await findShim(podId, directory, this.#options());
    if (shim !== undefined) this.#shims.push(shim);
    return shim;
  }

  plan(argv: readonly string[], options: PlanOptions = {}): Plan {
    const builder = new PlanBuilder("create container");
    for (const path of options.cgroups ?? []) builder.add("oci", { op: "cgroupJoin", path });
    const namespaces = options.hostPid ? (["mnt"] as const) : (["mnt", "pid"] as const);
    builder.add("oci", { op: "clone3", child: "init", namespaces });
    builder.add("init", { op: "setsid" });
    builder.add("init", { op: "propagate", path: "/", propagation: "private", recursive: true });
    const root = { path: this.rootfs, clone: true, recursive: false, as: "rootfs" };
    builder.add("init", { op: "openTree", ...root });
    builder.add("init", { op: "moveMount", fd: "rootfs", path: this.rootfs });
    builder.add("init", { op: "openTree", path: "/dev", clone: true, recursive: true, as: "dev" });
    builder.add("init", { op: "moveMount", fd: "dev", at: "rootfs", path: "/dev" });
    builder.add("init", {
      op: "fsmount",
      fstype: "proc",
      source: "proc",
      options: [],
      attrs: [],
      as: "proc",
    });
    builder.add("init", { op: "moveMount", fd: "proc", at: "rootfs", path: "/proc" });
    if (options.terminal)
      builder.add("init", { op: "console", at: "rootfs", width: 80, height: 24 });
    builder.add("init", { op: "pivotRoot", root: "rootfs" });
    builder.add("init", { op: "awaitStart" });
    builder.add("init", { op: "closeRange", from: 3, keep: [] });
    builder.add("init", { op: "execve", path: argv[0] ?? "", argv, env });
    return builder.build();
  }

  execPlan(target: ShimContainer, argv: readonly string[], options: PlanOptions = {}): Plan {
    const builder = new PlanBuilder("exec");
    for (const path of options.cgroups ?? []) builder.add("oci", { op: "cgroupJoin", path });
    const { pid, startTime } = target;
    builder.add("oci", { op: "pidfdOpen", pid, startTime, as: "container" });
    const namespaces = options.hostPid ? (["mnt"] as const) : (["mnt", "pid"] as const);
    builder.add("oci", { op: "setns", fd: "container", namespaces });
    builder.add("oci", { op: "clone3", child: "exec", namespaces: [] });
    builder.add("exec", { op: "setsid" });
    if (options.terminal) {
      builder.add("exec", { op: "open", path: "/", flags: ["path", "directory"], as: "rootfs" });
      builder.add("exec", { op: "console", at: "rootfs", width: 80, height: 24 });
    }
    builder.add("exec", { op: "closeRange", from: 3, keep: [] });
    builder.add("exec", { op: "execve", path: argv[0] ?? "", argv, env });
    return builder.build();
  }

  io(options: Partial<ContainerIo> = {}): ContainerIo {
    return { logLineBytesMax: 0, terminal: false, stdin: false, stdinOnce: false, ...options };
  }

  /** Creates and starts a container. */
  async run(
    shim: LinuxShim,
    containerId: string,
    argv: readonly string[],
    io: Partial<ContainerIo> = {},
    options: PlanOptions = {},
  ): Promise<ShimContainer> {
    await shim.create(context, {
      containerId,
      plan: this.plan(argv, { ...options, ...(io.terminal ? { terminal: true } : {}) }),
      io: this.io(io),
      cgroupPaths: options.cgroups ?? [],
    });
    return await shim.start(context, containerId);
  }

  log(name: string): string {
    return readFileSync(join(this.logs, name), "utf8");
  }

  /** A file of the root file system. */
  file(path: string): string {
    return readFileSync(join(this.rootfs, path), "utf8");
  }

  /** A new cgroup of a v1 controller. */
  cgroup(controller: string): string {
    const path = `/sys/fs/cgroup/${controller}/${basename(this.directory)}-${++this.#count}`;
    mkdirSync(path);
    this.#cgroups.push(path);
    return path;
  }

  /** Ends every shim and removes every file and cgroup. */
  async remove(): Promise<void> {
    for (const shim of this.#shims) {
      await shim.shutdown().catch(() => undefined);
    }
    // Also those of a daemon that was killed before the test came to find them.
    for (const name of readdirSync(this.directory)) {
      const left = await this.find("pod", join(this.directory, name)).catch(() => undefined);
      await left?.shutdown();
    }
    for (const path of this.#cgroups) rmdirSync(path);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Fields of a log line. */
export function logLines(text: string): { stream: string; tag: string; content: string }[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, stream = "", tag = "", ...content] = line.split(" ");
      return { stream, tag, content: content.join(" ") };
    });
}

/** Number of open descriptors of a process. */
export function descriptorCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** A line of /proc/PID/smaps_rollup, in kB. */
export function memoryKb(pid: number, name: "Rss" | "Pss"): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
}

/** Waits until `condition` holds, 10 s at most. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
