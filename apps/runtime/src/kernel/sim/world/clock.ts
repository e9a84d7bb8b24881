/** Virtual time as a Clock. One that belongs to a daemon's life sleeps no longer than that lives. */
import type { Clock } from "../../world.ts";
import type { Machine } from "../machine.ts";
import type { Activity, DaemonLife } from "./daemon-life.ts";

const msNs = 1_000_000;

/** Time of the machine, for whoever stands outside of the daemon: a client, a tracer, a test. */
export class MachineClock implements Clock {
  readonly #machine: Machine;
  readonly #activity: Activity;

  constructor(machine: Machine, activity: Activity) {
    this.#machine = machine;
    this.#activity = activity;
  }

  nowNs(): bigint {
    return this.#machine.unixNs();
  }

  monotonicNs(): bigint {
    return this.#machine.scheduler.nowNs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { scheduler } = this.#machine;
    return new Promise((resolve, reject) => {
      const until = scheduler.nowNs + BigInt(Math.round(ms * msNs));
      startSleep(signal, resolve, reject, (wake) => {
        const timer = scheduler.at(until, () => {
          this.#activity.happened = true;
          wake();
        });
        return () => timer.cancel();
      });
    });
  }
}

/** Time as one life of the daemon knows it. */
export class DaemonClock implements Clock {
  readonly #life: DaemonLife;

  constructor(life: DaemonLife) {
    this.#life = life;
  }

  nowNs(): bigint {
    this.#life.check();
    return this.#life.machine.unixNs();
  }

  monotonicNs(): bigint {
    this.#life.check();
    return this.#life.machine.scheduler.nowNs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#life.promise(`a sleep of ${ms} ms`, (resolve, reject) => {
      const ns = BigInt(Math.round(ms * msNs));
      startSleep(signal, resolve, reject, (wake) => this.#life.after(ns, wake));
    });
  }
}

/** Until the timer that `set` starts is over; `signal` ends it with its reason. */
function startSleep(
  signal: AbortSignal | undefined,
  resolve: () => void,
  reject: (reason: unknown) => void,
  set: (wake: () => void) => () => void,
): void {
  if (signal?.aborted === true) {
    reject(signal.reason);
    return;
  }
  const abort = () => {
    cancel();
    reject(signal?.reason);
  };
  const cancel = set(() => {
    signal?.removeEventListener("abort", abort);
    resolve();
  });
  signal?.addEventListener("abort", abort, { once: true });
}
