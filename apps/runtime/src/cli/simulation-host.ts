/** The simulation's host in Node: a turn is one round of the event loop. */
import { setImmediate } from "node:timers/promises";
import type { SimulationHost } from "../simulation/index.ts";

/** As fast as possible. */
export const quickHost: SimulationHost = { turn: () => setImmediate() };

const msNs = 1_000_000n;
/** Longer than any timer of Node: 24 days. */
const longestMs = 2 ** 31 - 1;

/** For a daemon that people talk to: virtual time goes with the real one, and a call wakes the machine at once. */
export class LiveHost implements SimulationHost {
  readonly #began = process.hrtime.bigint();
  #wake: (() => void) | undefined;
  #poked = false;

  turn(): Promise<void> {
    return setImmediate();
  }

  /** Real nanoseconds since the start. */
  elapsedNs(): bigint {
    return process.hrtime.bigint() - this.#began;
  }

  /** Until `ns` have passed, or somebody pokes. */
  wait(ns: bigint | undefined): Promise<void> {
    if (this.#poked) {
      this.#poked = false;
      return Promise.resolve();
    }
    const ms = ns === undefined ? longestMs : Number(ns / msNs) + 1;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#resolve(resolve), Math.min(ms, longestMs));
      this.#wake = () => {
        clearTimeout(timer);
        this.#resolve(resolve);
      };
    });
  }

  #resolve(resolve: () => void): void {
    this.#wake = undefined;
    this.#poked = false;
    resolve();
  }

  /** Something has come from outside. */
  poke(): void {
    this.#poked = true;
    this.#wake?.();
  }
}
