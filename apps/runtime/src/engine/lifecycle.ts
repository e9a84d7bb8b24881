/**
 * Lifecycles as tables. A table names every state with one sentence and every arrow once; types, the
 * checks at run time, the picture in the docs and the one on the page all come from it.
 * Effects live elsewhere: `next` is pure, and an arrow that is not in the table is FAILED_PRECONDITION.
 */
import { RuntimeError } from "../kernel/errors.ts";

export interface Lifecycle<State extends string = string, Event extends string = string> {
  /** What lives: "pod sandbox", "container". */
  readonly noun: string;
  readonly initial: State;
  /** From here the thing ceases to be. */
  readonly final: State;
  /** Every state, and what is true in it. */
  readonly states: Readonly<Record<State, string>>;
  readonly transitions: Readonly<Record<State, Readonly<Partial<Record<Event, State>>>>>;
}

/** The names of the states of a table, and of its events. */
export type StateOf<L extends Lifecycle> = keyof L["states"] & string;
export type EventOf<L extends Lifecycle> = {
  [State in keyof L["transitions"]]: keyof L["transitions"][State] & string;
}[keyof L["transitions"]];

function arrow(lifecycle: Lifecycle, state: string, event: string): string | undefined {
  const arrows = lifecycle.transitions[state];
  return arrows !== undefined && Object.hasOwn(arrows, event) ? arrows[event] : undefined;
}

/**
 * The state that `event` leads to from `state`.
 * @throws RuntimeError FAILED_PRECONDITION when the table has no such arrow; `id` names the thing in the message.
 */
export function next<L extends Lifecycle>(
  lifecycle: L,
  state: StateOf<L>,
  event: EventOf<L>,
  id: string,
): StateOf<L> {
  const to = arrow(lifecycle, state, event);
  if (to === undefined) {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      `${lifecycle.noun} ${id} is ${state}: cannot ${event}`,
    );
  }
  return to as StateOf<L>;
}

/** Whether the table has an arrow for `event` from `state`. */
export function allows<L extends Lifecycle>(
  lifecycle: L,
  state: StateOf<L>,
  event: EventOf<L>,
): boolean {
  return arrow(lifecycle, state, event) !== undefined;
}

/** Every arrow of the table, in the table's order. */
export function arrowsOf(
  lifecycle: Lifecycle,
): readonly { readonly from: string; readonly event: string; readonly to: string }[] {
  return Object.keys(lifecycle.states).flatMap((from) =>
    Object.entries(lifecycle.transitions[from] ?? {}).flatMap(([event, to]) =>
      to === undefined ? [] : [{ from, event, to }],
    ),
  );
}

/** The table as a Mermaid state diagram. */
export function lifecycleToMermaid(lifecycle: Lifecycle): string {
  const lines = ["stateDiagram-v2", `  [*] --> ${lifecycle.initial}`];
  for (const { from, event, to } of arrowsOf(lifecycle))
    lines.push(`  ${from} --> ${to}: ${event}`);
  lines.push(`  ${lifecycle.final} --> [*]`);
  return `${lines.join("\n")}\n`;
}

/** The table as aligned text, one arrow a line. */
export function lifecycleToText(lifecycle: Lifecycle): string {
  const width = Math.max(...Object.keys(lifecycle.states).map((state) => state.length));
  return arrowsOf(lifecycle)
    .map(({ from, event, to }) => `${from.padEnd(width)} -> ${to.padEnd(width)}  ${event}\n`)
    .join("");
}
