/** A container in the hands of its shim: its phases and its end, as native/shim/container.c and container-end.c have them. */
import type { ContainerExit, CreateOptions, ShimContainer } from "../../kernel.ts";
import { SIGKILL } from "../abi.ts";
import { cgroupAt } from "../plan/cgroup-of.ts";
import { Gate, type PlanObserver } from "../plan/plan-process.ts";
import type { ExitStatus, Process } from "../process/process.ts";
import { Refusal } from "../refusal.ts";
import { deliverSignal } from "../syscall/process.ts";
import { hasMembers, signalMembers } from "./container-cgroups.ts";
import { CriLog } from "./cri-log.ts";
import { Launch, type Requester, type ShimFailure } from "./launch.ts";
import { StandardIo } from "./standard-io.ts";

/** What a request waits for. */
export interface Answer<T> {
  done(value: T): void;
  failed(failure: ShimFailure): void;
}

const killAgainNs = 5_000_000n;
const killRounds = 400;

export interface ContainerOwner {
  readonly process: Process;
  readonly observer: PlanObserver;
  /** Calls `work` as the shim, after this much virtual time. */
  later(ns: bigint, work: () => void): void;
  /** Something changed: the shim shall look at its containers. */
  changed(): void;
  exited(exit: ContainerExit): void;
  /** It is gone: nothing of it is left in the shim. */
  freed(container: HeldContainer): void;
}

export function refusalOf(errno: ShimFailure["errno"], detail: string): ShimFailure {
  return { errno, detail, index: -1 };
}

export function exitCodeOf(status: ExitStatus): number {
  return status.kind === "exited" ? status.code : 128 + status.signal;
}

export class HeldContainer {
  readonly id: string;
  readonly cgroupPaths: readonly string[];
  phase: "creating" | "created" | "starting" | "running" | "exited" = "creating";
  init: Process | undefined;
  readonly #owner: ContainerOwner;
  readonly #log: CriLog;
  readonly #io: StandardIo;
  readonly #start = new Gate();
  #launch: Launch | undefined;
  #creating: Answer<ShimContainer> | undefined;
  #starting: Answer<ShimContainer> | undefined;
  #startedAtNs = 0n;
  #exit: ContainerExit | undefined;
  /** How init ended, once it was reaped. */
  #code: number | undefined;
  #killedByUs = false;
  readonly #oomKillsBefore: number;
  #emptying = false;
  #rounds = 0;
  readonly #killers: Answer<void>[] = [];
  readonly #removers: Answer<void>[] = [];

  /** Opens the log and starts vitrine-oci. Throws a ShimFailure when either cannot be. */
  constructor(
    owner: ContainerOwner,
    options: CreateOptions,
    requester: Requester,
    creating: Answer<ShimContainer>,
  ) {
    const { containerId, cgroupPaths, io } = options;
    this.id = containerId;
    this.cgroupPaths = cgroupPaths;
    this.#owner = owner;
    this.#creating = creating;
    this.#oomKillsBefore = this.#oomKills();
    try {
      this.#log = new CriLog(owner.process, io.logPath, io.logLineBytesMax);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      throw refusalOf(thrown.errno, "log file");
    }
    this.#io = new StandardIo(owner.process, {
      terminal: io.terminal,
      stdin: io.stdin,
      take: (stream, data) => this.#log.write(stream, data),
      ended: (stream) => this.#log.end(stream),
    });
    this.#start.writers.add(owner.process);
    try {
      this.#launch = new Launch({
        shim: owner.process,
        plan: options.plan,
        observer: owner.observer,
        target: "init",
        requester,
        stdio: this.#io.theirs,
        start: this.#start,
        console: (_, master) => this.#io.takeMaster(master),
        changed: () => owner.changed(),
      });
      this.#io.given();
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      this.#io.given();
      this.#io.close();
      this.#log.close();
      throw refusalOf(thrown.errno, "vitrine-oci cannot be started");
    }
  }

  /** A child of the shim's was reaped; true when it was one of ours. */
  reaped(process: Process, status: ExitStatus): boolean {
    const launch = this.#launch;
    if (launch?.oci === process) {
      launch.ended(exitCodeOf(status));
      return true;
    }
    if ((this.init ?? launch?.target) !== process) return false;
    this.#code = exitCodeOf(status);
    return true;
  }

  /** Goes on as far as what has happened allows. */
  advance(): void {
    if (this.phase === "creating") this.#advanceCreate();
    if (this.phase === "starting") this.#advanceStart();
    if (this.phase === "created" || this.phase === "running") {
      if (this.#code !== undefined) this.#exited();
    }
    if (this.phase === "exited" && this.#removers.length > 0 && !this.#emptying) this.#free();
  }

  state(): ShimContainer {
    const { phase, id, init } = this;
    return {
      containerId: id,
      state: phase === "exited" || phase === "running" ? phase : "created",
      pid: init?.pid ?? 0,
      startTime: init?.startTime ?? 0,
      startedAtNs: this.#startedAtNs,
      ...(this.#exit === undefined ? {} : { exit: this.#exit }),
    };
  }

  /** Releases `awaitStart`. */
  start(requester: Requester, answer: Answer<ShimContainer>): void {
    if (this.phase === "exited" || (this.phase === "created" && this.#code !== undefined)) {
      answer.failed(refusalOf("ESRCH", "the container has exited"));
      return;
    }
    const launch = this.#launch;
    if (this.phase !== "created" || launch === undefined) {
      answer.failed(refusalOf("EALREADY", "the container is not waiting to be started"));
      return;
    }
    launch.requester = requester;
    this.phase = "starting";
    this.#starting = answer;
    try {
      this.#start.write(this.#owner.process);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      launch.kill(thrown.errno, "the container does not wait any more");
    }
    this.#owner.changed();
  }

  kill(signal: number, all: boolean, answer: Answer<void>): void {
    if (signal === SIGKILL && this.init?.state === "alive") this.#killedByUs = true;
    if (all && signal === SIGKILL) {
      this.#killers.push(answer);
      this.#empty();
      return;
    }
    const { machine } = this.#owner.process;
    // One hierarchy knows every process; through several some would get the signal twice.
    if (all && this.cgroupPaths.length > 0) {
      signalMembers(machine, this.cgroupPaths.slice(0, 1), signal);
    } else if (this.init?.state === "alive") {
      deliverSignal(this.init, signal);
    }
    answer.done();
  }

  remove(answer: Answer<void>): void {
    this.#removers.push(answer);
    if (this.phase === "creating") {
      this.#launch?.kill("ECANCELED", "the container was removed while it was made");
    } else if (this.phase !== "exited") {
      if (this.init?.state === "alive") this.#killedByUs = true;
      this.#empty();
    }
    this.#owner.changed();
  }

  /** Whoever asked for it gave up while it was made. */
  cancel(): void {
    if (this.phase === "creating") this.#launch?.kill("ECANCELED", "the caller gave up");
  }

  /** Throws a ShimFailure when the log cannot be opened again. */
  reopenLog(): void {
    if (this.phase === "exited") throw refusalOf("ESRCH", "the container has exited");
    try {
      this.#log.reopen();
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      throw refusalOf(thrown.errno, "log file");
    }
  }

  /** The shim itself has died: nobody reads what the container writes. */
  abandon(): void {
    this.#io.close();
  }

  #advanceCreate(): void {
    const launch = this.#launch;
    if (launch === undefined) return;
    if (launch.failure === undefined && launch.eof && !launch.ready) {
      launch.kill("ECANCELED", "vitrine-oci ended before the container was ready");
    }
    if (launch.failure !== undefined) {
      this.#createFailed(launch, launch.failure);
      return;
    }
    if (!launch.ready || !launch.ociEnded || launch.target === undefined) return;
    this.init = launch.target;
    this.phase = "created";
    launch.disown();
    this.#creating?.done(this.state());
    this.#creating = undefined;
  }

  /** Answered when nothing of it is left. */
  #createFailed(launch: Launch, failure: ShimFailure): void {
    if (!launch.over) return;
    const { machine } = this.#owner.process;
    const left = signalMembers(machine, this.cgroupPaths, SIGKILL);
    if (left > 0 && this.#rounds++ < killRounds) {
      this.#owner.later(killAgainNs, () => this.#owner.changed());
      return;
    }
    this.#creating?.failed(failure);
    this.#creating = undefined;
    this.#free();
  }

  #advanceStart(): void {
    const launch = this.#launch;
    if (launch === undefined) return;
    if (launch.failure !== undefined) {
      if (!launch.over || this.#code === undefined) return;
      this.#starting?.failed(launch.failure);
      this.#starting = undefined;
      this.#exited();
    } else if (launch.eof) {
      this.phase = "running";
      this.#startedAtNs = this.#owner.process.machine.unixNs();
      this.#launch = undefined;
      this.#starting?.done(this.state());
      this.#starting = undefined;
    }
  }

  #exited(): void {
    const { machine } = this.#owner.process;
    const code = this.#code ?? 0;
    this.#launch = undefined;
    let exitedAtNs = machine.unixNs();
    if (exitedAtNs < this.#startedAtNs) exitedAtNs = this.#startedAtNs;
    const oomKilled =
      code === 128 + SIGKILL && !this.#killedByUs && this.#oomKills() > this.#oomKillsBefore;
    this.phase = "exited";
    this.#exit = {
      containerId: this.id,
      pid: this.init?.pid ?? 0,
      exitCode: code,
      oomKilled,
      atNs: exitedAtNs,
    };
    // Without a pid namespace of its own, others may still run: a container ends with its init.
    if (hasMembers(machine, this.cgroupPaths)) this.#empty();
    this.#io.closeInput();
    this.#owner.exited(this.#exit);
  }

  #oomKills(): number {
    const { machine } = this.#owner.process;
    for (const path of this.cgroupPaths) {
      const node = cgroupAt(machine, path);
      if (node?.memory !== undefined) return node.memory.oomKills;
    }
    return 0;
  }

  #empty(): void {
    if (this.#emptying) return;
    this.#emptying = true;
    this.#rounds = 0;
    this.#killRound();
  }

  /** One round of killing by cgroup; again until it is empty and init has gone. */
  #killRound(): void {
    const { machine } = this.#owner.process;
    if (this.init?.state === "alive") deliverSignal(this.init, SIGKILL);
    signalMembers(machine, this.cgroupPaths, SIGKILL);
    const lives = this.init !== undefined && this.#code === undefined;
    if (lives || hasMembers(machine, this.cgroupPaths)) {
      if (++this.#rounds < killRounds) {
        this.#owner.later(this.#rounds === 1 ? 0n : killAgainNs, () => this.#killRound());
        return;
      }
      const late = refusalOf("ETIMEDOUT", "processes of the container do not die");
      for (const answer of [...this.#killers.splice(0), ...this.#removers.splice(0)]) {
        answer.failed(late);
      }
    }
    this.#emptying = false;
    for (const answer of this.#killers.splice(0)) answer.done();
    this.#owner.changed();
  }

  #free(): void {
    this.#launch?.disown();
    this.#io.close();
    this.#log.close();
    for (const answer of [...this.#killers.splice(0), ...this.#removers.splice(0)]) answer.done();
    this.#owner.freed(this);
  }
}
