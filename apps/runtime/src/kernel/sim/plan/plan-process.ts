/**
 * One process that runs ops of a Plan: what native/exec/executor.h keeps for it. Slots are fds of the
 * simulated process, so that its fd table, its limits and its /proc/PID/fd are what they are on Linux.
 */
import type { ErrnoName } from "../../errno.ts";
import type { Op, ProcessName, Slot } from "../../op.ts";
import type { OpReport, Plan } from "../../plan.ts";
import type { Process } from "../process/process.ts";
import { Refusal, refuse } from "../refusal.ts";
import { close } from "../syscall/file.ts";
import { type Coroutine, WaitQueue } from "../task.ts";
import type { OpenFile } from "../vfs/open-file.ts";

/** A record of the executor holds this much detail (REPORT_DETAIL_MAX of report.h). */
const detailMax = 480;

/**
 * A pipe of which only "a byte came" and "the writer has gone" matter: barriers, gates, `start`. Ends are known
 * by the process that holds them; one that has died, however it died, holds none.
 */
export class Gate {
  readonly changed = new WaitQueue();
  /** Bytes written and not read. */
  bytes = 0;
  readonly writers = new Set<Process>();
  readonly readers = new Set<Process>();

  /** EPIPE when nobody is left to read it. */
  write(writer: Process): void {
    this.writers.delete(writer);
    if (![...this.readers].some(isAlive)) refuse("EPIPE");
    this.bytes++;
    this.changed.wake();
  }

  leave(who: Process): void {
    this.readers.delete(who);
    if (this.writers.delete(who)) this.changed.wake();
  }

  /** One byte, or the end of file of a writer that died: ECANCELED. */
  *read(): Coroutine<void> {
    for (;;) {
      if (this.bytes > 0) {
        this.bytes--;
        return;
      }
      const writers = [...this.writers].filter(isAlive);
      if (writers.length === 0) refuse("ECANCELED");
      yield { on: [this.changed, ...writers.map((writer) => writer.exited)] };
    }
  }
}

function isAlive(process: Process): boolean {
  return process.state === "alive";
}

/** Who hears of a Plan's ops, and who may change what comes of one. */
export interface PlanObserver {
  /** An op begins: its number, counted over the whole machine, and an errno that it shall fail with instead of being run. */
  begin(plan: Plan, index: number, op: Op): OpTicket;
  /** Told after each op that reported, also of an execve that succeeded. */
  end(plan: Plan, report: OpReport, number: number): void;
  /** How long the op takes, ns of virtual time. */
  durationNs(op: Op): number;
}

export interface OpTicket {
  readonly number: number;
  readonly errno: ErrnoName | undefined;
}

/** What all processes of one run of a Plan share. */
export interface PlanRunShared {
  readonly plan: Plan;
  readonly observer: PlanObserver;
  report(report: OpReport): void;
  /** `awaitStart` is about to block. */
  ready(): void;
  /** A process of the Plan has left the executor: it ended, or became its program. */
  left(process: ProcessName): void;
  /** clone3 made a process of this name. */
  born(name: ProcessName, process: Process): void;
  /** Byte of the shim that releases the container; undefined when nobody gave a `start` slot. */
  readonly start: Gate | undefined;
  /** Takes the pty's master; undefined when there is no console socket. */
  readonly console: ((process: Process, master: OpenFile) => void) | undefined;
  /** Made before the first clone3, by name. */
  barriers: Map<string, Gate> | undefined;
  /** Indexes of the ops of each process, in order. */
  readonly indexes: ReadonlyMap<ProcessName, readonly number[]>;
}

export class PlanProcess {
  /** Of a child made by clone3, set when it is born. */
  process: Process;
  readonly shared: PlanRunShared;
  readonly self: ProcessName;
  /** Inside the daemon: umask, cwd and credentials are not the Plan's. */
  readonly library: boolean;
  readonly slots: Map<Slot, number>;
  detail = "";
  /** "/" may belong to a container: after pivot_root, or after joining its mount namespace. */
  foreignRoot = false;
  /** What it mounts vanishes with it. */
  ownMounts = false;
  /** Private procfs, -1 until needed. */
  procfs = -1;
  nullDevice = -1;
  maskMount = -1;
  /** For the program; the executor's own is 0. */
  umask = 0o022;
  parent: Process | undefined;
  readonly children = new Map<ProcessName, Process>();
  /** idMap lets a child in a new user namespace go on. */
  gate: Gate | undefined;
  /** Host mounts of this run, undone when a later op fails. */
  mounted: number[] = [];

  constructor(process: Process, shared: PlanRunShared, self: ProcessName) {
    this.process = process;
    this.shared = shared;
    this.self = self;
    this.library = self === "host";
    this.parent = process.parent;
    this.slots = new Map();
  }

  /** What a child made by clone3 starts with; its `process` is still ours. */
  fork(child: ProcessName): PlanProcess {
    const made = new PlanProcess(this.process, this.shared, child);
    for (const [slot, fd] of this.slots) made.slots.set(slot, fd);
    made.foreignRoot = this.foreignRoot;
    made.ownMounts = this.ownMounts;
    made.procfs = this.procfs;
    made.nullDevice = this.nullDevice;
    made.maskMount = this.maskMount;
    made.umask = this.umask;
    return made;
  }

  /** The ops of this process, as indexes into the Plan. */
  get indexes(): readonly number[] {
    return this.shared.indexes.get(this.self) ?? [];
  }

  say(text: string): void {
    this.detail += text;
  }

  /** Says which argument was wrong, and ends the op. */
  fail(errno: ErrnoName, argument: string): never {
    this.detail = this.detail === "" ? argument : `${this.detail}; ${argument}`;
    throw new Refusal(errno);
  }

  failPath(errno: ErrnoName, argument: string, path: string): never {
    return this.fail(errno, `${argument} "${path}"`);
  }

  /** As `fail`, for what a system call threw. */
  failed(thrown: unknown, argument: string): never {
    return this.fail(errnoOf(thrown), argument);
  }

  failedPath(thrown: unknown, argument: string, path: string): never {
    return this.fail(errnoOf(thrown), `${argument} "${path}"`);
  }

  /** The detail of the op that ends now, as long as a record can hold it. */
  takeDetail(): string {
    const detail = this.detail.length > detailMax ? this.detail.slice(0, detailMax) : this.detail;
    this.detail = "";
    return detail;
  }

  slot(slot: Slot, argument: string): number {
    const fd = this.slots.get(slot);
    if (fd !== undefined) return fd;
    return this.fail("EBADF", `${argument}: slot is empty`);
  }

  fill(slot: Slot, fd: number): number {
    const before = this.slots.get(slot);
    if (before !== undefined && before > 2) close(this.process, before);
    this.slots.set(slot, fd);
    return fd;
  }

  /** Remembers a mount of the host's namespace, so that a failure later in the Plan can take it away. */
  remember(fd: number): void {
    if (this.ownMounts || this.mounted.length === 16) close(this.process, fd);
    else this.mounted.push(fd);
  }
}

/** The errno of what a system call threw; anything but a Refusal is a fault of the model and goes on. */
export function errnoOf(thrown: unknown): ErrnoName {
  if (thrown instanceof Refusal) return thrown.errno;
  throw thrown;
}

/** What `work` returns, or the errno it was refused with. */
export function attempt<T>(work: () => T): T | ErrnoName {
  try {
    return work();
  } catch (thrown) {
    return errnoOf(thrown);
  }
}

/** An fd, or undefined and the errno apart: for the places that look at both. */
export function attemptFd(work: () => number): {
  readonly fd: number;
  readonly errno: ErrnoName | undefined;
} {
  try {
    return { fd: work(), errno: undefined };
  } catch (thrown) {
    return { fd: -1, errno: errnoOf(thrown) };
  }
}
