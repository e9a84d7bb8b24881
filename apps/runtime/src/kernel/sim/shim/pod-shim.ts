/**
 * vitrine-shim as a process of the model: subreaper, one a pod, owner of its containers. It lives in the machine
 * and outlives the daemon, which finds it again by its directory. Requests wait until the process gets its turn,
 * so that a shim that is stopped does not answer.
 */
import type {
  ContainerExit,
  CreateOptions,
  ExecOptions,
  ExecResult,
  ShimContainer,
} from "../../kernel.ts";
import type { Plan } from "../../plan.ts";
import { AT_FDCWD, WNOHANG } from "../abi.ts";
import type { Machine } from "../machine.ts";
import type { PlanObserver } from "../plan/plan-process.ts";
import { startChild } from "../plan/run-plan.ts";
import type { ExitStatus, Process } from "../process/process.ts";
import { isRefusal, Refusal } from "../refusal.ts";
import { setDumpable, setSubreaper } from "../syscall/credential.ts";
import { chdir, mknodat, openFile, releaseFile } from "../syscall/file.ts";
import { sigaction, wait4 } from "../syscall/process.ts";
import { type Coroutine, type Timer, WaitQueue } from "../task.ts";
import { type Answer, type ContainerOwner, HeldContainer, refusalOf } from "./held-container.ts";
import { HeldExec } from "./held-exec.ts";
import type { Requester, ShimFailure } from "./launch.ts";

const socketName = "s";
/** A shim without any container and without a connection ends by itself after this time. */
const idleNs = 30_000_000_000n;
const containersMax = 1024;
/** What the real one ignores: TERM, INT, HUP, PIPE, XFSZ, TTOU, TTIN, TSTP, QUIT. */
const ignoredSignals = [15, 2, 1, 13, 25, 22, 21, 20, 3];

/** A daemon that is connected, or was. */
export interface ShimPeer {
  exited(exit: ContainerExit): void;
  /** The shim has died or closed the connection. */
  lost(): void;
}

/** Shims of a machine by the directory entry of their working directory. */
const shimsOfMachine = new WeakMap<Machine, Set<PodShim>>();

export function shimsOf(machine: Machine): Set<PodShim> {
  const known = shimsOfMachine.get(machine);
  if (known !== undefined) return known;
  const made = new Set<PodShim>();
  shimsOfMachine.set(machine, made);
  return made;
}

/** The living shim whose working directory is the one at `path`, as `viewer` sees it. */
export function shimAt(viewer: Process, path: string): PodShim | undefined {
  const shims = shimsOf(viewer.machine);
  if (shims.size === 0) return undefined;
  let directory: ReturnType<typeof openFile>;
  try {
    directory = openFile(viewer, AT_FDCWD, path, { flags: 0o10000000 });
  } catch (thrown) {
    if (isRefusal(thrown)) return undefined;
    throw thrown;
  }
  const dentry = directory.point?.dentry;
  releaseFile(directory);
  for (const shim of shims) if (shim.alive && shim.process.cwd.dentry === dentry) return shim;
  return undefined;
}

export class PodShim implements ContainerOwner {
  readonly podId: string;
  readonly process: Process;
  readonly observer: PlanObserver;
  readonly #containers = new Map<string, HeldContainer>();
  readonly #execs = new Set<HeldExec>();
  readonly #peers = new Set<ShimPeer>();
  readonly #queue: (() => void)[] = [];
  readonly #wake = new WaitQueue();
  #idle: Timer | undefined;
  #closer: Answer<void> | undefined;
  #closing = false;
  #ended = false;
  #idleOver = false;
  #greeting: { listening: () => void; refused: (why: Refusal) => void } | undefined;

  /** Starts the process as a child of `daemon`. Throws the Refusal of clone3. */
  constructor(daemon: Process, podId: string, directory: string, observer: PlanObserver) {
    this.podId = podId;
    this.observer = observer;
    const nothing = openFile(daemon, AT_FDCWD, "/dev/null", { flags: 2 });
    this.process = startChild(daemon, {
      comm: "vitrine-shim",
      argv: ["vitrine-shim", podId],
      stdio: [nothing, nothing, nothing],
      main: () => this.#main(),
    });
    releaseFile(nothing);
    chdir(this.process, directory);
    shimsOf(daemon.machine).add(this);
  }

  get alive(): boolean {
    return this.process.state === "alive" && !this.#ended;
  }

  /** Calls back when it listens, or says why it cannot. */
  greet(listening: () => void, refused: (why: Refusal) => void): void {
    this.#greeting = { listening, refused };
  }

  connect(peer: ShimPeer): void {
    this.#peers.add(peer);
    this.#reconsider();
  }

  /** The connection ends: what only that peer waits for is given up. */
  disconnect(peer: ShimPeer): void {
    this.#peers.delete(peer);
    if (this.alive) this.#reconsider();
  }

  /** Does `work` as the shim, when the process gets its turn. */
  ask(work: () => void): void {
    this.#queue.push(work);
    this.#wake.wake();
  }

  changed(): void {
    this.#wake.wake();
  }

  later(ns: bigint, work: () => void): void {
    const { scheduler } = this.process.machine;
    scheduler.at(scheduler.nowNs + ns, () => {
      if (this.alive) this.ask(work);
    });
  }

  exited(exit: ContainerExit): void {
    for (const peer of [...this.#peers]) peer.exited(exit);
  }

  freed(container: HeldContainer): void {
    this.#containers.delete(container.id);
    for (const exec of this.#execs) {
      if (exec.container === container) exec.cancel("the container has gone");
    }
    this.#reconsider();
  }

  create(options: CreateOptions, requester: Requester, answer: Answer<ShimContainer>): void {
    const { containerId } = options;
    if (this.#closing) {
      answer.failed(refusalOf("ECANCELED", "the shim is shutting down"));
    } else if (this.#containers.has(containerId)) {
      answer.failed(refusalOf("EEXIST", "a container of this id exists"));
    } else if (this.#containers.size >= containersMax) {
      answer.failed(refusalOf("ENOSPC", "too many containers in one pod"));
    } else {
      orFailed(answer, () => {
        this.#containers.set(containerId, new HeldContainer(this, options, requester, answer));
        this.#reconsider();
      });
    }
  }

  /** The create of this container that is under way is given up. */
  cancelCreate(containerId: string): void {
    this.#containers.get(containerId)?.cancel();
  }

  start(containerId: string, requester: Requester, answer: Answer<ShimContainer>): void {
    const container = this.#containers.get(containerId);
    if (container === undefined) answer.failed(refusalOf("ENOENT", "no such container"));
    else container.start(requester, answer);
  }

  kill(containerId: string, signal: number, all: boolean, answer: Answer<void>): void {
    const container = this.#containers.get(containerId);
    if (container === undefined || container.phase === "creating") {
      answer.failed(refusalOf("ENOENT", "no such container"));
    } else {
      container.kill(signal, all, answer);
    }
  }

  remove(containerId: string, answer: Answer<void>): void {
    const container = this.#containers.get(containerId);
    if (container === undefined) answer.done();
    else container.remove(answer);
  }

  reopenLog(containerId: string, answer: Answer<void>): void {
    const container = this.#containers.get(containerId);
    if (container === undefined) {
      answer.failed(refusalOf("ENOENT", "no such container"));
      return;
    }
    orFailed(answer, () => {
      container.reopenLog();
      answer.done();
    });
  }

  list(): readonly ShimContainer[] {
    const known = [...this.#containers.values()].filter(({ phase }) => phase !== "creating");
    return known.map((container) => container.state());
  }

  /** The exec that was started; undefined when it was refused, which `answer` has heard then. */
  exec(
    containerId: string,
    plan: Plan,
    options: ExecOptions,
    requester: Requester,
    answer: Answer<ExecResult>,
  ): HeldExec | undefined {
    const container = this.#containers.get(containerId);
    if (this.#closing) {
      answer.failed(refusalOf("ECANCELED", "the shim is shutting down"));
      return undefined;
    }
    if (container === undefined || container.phase !== "running") {
      const failure =
        container === undefined
          ? refusalOf("ENOENT", "no such container")
          : refusalOf("ESRCH", "the container is not running");
      answer.failed(failure);
      return undefined;
    }
    let exec: HeldExec | undefined;
    orFailed(answer, () => {
      exec = new HeldExec(this, container, plan, options, requester, answer);
      this.#execs.add(exec);
      this.#reconsider();
    });
    return exec;
  }

  /** Kills whatever is left and ends. */
  shutdown(answer: Answer<void>): void {
    this.#closer?.failed(refusalOf("ECANCELED", "another client shuts the shim down"));
    this.#closer = answer;
    this.#closing = true;
    const nobody: Answer<void> = { done: () => undefined, failed: () => undefined };
    for (const container of [...this.#containers.values()]) container.remove(nobody);
    this.#wake.wake();
  }

  *#main(): Coroutine<number> {
    const self = this.process;
    try {
      for (const signal of ignoredSignals) sigaction(self, signal, "ignore");
      setSubreaper(self, true);
      setDumpable(self, false);
      self.umask = 0o022;
      if (!this.#listen()) return 1;
      for (;;) {
        yield* this.#reap();
        for (let work = this.#queue.shift(); work !== undefined; work = this.#queue.shift()) work();
        for (const container of [...this.#containers.values()]) container.advance();
        for (const exec of [...this.#execs]) {
          exec.advance();
          if (exec.over) this.#execs.delete(exec);
        }
        if (this.#queue.length > 0) continue;
        if (this.#finished()) return 0;
        yield { on: [self.childEvents, this.#wake] };
      }
    } finally {
      this.#over();
    }
  }

  /** Makes its socket; false when it cannot, which whoever started it hears. */
  #listen(): boolean {
    try {
      mknodat(this.process, AT_FDCWD, socketName, "socket", 0o600);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      this.#greeting?.refused(new Refusal(thrown.errno, `s: ${thrown.errno}`));
      this.#greeting = undefined;
      return false;
    }
    this.#greeting?.listening();
    this.#greeting = undefined;
    this.#reconsider();
    return true;
  }

  *#reap(): Coroutine<void> {
    for (;;) {
      let ended: { readonly process: Process; readonly status: ExitStatus } | undefined;
      try {
        ended = yield* wait4(this.process, -1, WNOHANG);
      } catch (thrown) {
        if (!isRefusal(thrown, "ECHILD")) throw thrown;
      }
      if (ended === undefined) return;
      const { process, status } = ended;
      for (const one of [...this.#containers.values(), ...this.#execs]) {
        if (one.reaped(process, status)) break;
      }
    }
  }

  /** Told to end with nothing left, or idle for too long. */
  #finished(): boolean {
    if (this.#containers.size > 0 || this.#execs.size > 0) return false;
    return this.#closing || this.#idleOver;
  }

  /** Looks whether the shim is still needed. */
  #reconsider(): void {
    const idle = this.#containers.size === 0 && this.#execs.size === 0 && this.#peers.size === 0;
    if (!idle) {
      this.#idle?.cancel();
      this.#idle = undefined;
      this.#idleOver = false;
    } else if (this.#idle === undefined) {
      const { scheduler } = this.process.machine;
      this.#idle = scheduler.at(scheduler.nowNs + idleNs, () => {
        this.#idleOver = true;
        this.#wake.wake();
      });
    }
  }

  /** The process has been reaped. One that was killed before its first turn never ran to its end. */
  reaped(): void {
    if (!this.#ended) this.#over();
  }

  /** The process ends, in whichever way. */
  #over(): void {
    this.#ended = true;
    this.#greeting?.refused(new Refusal("ECONNRESET", "it ended before it listened"));
    this.#idle?.cancel();
    shimsOf(this.process.machine).delete(this);
    this.#greeting = undefined;
    for (const container of this.#containers.values()) container.abandon();
    for (const exec of this.#execs) exec.abandon();
    this.#closer?.done();
    for (const peer of [...this.#peers]) peer.lost();
    this.#peers.clear();
  }
}

function orFailed(answer: Answer<never>, work: () => void): void {
  try {
    work();
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    answer.failed(thrown);
  }
}

function isFailure(thrown: unknown): thrown is ShimFailure {
  return typeof thrown === "object" && thrown !== null && "index" in thrown && "errno" in thrown;
}
