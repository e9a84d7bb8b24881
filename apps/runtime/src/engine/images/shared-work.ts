/**
 * Work that several callers want at once and that is done once. A caller that gives up leaves; the work
 * itself is cancelled when the last one has left.
 */
import { RuntimeError } from "../../kernel/errors.ts";
import type { Context } from "../../trace/tracer.ts";
import { throwIfGivenUp } from "../keyed-locks.ts";

interface Running<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

function gaveUp(signal: AbortSignal): RuntimeError {
  if (signal.reason instanceof RuntimeError) return signal.reason;
  return new RuntimeError(
    "DEADLINE_EXCEEDED",
    "the caller's deadline passed before the work was done",
    {
      cause: signal.reason,
    },
  );
}

/** Settles as `result` does, or rejects as soon as the caller gives up. */
function untilGivenUp<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return result;
  return new Promise((resolve, reject) => {
    const abort = () => reject(gaveUp(signal));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    const done = () => signal.removeEventListener("abort", abort);
    result.then(
      (value) => {
        done();
        resolve(value);
      },
      (error) => {
        done();
        reject(error);
      },
    );
  });
}

export class SharedWork<T> {
  readonly #running = new Map<string, Running<T>>();

  /** Joins the work of `key`, or begins it. `work` gets a context that lives as long as anybody waits. */
  async run(context: Context, key: string, work: (context: Context) => Promise<T>): Promise<T> {
    throwIfGivenUp(context);
    let running = this.#running.get(key);
    if (running === undefined || running.controller.signal.aborted) {
      const controller = new AbortController();
      const begun: Running<T> = {
        result: work({ ...context, signal: controller.signal }).finally(() => {
          if (this.#running.get(key) === begun) this.#running.delete(key);
        }),
        controller,
        waiting: 0,
      };
      begun.result.catch(() => {});
      this.#running.set(key, begun);
      running = begun;
    }
    running.waiting++;
    try {
      return await untilGivenUp(running.result, context.signal);
    } finally {
      running.waiting--;
      if (running.waiting === 0) {
        running.controller.abort(new RuntimeError("CANCELLED", "nobody waits for this any more"));
      }
    }
  }

  /** How many works are going on. */
  get size(): number {
    return this.#running.size;
  }
}
