/**
 * A simulated machine with a daemon on it, and the hand that turns the wheel: `drive` lets the daemon's promises
 * and the machine's tasks run in turn and moves virtual time when everybody waits. The same options make the
 * same run, byte for byte.
 */
import type { ErrnoName } from "../../errno.ts";
import { RuntimeError } from "../../errors.ts";
import type { Op } from "../../op.ts";
import type { OpReport, Plan } from "../../plan.ts";
import type { Clock, World } from "../../world.ts";
import { SIGKILL } from "../abi.ts";
import { type BootOptions, boot } from "../boot.ts";
import { FaultSchedule } from "../fault/fault-schedule.ts";
import type { Machine } from "../machine.ts";
import type { OpTicket, PlanObserver } from "../plan/plan-process.ts";
import type { Process } from "../process/process.ts";
import { spawnProcess } from "../process/spawn.ts";
import { exitProcess, setsid } from "../syscall/process.ts";
import { DaemonClock, MachineClock } from "./clock.ts";
import { type Activity, DaemonCrash, DaemonLife } from "./daemon-life.ts";
import type { SimulationHost } from "./host.ts";
import { killNewestContainer, killNewestShim } from "./misfortune.ts";
import { durationNs } from "./op-durations.ts";
import { SimRandom } from "./random.ts";
import { RecordDisk, SimRecords, type WriteWatch } from "./records.ts";
import { simContent } from "./sim-content.ts";
import { type DirectoryWatch, SimKernel } from "./sim-kernel.ts";

export interface SimulationOptions extends Omit<BootOptions, "seed" | "scheduler"> {
  readonly seed: number;
  readonly host: SimulationHost;
  /** What goes wrong, in the grammar of fault/grammar.ts. RuntimeError INVALID_ARGUMENT for what is none. */
  readonly faults?: readonly string[];
  /** The daemon's root directory, as its EngineOptions have it: /var/lib/vitrine. */
  readonly rootDirectory?: string;
  /** Whether the kernel has AppArmor; it has unless this says no. */
  readonly apparmor?: boolean;
  /** A Plan as it shall be run instead: what if. */
  readonly editPlan?: (plan: Plan) => Plan;
  /** An errno that an op is to be refused with, by its place in the edited Plan: what if. */
  readonly refuse?: (plan: Plan, index: number) => ErrnoName | undefined;
  /** Told of every op when it has ended; `number` counts the ops of the machine from 1. */
  readonly onOp?: (number: number, plan: Plan, op: Op, report: OpReport) => void;
  /** The simulation whose machine this one is a guest of; that one's `drive` drives both. */
  readonly guestOf?: Simulation;
  /** Virtual time after which `drive` gives up, ms. Unset: a day. */
  readonly driveLimitMs?: number;
}

const dayMs = 86_400_000;
const msNs = 1_000_000n;
/** Promises of the place we run in (compression, say) may take some turns more than ours. */
const patientTurns = 50;

interface Wake {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function wake(): Wake {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

export class Simulation {
  readonly options: SimulationOptions;
  readonly machine: Machine;
  /** Time, for whoever stands outside of the daemon. */
  readonly clock: Clock;
  readonly records = new RecordDisk();
  readonly #activity: Activity;
  readonly #watches: Set<DirectoryWatch>;
  readonly #observer: PlanObserver;
  readonly #schedule: FaultSchedule;
  /** CLOCK_MONOTONIC when the machine had booted. */
  readonly #bornNs: bigint;
  #life: DaemonLife | undefined;
  #crashed: Wake = wake();

  /** Boots the machine. RuntimeError INVALID_ARGUMENT for a fault that is none. */
  constructor(options: SimulationOptions) {
    this.options = options;
    this.#schedule = new FaultSchedule(options.faults ?? []);
    const { guestOf } = options;
    this.#activity = guestOf === undefined ? { happened: false } : guestOf.#activity;
    this.#watches = guestOf === undefined ? new Set() : guestOf.#watches;
    this.machine = boot(
      guestOf === undefined ? options : { ...options, scheduler: guestOf.machine.scheduler },
    );
    this.#bornNs = this.machine.scheduler.nowNs;
    this.clock = new MachineClock(this.machine, this.#activity);
    this.#observer = {
      begin: (plan, index, op) => this.#begin(plan, index, op),
      end: (plan, report, number) => this.#end(plan, report, number),
      durationNs: (op) => durationNs(op) * this.#jitter(),
    };
  }

  /** Ops and record writes so far: the places at which crash@N and record@N=crash mean something. */
  get counts(): { readonly ops: number; readonly writes: number } {
    return { ops: this.#schedule.ops, writes: this.#schedule.writes };
  }

  /**
   * Unix time for the start or end of a span. The daemon's own work between two of them takes time as well, so
   * that no two stamps are equal and what comes later is later.
   */
  stampNs(): bigint {
    this.machine.scheduler.charge(betweenStampsNs);
    return this.machine.unixNs();
  }

  /** From now on nothing goes wrong by plan. */
  clearFaults(): void {
    this.#schedule.clear();
  }

  /** The daemon's process; undefined before its first start and after a crash. */
  get daemon(): Process | undefined {
    return this.#life?.process;
  }

  /** A new life of the daemon over the same machine and records; a former one that still lives dies. */
  startDaemon(): World {
    this.crashDaemon();
    this.#crashed = wake();
    const process = spawnProcess(this.machine.init, {
      comm: "vitrined",
      argv: ["vitrined"],
      env: [],
    });
    setsid(process);
    const life = new DaemonLife(process, this.#activity);
    this.#life = life;
    const kernel = new SimKernel(life, {
      observer: this.#observer,
      editPlan: (plan) => this.options.editPlan?.(plan) ?? plan,
      cniFault: (command) => this.#schedule.cni(command),
      apparmor: this.options.apparmor ?? true,
      watches: this.#watches,
    });
    const random = new SimRandom(life);
    const records = new SimRecords(this.records, life, this.#writeWatch());
    const clock = new DaemonClock(life);
    const schedule = this.#schedule;
    const rootDirectory = this.options.rootDirectory ?? "/var/lib/vitrine";
    const content = simContent({ life, clock, random, schedule, rootDirectory });
    return { kernel, clock, random, records, ...content };
  }

  /** kill -9 of the daemon: nothing of it acts any more, and what it waits for never comes. */
  crashDaemon(): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    life.end();
    exitProcess(life.process, { kind: "signaled", signal: SIGKILL });
    this.#activity.happened = true;
    this.#crashed.resolve();
  }

  /** Resolves when the daemon that runs now dies; at once when none runs. */
  crashed(): Promise<void> {
    return this.#crashed.promise;
  }

  /**
   * Runs the machine until `work` is settled. Rejects as `work` does, or with a sentence about who waits for what
   * when nothing can go on. A crash of the daemon does not end it: somebody may start another.
   */
  async drive<T>(work: Promise<T>): Promise<T> {
    const { scheduler } = this.machine;
    const { host } = this.options;
    const outcome: { settled: boolean } = { settled: false };
    const settled = () => {
      outcome.settled = true;
    };
    work.then(settled, settled);
    const untilNs = scheduler.nowNs + BigInt(this.options.driveLimitMs ?? dayMs) * msNs;
    let patience = patientTurns;
    let turn = true;
    let shownNs = scheduler.nowNs;
    for (;;) {
      if (turn) await host.turn();
      turn = false;
      if (outcome.settled) {
        // Who is ready gets to its next wait: a parent reaps, a pipe is emptied.
        if (!scheduler.idle) scheduler.settle(10_000);
        return work;
      }
      this.#noticeDeath();
      for (const watch of [...this.#watches]) watch.look();
      if (!scheduler.idle) {
        scheduler.settle(10_000, () => this.#activity.happened);
      } else if (!this.#activity.happened) {
        const next = scheduler.nextTimerNs();
        if (host.wait !== undefined) {
          await host.wait(next === undefined ? undefined : next - scheduler.nowNs);
          this.#catchUp();
          turn = true;
          continue;
        }
        if (next === undefined) {
          if (patience-- <= 0) throw this.#stuck("there is nothing left that could happen");
          turn = true;
          continue;
        }
        if (next > untilNs) throw this.#stuck("virtual time is over");
        scheduler.advanceTo(next);
      }
      patience = patientTurns;
      if (host.pace !== undefined && scheduler.nowNs > shownNs) {
        await host.pace(scheduler.nowNs - shownNs);
        shownNs = scheduler.nowNs;
      }
      turn = this.#activity.happened;
      this.#activity.happened = false;
    }
  }

  /** With a host that lives in real time: the machine's clock follows it. */
  #catchUp(): void {
    const elapsed = this.options.host.elapsedNs?.();
    if (elapsed !== undefined) this.machine.scheduler.advanceTo(this.#bornNs + elapsed);
  }

  #stuck(why: string): RuntimeError {
    const waits = this.#life?.waits ?? [];
    const dead = this.#life === undefined ? "; no daemon runs" : "";
    const daemon = waits.length === 0 ? "" : `; the daemon waits for: ${waits.join(", ")}`;
    const alive = [...this.machine.processes.values()].filter(({ state }) => state === "alive");
    const processes = alive.map(({ pid, comm }) => `${comm} (${pid})`).join(", ");
    const message = `the simulation cannot go on, ${why}${dead}${daemon}; alive are ${processes}`;
    return new RuntimeError("INTERNAL", message);
  }

  /** Somebody in the model may have killed the daemon's process: then its code is dead, too. */
  #noticeDeath(): void {
    if (this.#life !== undefined && this.#life.process.state !== "alive") this.crashDaemon();
  }

  #begin(plan: Plan, index: number, op: Op): OpTicket {
    const scheduled = this.#schedule.beforeOp(op);
    const errno = this.options.refuse?.(plan, index) ?? scheduled;
    return { number: this.#schedule.ops, errno };
  }

  #end(plan: Plan, report: OpReport, number: number): void {
    const op = plan.steps[report.index]?.op;
    if (op !== undefined) this.options.onOp?.(number, plan, op, report);
    for (const misfortune of this.#schedule.afterOp(number)) {
      if (misfortune === "crash") this.crashDaemon();
      else if (misfortune === "kill shim") killNewestShim(this.machine);
      else killNewestContainer(this.machine);
    }
    // The daemon's own ops stop in the middle of their Plan; those of others go on without it.
    if (report.process === "host" && this.#life === undefined) throw new DaemonCrash();
  }

  #writeWatch(): WriteWatch {
    return {
      before: () => {
        if (!this.#schedule.beforeWrite()) return;
        const message = "no space left on the disk while writing a record";
        throw new RuntimeError("RESOURCE_EXHAUSTED", message);
      },
      after: () => {
        this.machine.scheduler.charge(recordWriteNs);
        if (this.#schedule.afterWrite()) this.crashDaemon();
      },
    };
  }

  /** No two runs of an op take the same time: a factor around one, of the machine's seed. */
  #jitter(): number {
    const sum = (this.machine.random() >>> 16) + (this.machine.random() >>> 16);
    return 0.7 + (0.6 * sum) / 131070;
  }
}

/** From one span to the next, in a daemon that has been running for a while. */
const betweenStampsNs = 6_000;
/** An INSERT into a SQLite in WAL mode. */
const recordWriteNs = 25_000;
