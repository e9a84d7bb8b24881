/**
 * The whole state of one simulated machine: processes, namespaces, mounts, cgroups, network, time. Plain
 * objects that refer to each other; nothing here waits or decides. `boot.ts` makes one that is ready to use.
 */
import type { CgroupHierarchy, CgroupNode } from "./cgroup/hierarchy.ts";
import type { Namespace, NetNamespace, PidNamespace } from "./namespace.ts";
import type { NetDevice } from "./net/network.ts";
import type { Process } from "./process/process.ts";
import type { ProgramTable } from "./program/program.ts";
import { type Coroutine, Scheduler } from "./task.ts";
import { initialUserNamespace } from "./user/user-namespace.ts";
import type { FileSystemFactory } from "./vfs/file-system.ts";
import type { Mount } from "./vfs/mount.ts";

/** Virtual Unix time of the boot: 2026-01-01T00:00:00Z. Every run of a seed begins here. */
export const bootUnixNs = 1_767_225_600_000_000_000n;
/** CLOCK_MONOTONIC at which the first process runs. */
export const bootMonotonicNs = 1_000_000_000n;

export interface MachineOptions {
  readonly seed: number;
  readonly hostname: string;
  /** uname -r. */
  readonly release: string;
  readonly cpuCount: number;
  readonly memoryTotalBytes: number;
  /** Of the machine this one is a guest of: a virtual machine's processors are scheduled by its host. */
  readonly scheduler?: Scheduler;
  /** Who of the ready ones runs next: who came first (default), or drawn from the seed, for runs that look for races. */
  readonly scheduling?: "first" | "drawn";
}

/** What the kernel itself saw: one call of a process, for level 4 of the diagram and for what-if facts. */
export interface KernelEvent {
  readonly atNs: bigint;
  readonly pid: number;
  /** System call, or "oom-kill", "signal", "exit", "seccomp". */
  readonly name: string;
  readonly detail: string;
  /** Linux errno, 0 for success. */
  readonly errno: number;
}

export class Machine {
  readonly options: MachineOptions;
  readonly scheduler: Scheduler;
  /** Every process by its host pid, zombies included. */
  readonly processes = new Map<number, Process>();
  readonly hierarchies: CgroupHierarchy[] = [];
  readonly fileSystems = new Map<string, FileSystemFactory>();
  readonly programs: ProgramTable = new Map();
  /** There before anything else: file systems belong to it. */
  readonly initUserNamespace = initialUserNamespace();
  /** Set by the boot. */
  init!: Process;
  initPidNamespace!: PidNamespace;
  /** Every network device there is, wherever it lives: indexes are unique per namespace, names too. */
  readonly devices = new Set<NetDevice>();
  /** Evaluates the seccomp filters of a caller; set by the boot (seccomp/gate.ts). */
  gate: ((process: Process, name: string, args: readonly number[]) => void) | undefined;
  /** Cgroup controllers, set by bootCgroups; unset, nothing is limited. Refuses with EAGAIN (pids.max). */
  mayFork: ((process: Process, into?: CgroupNode) => void) | undefined;
  /** Fills a new network namespace: its loopback device and sysctls. Set by the network's boot. */
  newNetwork: ((namespace: NetNamespace) => void) | undefined;
  /** The last process has left it; files and mounts may hold it still. */
  leftNetwork: ((namespace: NetNamespace) => void) | undefined;
  /**
   * Refuses (EACCES) what the AppArmor profile of `process` does not allow; set by bootProcesses. `path` is the
   * process's own absolute path. Ask only when `process.apparmor` is not "unconfined": the path costs a walk.
   */
  confine:
    | ((
        process: Process,
        operation: "open" | "mount" | "umount" | "pivotRoot",
        path: string,
        /** Of "open": letters r w a x l k m; of "mount": the file system type. */
        access: string,
      ) => void)
    | undefined;
  /**
   * Anonymous memory of `process` grows by `bytes` (less when negative): counts it in `memoryBytes` and in the
   * cgroups. May wait, may kill somebody, the caller included; ENOMEM when nobody can be killed.
   */
  chargeMemory: ((process: Process, bytes: number) => Coroutine<void>) | undefined;
  /** CPU time of `process`, ns: counts it in `cpuNs` and in the cgroups, waits where it is throttled. */
  burn: ((process: Process, ns: number) => Coroutine<void>) | undefined;
  /** Refuses with EPERM. `access`: "r", "w", "m" (mknod) or several of them. Called at open and mknod of devices. */
  mayUseDevice:
    | ((
        process: Process,
        type: "char" | "block",
        major: number,
        minor: number,
        access: string,
      ) => void)
    | undefined;
  /** Tells whoever listens; unset costs nothing. */
  observe: ((event: KernelEvent) => void) | undefined;
  /** Told of every system call as it begins, and of every path that is looked up; unset costs nothing. */
  watchCalls:
    | {
        call(process: Process, name: string, args: readonly number[]): void;
        path(process: Process, path: string): void;
      }
    | undefined;
  /** /proc/sys values that are not per namespace. */
  readonly sysctls = new Map<string, string>();
  #mounts = 0;
  #devices = 20;
  #namespaces = 4026531840;
  #peerGroups = 0;
  #pipes = 10_000;
  #random: number;

  constructor(options: MachineOptions) {
    this.options = options;
    this.scheduler = options.scheduler ?? new Scheduler(bootMonotonicNs);
    if (options.scheduling === "drawn") this.scheduler.drawn = (count) => this.random() % count;
    this.#random = (options.seed ^ 0x9e3779b9) >>> 0;
  }

  /** Virtual Unix time, ns. */
  unixNs(): bigint {
    return bootUnixNs + (this.scheduler.nowNs - bootMonotonicNs);
  }

  nextMount(): number {
    return ++this.#mounts;
  }
  nextDevice(): number {
    return ++this.#devices;
  }
  /** Inode number of a new namespace. */
  nextNamespace(): number {
    return this.#namespaces++;
  }
  nextPeerGroup(): number {
    return ++this.#peerGroups;
  }
  /** Number in "pipe:[N]", "socket:[N]". */
  nextPipe(): number {
    return ++this.#pipes;
  }

  /** Uniform, 32 bits, the same sequence for the same seed (mulberry32). Everything random in the model comes from here. */
  random(): number {
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    let value = this.#random;
    value = Math.imul(value ^ (value >>> 15), value | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return (value ^ (value >>> 14)) >>> 0;
  }

  /** The process with this host pid. */
  process(pid: number): Process | undefined {
    return this.processes.get(pid);
  }

  /** Every mount of a namespace, in order of id. */
  mountsOf(process: Process): readonly Mount[] {
    return [...process.namespaces.mnt.mounts].sort((a, b) => a.id - b.id);
  }

  /** Every namespace that some process or bind mount keeps alive. */
  namespaces(): readonly Namespace[] {
    const found = new Set<Namespace>();
    for (const process of this.processes.values()) {
      if (process.state !== "alive") continue;
      const { mnt, pid, net, ipc, uts, cgroup, time } = process.namespaces;
      for (const one of [mnt, pid, net, ipc, uts, cgroup, time]) found.add(one);
      found.add(process.credentials.userNamespace);
    }
    return [...found];
  }
}
