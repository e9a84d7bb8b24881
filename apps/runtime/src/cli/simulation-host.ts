/** The simulation's host in Node: a turn is one round of the event loop. */
import { setImmediate, setTimeout } from "node:timers/promises";
import type { SimulationHost } from "../simulation/index.ts";

/** As fast as possible. */
export const quickHost: SimulationHost = { turn: () => setImmediate() };

/** `nsPerMs` virtual nanoseconds go by in one real millisecond. */
export function pacedHost(nsPerMs: number): SimulationHost {
  return {
    turn: () => setImmediate(),
    pace: (ns) => setTimeout(Number(ns) / nsPerMs),
  };
}
