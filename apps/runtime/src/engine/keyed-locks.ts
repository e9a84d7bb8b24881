/** Locks by name, first come first served: what touches one pod or container happens one after the other. */
import { RuntimeError } from "../kernel/errors.ts";
import type { Context } from "../trace/tracer.ts";

export class KeyedLocks {
  /** The end of the queue of each key; a key without a queue is free. */
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Runs `work` when nobody holds `key`.
   * @throws RuntimeError DEADLINE_EXCEEDED or CANCELLED when the caller gave up while waiting; the work has not begun then.
   */
  async run<T>(context: Context, key: string, work: () => Promise<T> | T): Promise<T> {
    const before = this.#tails.get(key);
    let open: () => void = () => {};
    const tail = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#tails.set(key, tail);
    try {
      if (before !== undefined) await before;
      throwIfGivenUp(context);
      return await work();
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
      open();
    }
  }

  /** Number of keys held or waited for. */
  get size(): number {
    return this.#tails.size;
  }
}

/** Throws when the caller's deadline has passed or it went away; `cause` is what broke because of it. */
export function throwIfGivenUp(context: Context, cause?: unknown): void {
  const signal = context.signal;
  if (signal === undefined || !signal.aborted) return;
  if (signal.reason instanceof RuntimeError) throw signal.reason;
  throw new RuntimeError(
    "DEADLINE_EXCEEDED",
    "the caller's deadline passed before the work was done; it has been rolled back",
    { cause: cause ?? signal.reason },
  );
}
