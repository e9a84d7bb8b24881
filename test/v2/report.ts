/** What the program in the virtual machine saw, to the test outside: one line of JSON each. */
import { messageOf } from "../../apps/runtime/src/kernel/errors.ts";

export interface Observation {
  readonly name: string;
  /** What was seen, unless seeing it failed. */
  readonly value?: unknown;
  readonly error?: string;
  /** Since the machine's program started. */
  readonly ms: number;
}

/** Reports what `look` sees, or why it could not; the next thing is looked at either way. */
export async function observe(name: string, look: () => Promise<unknown>): Promise<void> {
  let outcome: Pick<Observation, "value" | "error">;
  try {
    outcome = { value: await look() };
  } catch (error) {
    outcome = { error: messageOf(error) };
  }
  const observation: Observation = { name, ...outcome, ms: Math.round(performance.now()) };
  process.stdout.write(`${JSON.stringify(observation)}\n`);
}
