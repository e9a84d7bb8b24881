/**
 * The seam: everything the engine asks of a kernel, real or simulated, in about a dozen methods.
 * Detail lives in the Op union. `linux/` implements this on Linux, `sim/` on a model; `traced()`
 * wraps either, so both make the same spans.
 */
import type { Context } from "../trace/tracer.ts";
import type { OpReport, Plan } from "./plan.ts";

/** A cgroup hierarchy the host has mounted. */
export interface CgroupHierarchy {
  /** Directory of the root, for example /sys/fs/cgroup/memory. */
  readonly path: string;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
}

/** What the engine needs to know of the machine, read once at start. */
export interface HostFacts {
  readonly mode: "real" | "sim";
  /** uname -r. */
  readonly release: string;
  readonly architecture: "amd64" | "arm64";
  readonly hostname: string;
  readonly bootId: string;
  /** Every mounted hierarchy that has controllers (v1: several; v2: one; hybrid: both). */
  readonly cgroups: readonly CgroupHierarchy[];
  /** Effective capabilities of the daemon, "CAP_..." names. */
  readonly capabilities: readonly string[];
  /** Highest capability number the kernel knows (/proc/sys/kernel/cap_last_cap). */
  readonly lastCapability: number;
  readonly apparmor: boolean;
  readonly selinux: boolean;
  readonly seccomp: boolean;
  readonly memoryTotalBytes: number;
  readonly cpuCount: number;
  /** Device nodes of the host for privileged containers. */
  devices(): Promise<readonly HostDevice[]>;
}

export interface HostDevice {
  readonly path: string;
  readonly type: "char" | "block";
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface FileStat {
  /** Which file system it is on, by number (st_dev). */
  readonly device: number;
  readonly type: "file" | "directory" | "symlink" | "char" | "block" | "fifo" | "socket";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly major: number;
  readonly minor: number;
  /** Modification time, Unix nanoseconds. */
  readonly mtimeNs: bigint;
}

/** Reading the host's files; writing is ops. Missing files are undefined, other failures throw KernelError. */
export interface HostFiles {
  /** At most `bytesMax` bytes; more is EFBIG. */
  read(path: string, bytesMax: number): Promise<Uint8Array | undefined>;
  /** Names in a directory, sorted. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** lstat(2), or stat(2) when `follow`. */
  stat(path: string, follow?: boolean): Promise<FileStat | undefined>;
  /** Reads a regular file inside a root by openat2 RESOLVE_IN_ROOT; other file types are EINVAL. */
  readInRoot(root: string, path: string, bytesMax: number): Promise<Uint8Array | undefined>;
  /** The absolute path with every symlink resolved (realpath(3)). */
  real(path: string): Promise<string | undefined>;
  /** Bytes and inodes that a tree uses, each inode once, one file system. */
  usage(path: string): Promise<{ readonly bytes: number; readonly inodes: number }>;
  /** statfs(2). */
  space(path: string): Promise<{ readonly totalBytes: number; readonly freeBytes: number }>;
}

/** A program to run on the host: a CNI plugin. Its own session; killed whole on timeout or abort. */
export interface Program {
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly stdin: Uint8Array;
  readonly stdoutBytesMax: number;
  readonly stderrBytesMax: number;
  readonly timeoutMs: number;
}

export interface ProgramResult {
  readonly pid: number;
  /** Exit code, or 128 + signal. */
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Whether output was cut at its bound, and whether the timeout killed it. */
  readonly truncated: boolean;
  readonly timedOut: boolean;
}

/** Where a container's stdio goes. The shim writes CRI log lines itself. */
export interface ContainerIo {
  /** Absolute path of the CRI log file; undefined discards output. */
  readonly logPath?: string;
  readonly logLineBytesMax: number;
  readonly terminal: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
}

export interface ContainerExit {
  readonly containerId: string;
  readonly pid: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Unix nanoseconds. */
  readonly atNs: bigint;
}

/** How the shim sees a container. */
export interface ShimContainer {
  readonly containerId: string;
  readonly state: "created" | "running" | "exited";
  readonly pid: number;
  /** Start time of pid (field 22 of /proc/pid/stat), against pid reuse. */
  readonly startTime: number;
  readonly startedAtNs: bigint;
  readonly exit?: ContainerExit;
}

export interface ExecOptions {
  readonly stdoutBytesMax: number;
  readonly stderrBytesMax: number;
  /** 0 means none. On timeout the process and what it started in its session is killed. */
  readonly timeoutMs: number;
  /** After exit, how long to wait for background children that hold the pipes (CVE-2026-53495). */
  readonly drainMs: number;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly timedOut: boolean;
}

export interface CreateOptions {
  readonly containerId: string;
  readonly plan: Plan;
  readonly io: ContainerIo;
  /** Directory of the container's cgroup in every hierarchy, for OOM notice and kill-all. */
  readonly cgroupPaths: readonly string[];
}

/** One shim process; it owns the containers of one pod and outlives the daemon. */
export interface Shim {
  readonly podId: string;
  readonly pid: number;
  /** Runs a Plan with processes `oci` and `init`; returns when init waits in `awaitStart`. */
  create(context: Context, options: CreateOptions): Promise<ShimContainer>;
  /** Releases `awaitStart`; returns after execve succeeded. A failed execve rejects with its KernelError. */
  start(context: Context, containerId: string): Promise<ShimContainer>;
  /** Signals init, or with `all` every process of the container. Gone already is no error. */
  kill(containerId: string, signal: number, all: boolean): Promise<void>;
  /** Resolves when the container has exited (at once if it has). */
  wait(containerId: string, signal?: AbortSignal): Promise<ContainerExit>;
  /** Runs a Plan with processes `oci` and `exec`, and captures its output. */
  exec(
    context: Context,
    containerId: string,
    plan: Plan,
    options: ExecOptions,
  ): Promise<ExecResult>;
  /** Closes and opens the log file anew (log rotation). */
  reopenLog(containerId: string): Promise<void>;
  /** Forgets an exited container, killing it first if need be. Unknown is no error. */
  remove(containerId: string): Promise<void>;
  list(): Promise<readonly ShimContainer[]>;
  /** Kills whatever is left and ends the shim. */
  shutdown(): Promise<void>;
  /** Closes the connection only; the shim lives on. */
  disconnect(): void;
}

export type ShimListener = {
  /** A container exited, also one that nobody waits for. */
  exited(podId: string, exit: ContainerExit): void;
  /** The shim itself died or its socket closed. */
  lost(podId: string): void;
};

/** Seccomp profile in the shape of the OCI runtime spec's linux.seccomp. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls?: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly errnoRet?: number;
    readonly args?: readonly {
      readonly index: number;
      readonly value: number;
      readonly valueTwo?: number;
      readonly op: string;
    }[];
  }[];
}

export interface Kernel {
  readonly facts: HostFacts;
  readonly files: HostFiles;
  /** Runs a Plan whose ops all belong to `host`, in the daemon. Rejects with KernelError at the first refused op. */
  run(context: Context, plan: Plan): Promise<readonly OpReport[]>;
  /** Runs a Plan with `oci` ops in a short-lived process of its own (namespaces, mounts of the host). */
  runApart(context: Context, plan: Plan): Promise<readonly OpReport[]>;
  /** Runs a program to its end. */
  exec(context: Context, program: Program): Promise<ProgramResult>;
  /** Starts a shim for `podId` with its socket in `directory` (which exists and is empty). */
  startShim(context: Context, podId: string, directory: string): Promise<Shim>;
  /** Connects to the shim in `directory`; undefined when none lives there. */
  findShim(podId: string, directory: string): Promise<Shim | undefined>;
  /** Kills the shim that lives in `directory`, because it does not answer; its containers live on. None there is no error. */
  killShim(directory: string): Promise<void>;
  listen(listener: ShimListener): void;
  /** Compiles a profile to BPF with libseccomp; KernelError EINVAL names the broken entry. */
  compileSeccomp(profile: SeccompProfile): Uint8Array;
  /** Kills every process in a cgroup directory (cgroup.kill, or signals until empty) and waits until it is empty. */
  emptyCgroup(path: string): Promise<void>;
  /** Calls `changed` after changes in a directory, until `signal` aborts. A missing directory is watched for. */
  watch(path: string, changed: () => void, signal: AbortSignal): void;
}
