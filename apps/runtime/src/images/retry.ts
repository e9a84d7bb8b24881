/** Trying again: exponential backoff with jitter on the World's clock, or as long as the server asks. */
import type { Clock, Random } from "../kernel/world.ts";

export interface RetryPolicy {
  /** Attempts in a row that brought nothing. */
  readonly triesMax: number;
  readonly firstDelayMs: number;
  readonly delayMaxMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  triesMax: 3,
  firstDelayMs: 250,
  delayMaxMs: 30_000,
};

/** Between half and all of the delay, so that a thousand clients do not come back at once. */
export function backoffMs(policy: RetryPolicy, failures: number, random: Random): number {
  const delay = Math.min(policy.firstDelayMs * 2 ** (failures - 1), policy.delayMaxMs);
  const [byte = 0] = random.bytes(1);
  return delay * (0.5 + byte / 512);
}

/** Waits before the attempt after `failures` failures; rejects when the signal aborts. */
export function waitToRetry(
  policy: RetryPolicy,
  failures: number,
  world: { readonly clock: Clock; readonly random: Random },
  askedMs: number | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const ms =
    askedMs === undefined
      ? backoffMs(policy, failures, world.random)
      : Math.min(askedMs, policy.delayMaxMs);
  return world.clock.sleep(ms, signal);
}
