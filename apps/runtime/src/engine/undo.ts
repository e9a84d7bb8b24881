/**
 * The undo stack: beside each acquisition stands its undo, and when the work fails they run in reverse.
 * The caller's deadline does not cut them short. An undo that fails does not stop the others; who owns
 * the record learns of it and keeps the record, so that the client can stop and remove what is left.
 */
import { messageOf, RuntimeError } from "../kernel/errors.ts";
import { type Context, withoutDeadline } from "../trace/tracer.ts";
import { throwIfGivenUp } from "./keyed-locks.ts";

export interface UndoFailure {
  /** What was to be undone. */
  readonly what: string;
  readonly error: unknown;
}

type UndoStep = {
  readonly what: string;
  readonly run: (context: Context, failures: readonly UndoFailure[]) => unknown;
};

export class Undo {
  readonly #steps: UndoStep[] = [];

  /**
   * Registers how to undo what was just acquired, or what is about to be (undos are idempotent).
   * `run` gets the failures of the undos that ran before it.
   */
  defer(what: string, run: (context: Context, failures: readonly UndoFailure[]) => unknown): void {
    this.#steps.push({ what, run });
  }

  /** Runs the undos, last first, and returns those that failed. */
  async rollback(context: Context): Promise<readonly UndoFailure[]> {
    const failures: UndoFailure[] = [];
    const undoContext = withoutDeadline(context);
    for (let top = this.#steps.pop(); top !== undefined; top = this.#steps.pop()) {
      try {
        await top.run(undoContext, failures);
      } catch (error) {
        failures.push({ what: top.what, error });
      }
    }
    return failures;
  }
}

/**
 * Runs `work` with an undo stack; when it throws, rolls back and throws the same error, naming what could
 * not be undone. When the caller gave up meanwhile, that is the error: whatever broke, broke because of it.
 */
export async function withUndo<T>(context: Context, work: (undo: Undo) => Promise<T>): Promise<T> {
  const undo = new Undo();
  try {
    return await work(undo);
  } catch (error) {
    const failures = await undo.rollback(context);
    if (failures.length === 0) {
      throwIfGivenUp(context, error);
      throw error;
    }
    const left = failures.map(({ what, error }) => `${what}: ${messageOf(error)}`).join("; ");
    throw new RuntimeError(
      error instanceof RuntimeError ? error.code : "INTERNAL",
      `${messageOf(error)} (and could not undo ${left})`,
      { cause: error },
    );
  }
}

/**
 * Runs works at the same time and waits until every one has ended, so that nothing is still being
 * acquired when the undos run; then throws the first failure, in the order of the list.
 */
export async function together<T extends readonly unknown[]>(
  works: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const results = await Promise.allSettled(works);
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
}

/**
 * Releases one thing after another, going on past failures so that as little as possible is left; then
 * throws the first failure with the messages of all.
 */
export async function releaseAll(
  works: readonly (readonly [what: string, release: () => Promise<unknown>])[],
): Promise<void> {
  const failures: UndoFailure[] = [];
  for (const [what, release] of works) {
    try {
      await release();
    } catch (error) {
      failures.push({ what, error });
    }
  }
  const first = failures[0];
  if (first === undefined) return;
  const message = failures.map(({ what, error }) => `${what}: ${messageOf(error)}`).join("; ");
  throw new RuntimeError(
    first.error instanceof RuntimeError ? first.error.code : "INTERNAL",
    `could not release everything: ${message}`,
    { cause: first.error },
  );
}
