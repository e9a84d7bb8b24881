/**
 * One life of the daemon: from startDaemon to its crash. Whatever it asked for and did not get by then it never
 * gets: promises of a dead life hang, synchronous calls throw. Nothing of a dead life acts any more.
 */
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import type { Coroutine, Task, Timer } from "../task.ts";

/** Thrown into code of a daemon that is dead; no error of the runtime, and nobody's to handle. */
export class DaemonCrash extends Error {
  constructor() {
    super("the daemon is dead");
    this.name = "DaemonCrash";
  }
}

/** Whether promises were settled or callbacks called since somebody looked: then the daemon's code has something to do. */
export interface Activity {
  happened: boolean;
}

export class DaemonLife {
  readonly machine: Machine;
  readonly process: Process;
  readonly #activity: Activity;
  #dead = false;
  readonly #tasks = new Set<Task>();
  readonly #timers = new Set<Timer>();
  readonly #atDeath = new Set<() => void>();
  readonly #waits = new Map<object, string>();

  constructor(process: Process, activity: Activity) {
    this.process = process;
    this.machine = process.machine;
    this.#activity = activity;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Throws DaemonCrash in a dead life. */
  check(): void {
    if (this.#dead) throw new DaemonCrash();
  }

  /** What the daemon waits for, in words. */
  get waits(): readonly string[] {
    return [...this.#waits.values()];
  }

  /** A promise that never settles once this life is over. `what` says what is waited for. */
  promise<T>(
    what: string,
    start: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#dead) return;
      const key = {};
      this.#waits.set(key, what);
      const settle = (how: () => void) => {
        if (this.#dead || !this.#waits.delete(key)) return;
        this.#activity.happened = true;
        how();
      };
      start(
        (value) => settle(() => resolve(value)),
        (reason) => settle(() => reject(reason)),
      );
    });
  }

  /** What is done at once, as a promise; it hangs when the life ends in the middle of it. */
  now<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#dead) return new Promise<T>(() => undefined);
    try {
      return Promise.resolve(work());
    } catch (error) {
      if (error instanceof DaemonCrash) return new Promise<T>(() => undefined);
      return Promise.reject(error);
    }
  }

  /** Calls back into the daemon's code, later and never in a dead life. */
  deliver(work: () => void): void {
    if (this.#dead) return;
    this.#activity.happened = true;
    void Promise.resolve().then(() => {
      if (!this.#dead) work();
    });
  }

  /** Runs beside the daemon's own code, and ends with this life. */
  spawn(name: string, coroutine: Coroutine<void>, failed: (thrown: unknown) => void): void {
    const task = this.machine.scheduler.spawn(name, coroutine, ({ thrown }) => {
      this.#tasks.delete(task);
      if (thrown !== undefined) failed(thrown);
    });
    this.#tasks.add(task);
  }

  /** After `ns` of virtual time; returns how to give it up. */
  after(ns: bigint, work: () => void): () => void {
    const { scheduler } = this.machine;
    const timer = scheduler.at(scheduler.nowNs + ns, () => {
      this.#timers.delete(timer);
      work();
    });
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
      timer.cancel();
    };
  }

  /** Called when this life ends; returns how to take it back. */
  atDeath(work: () => void): () => void {
    this.#atDeath.add(work);
    return () => this.#atDeath.delete(work);
  }

  /** The process has died: nothing of it goes on. */
  end(): void {
    if (this.#dead) return;
    this.#dead = true;
    for (const task of this.#tasks) task.stop();
    for (const timer of this.#timers) timer.cancel();
    for (const work of this.#atDeath) work();
    this.#tasks.clear();
    this.#timers.clear();
    this.#atDeath.clear();
    this.#waits.clear();
  }
}
