/** The real clock. */
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../world.ts";

const nsPerMs = 1_000_000n;
/** How far the derived wall clock may be off before it is read anew (a step of the system's clock). */
const driftMaxMs = 2;

/** CLOCK_REALTIME (with the monotonic clock's resolution) and CLOCK_MONOTONIC of this machine. */
export function linuxClock(): Clock {
  let offsetNs = BigInt(Date.now()) * nsPerMs - process.hrtime.bigint();
  return {
    nowNs() {
      const derived = process.hrtime.bigint() + offsetNs;
      const wallMs = Date.now();
      if (Math.abs(Number(derived / nsPerMs) - wallMs) <= driftMaxMs) return derived;
      offsetNs = BigInt(wallMs) * nsPerMs - process.hrtime.bigint();
      return process.hrtime.bigint() + offsetNs;
    },
    monotonicNs: () => process.hrtime.bigint(),
    async sleep(ms, signal) {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    },
  };
}

/**
 * Unix time minus the monotonic clock, nanoseconds. The monotonic clock is read first: whatever happens
 * between the two readings makes ops seem later, never earlier, so that they stay inside the span they are made under.
 */
export function unixOffsetNs(clock: Clock): bigint {
  const monotonicNs = clock.monotonicNs();
  return clock.nowNs() - monotonicNs;
}
