/** A process (one thread each: what the model needs of threads is nothing). */
import type { RlimitType } from "../../op.ts";
import type { CgroupNode } from "../cgroup/hierarchy.ts";
import type { Machine } from "../machine.ts";
import {
  type CgroupNamespace,
  holdNetwork,
  type IpcNamespace,
  type MountNamespace,
  type NetNamespace,
  type PidNamespace,
  type TimeNamespace,
  type UtsNamespace,
} from "../namespace.ts";
import { type Task, WaitQueue } from "../task.ts";
import type { Credentials } from "../user/credentials.ts";
import type { Mount, PathPoint } from "../vfs/mount.ts";
import type { OpenFile } from "../vfs/open-file.ts";

/** Namespaces of a process but the user namespace, which is part of its credentials. */
export interface Namespaces {
  readonly mnt: MountNamespace;
  /** Its own; children are born in `pidForChildren`. */
  readonly pid: PidNamespace;
  readonly pidForChildren: PidNamespace;
  readonly net: NetNamespace;
  readonly ipc: IpcNamespace;
  readonly uts: UtsNamespace;
  readonly cgroup: CgroupNamespace;
  readonly time: TimeNamespace;
  /** Children are born here when it differs from `time` (time_namespaces(7)). */
  readonly timeForChildren?: TimeNamespace;
}

export interface Rlimit {
  /** -1 is RLIM_INFINITY. */
  readonly soft: number;
  readonly hard: number;
}

/** How it ended, as wait4(2) tells: an exit code or a signal. */
export type ExitStatus =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signaled"; readonly signal: number };

/** A seccomp filter: struct sock_filter[] as given to seccomp(2), and its flags. */
export interface SeccompFilter {
  readonly program: Uint8Array;
  readonly log: boolean;
}

/** A signal handler of a program. The wait it interrupts ends with EINTR when it returns. */
export type SignalHandler = "default" | "ignore" | ((signal: number) => void);

function joinNetwork(namespace: NetNamespace): void {
  holdNetwork(namespace, 1);
}

function leaveNetwork(machine: Machine, namespace: NetNamespace): void {
  holdNetwork(namespace, -1);
  if (namespace.holders === 0) machine.leftNetwork?.(namespace);
}

/** The executable of a living process is an open file of its mount. */
function countExecutable(executable: PathPoint | undefined, change: 1 | -1): void {
  if (executable !== undefined) executable.mount.openFiles += change;
}

export class Process {
  readonly machine: Machine;
  /** Pid on the host. */
  readonly pid: number;
  /** Pid in each pid namespace it is visible in, outermost (the host) first. */
  readonly pids: readonly number[];
  parent: Process | undefined;
  readonly children = new Set<Process>();
  #state: "alive" | "zombie" | "dead" = "alive";
  exitStatus: ExitStatus | undefined;
  /** Children that nobody has waited for yet, in the order of their death. */
  zombies: Set<Process> | undefined;
  /** Woken when a child changes state. */
  readonly childEvents = new WaitQueue();
  /** Woken when this process becomes a zombie (pidfd). */
  readonly exited = new WaitQueue();
  /** Signal to the parent at exit: SIGCHLD. */
  exitSignal = 17;

  credentials: Credentials;
  #namespaces: Namespaces;
  #root: PathPoint;
  #cwd: PathPoint;
  umask = 0o022;
  fds = new Map<number, OpenFile>();
  readonly closeOnExec = new Set<number>();
  /** Its cgroup in each hierarchy, by hierarchy id. */
  readonly cgroups = new Map<number, CgroupNode>();
  rlimits: Readonly<Record<RlimitType, Rlimit>>;
  seccomp: readonly SeccompFilter[] = [];
  /** AppArmor profile in force, "unconfined" without; and the one for the next execve. */
  apparmor = "unconfined";
  apparmorOnExec: string | undefined;
  oomScoreAdj = 0;
  /** What somebody with CAP_SYS_RESOURCE set last: others may go back down to it (proc_pid_oom_score_adj(5)). */
  oomScoreAdjMin = 0;
  dumpable = true;
  parentDeathSignal = 0;
  subreaper = false;
  session: number;
  processGroup: number;
  /** Controlling terminal. */
  tty: OpenFile | undefined;
  readonly signalHandlers = new Map<number, SignalHandler>();
  readonly pendingSignals = new Set<number>();
  /** SIGSTOP or a frozen cgroup. */
  stopped = false;
  frozen = false;
  /** It became a user who has too many processes: no execve before that has changed (RLIMIT_NPROC). */
  overProcessLimit = false;
  /** Above 0 in calls that a signal does not interrupt (page faults, throttling). */
  uninterruptible = 0;
  /** Anonymous memory it holds, bytes: what the memory controller counts. */
  memoryBytes = 0;
  cpuNs = 0n;

  /** Name in ps and /proc/PID/comm, at most 15 characters. */
  comm: string;
  argv: readonly string[] = [];
  env: readonly string[] = [];
  #executable: PathPoint | undefined;
  /** Virtual CLOCK_MONOTONIC at birth, ns. Field 22 of /proc/PID/stat is this in hundredths of a second. */
  readonly startNs: bigint;
  /** The coroutine that runs it; undefined for the daemon, whose code is outside the model. */
  task: Task | undefined;

  constructor(
    machine: Machine,
    born: {
      readonly pids: readonly number[];
      readonly parent: Process | undefined;
      readonly credentials: Credentials;
      readonly namespaces: Namespaces;
      readonly root: PathPoint;
      readonly cwd: PathPoint;
      readonly rlimits: Readonly<Record<RlimitType, Rlimit>>;
      readonly comm: string;
      readonly session?: number;
      readonly processGroup?: number;
    },
  ) {
    this.machine = machine;
    this.pids = born.pids;
    this.pid = born.pids[0] as number;
    this.parent = born.parent;
    this.credentials = born.credentials;
    this.#namespaces = born.namespaces;
    born.namespaces.mnt.hold?.();
    joinNetwork(born.namespaces.net);
    this.#root = born.root;
    this.#cwd = born.cwd;
    born.root.mount.addUser(this);
    born.cwd.mount.addUser(this);
    this.rlimits = born.rlimits;
    this.comm = born.comm;
    this.session = born.session ?? this.pid;
    this.processGroup = born.processGroup ?? this.pid;
    this.startNs = machine.scheduler.nowNs;
  }

  get state(): "alive" | "zombie" | "dead" {
    return this.#state;
  }

  /** Who is no longer alive holds no directory any more. */
  set state(state: "alive" | "zombie" | "dead") {
    const wasAlive = this.#state === "alive";
    this.#state = state;
    if (state === "alive" || !wasAlive) return;
    this.#root.mount.removeUser(this);
    this.#cwd.mount.removeUser(this);
    countExecutable(this.#executable, -1);
    this.#namespaces.mnt.release?.();
    leaveNetwork(this.machine, this.#namespaces.net);
  }

  get namespaces(): Namespaces {
    return this.#namespaces;
  }

  set namespaces(namespaces: Namespaces) {
    const before = this.#namespaces;
    this.#namespaces = namespaces;
    if (this.#state !== "alive") return;
    if (before.mnt !== namespaces.mnt) {
      namespaces.mnt.hold?.();
      before.mnt.release?.();
    }
    if (before.net !== namespaces.net) {
      joinNetwork(namespaces.net);
      leaveNetwork(this.machine, before.net);
    }
  }

  get root(): PathPoint {
    return this.#root;
  }

  set root(root: PathPoint) {
    const before = this.#root.mount;
    this.#root = root;
    this.#moved(before, root.mount);
  }

  get cwd(): PathPoint {
    return this.#cwd;
  }

  set cwd(cwd: PathPoint) {
    const before = this.#cwd.mount;
    this.#cwd = cwd;
    this.#moved(before, cwd.mount);
  }

  get executable(): PathPoint | undefined {
    return this.#executable;
  }

  set executable(executable: PathPoint | undefined) {
    if (this.#state === "alive") {
      countExecutable(executable, 1);
      countExecutable(this.#executable, -1);
    }
    this.#executable = executable;
  }

  /** Mounts know whose root or cwd they hold: pivot_root moves them along, umount is refused. */
  #moved(from: Mount, to: Mount): void {
    if (from === to || this.#state !== "alive") return;
    to.addUser(this);
    if (this.#root.mount !== from && this.#cwd.mount !== from) from.removeUser(this);
  }

  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  get startTime(): number {
    return Number(this.startNs / 10_000_000n);
  }

  /** Its pid as a process in `namespace` sees it; undefined when it cannot be seen from there. */
  pidIn(namespace: PidNamespace): number | undefined {
    const pid = this.pids[namespace.level];
    return pid !== undefined && namespace.processes.get(pid) === this ? pid : undefined;
  }
}
