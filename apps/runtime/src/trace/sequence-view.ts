/**
 * A call at a level, as rows to draw: arrows there, arrows back, in the order of time. Every renderer
 * and the page's list read this one form. Level N shows the steps of level N and below; what lies
 * deeper folds into the step above it, as a count.
 */
import type { Level } from "./catalogue.ts";
import { lifelineOrder } from "./lifeline.ts";
import { printable } from "./printable.ts";
import type { Call } from "./sequence.ts";
import { durationNs, later } from "./span-record.ts";
import {
  endsOf,
  errorOf,
  labelOf,
  levelOf,
  replyOf,
  type Step,
  type StepState,
  stateOf,
} from "./step.ts";

export interface Row {
  readonly kind: "message" | "reply";
  /** Key of the step the row stands for; a reply has that of its message. */
  readonly key: string;
  /** Lifeline ids. */
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly state: StepState;
  /** Errno or code when the step failed. */
  readonly error: string | undefined;
  readonly level: Level;
  /** How many shown steps lie above this one. */
  readonly depth: number;
  /** Unix nanoseconds at which the arrow happened. */
  readonly atNs: bigint;
  /** Of the whole step; undefined while it runs. */
  readonly durationNs: bigint | undefined;
  /** Steps right below this one that are shown. */
  readonly shownCount: number;
  /** Steps folded into this one, and how many of those failed. */
  readonly foldedCount: number;
  readonly foldedFailed: number;
  /** Whether an arrow back follows, or will when the step ends. */
  readonly hasReply: boolean;
}

export interface SequenceView {
  /** Lifeline ids, left to right. */
  readonly lifelines: readonly string[];
  readonly rows: readonly Row[];
}

/** Known lifelines in their fixed order, foreign ones behind them in order of appearance. */
export function orderLifelines(ids: Iterable<string>): string[] {
  const seen = [...new Set(ids)];
  const known = lifelineOrder.filter((id) => seen.includes(id));
  return [...known, ...seen.filter((id) => !lifelineOrder.includes(id))];
}

/** A shown step with the times its arrows are drawn at: never before its parent's, never after its end. */
interface Shown {
  readonly step: Step;
  readonly level: Level;
  readonly depth: number;
  readonly enter: number;
  leave: number;
  readonly startNs: bigint;
  endNs: bigint | undefined;
  shownChildren: number;
  foldedCount: number;
  foldedFailed: number;
}

interface Visit {
  readonly step: Step;
  readonly above: Shown | undefined;
  readonly parentLevel: number;
  /** Set on the way back up. */
  readonly leaving?: Shown;
}

function show(step: Step, above: Shown | undefined, level: Level, enter: number): Shown {
  const startNs = later(step.span.startNs, above?.startNs ?? step.span.startNs);
  const endNs = step.span.endNs;
  if (above) above.shownChildren++;
  return {
    step,
    level,
    depth: above ? above.depth + 1 : 0,
    enter,
    leave: enter,
    startNs,
    endNs: endNs === undefined ? undefined : later(endNs, startNs),
    shownChildren: 0,
    foldedCount: 0,
    foldedFailed: 0,
  };
}

/** Walks the tree without recursion: a hostile recording may nest a long way. */
function collect(root: Step, level: Level): Shown[] {
  const shown: Shown[] = [];
  const stack: Visit[] = [{ step: root, above: undefined, parentLevel: 0 }];
  let position = 0;
  for (let visit = stack.pop(); visit; visit = stack.pop()) {
    const { step, above, parentLevel, leaving } = visit;
    if (leaving) {
      leaving.leave = position++;
      // The answer cannot come before what it waited for; clocks of two processes may say otherwise.
      if (
        above?.endNs !== undefined &&
        leaving.endNs !== undefined &&
        above.endNs < leaving.endNs
      ) {
        above.endNs = leaving.endNs;
      }
      continue;
    }
    const own = levelOf(step, parentLevel);
    let next = above;
    if (own <= level || !above) {
      next = show(step, above, own, position++);
      shown.push(next);
      stack.push({ step, above, parentLevel: own, leaving: next });
    } else {
      above.foldedCount++;
      if (step.span.status === "error") above.foldedFailed++;
    }
    for (let index = step.children.length - 1; index >= 0; index--) {
      const child = step.children[index];
      if (child) stack.push({ step: child, above: next, parentLevel: own });
    }
  }
  return shown;
}

function replyLabel(shown: Shown): string {
  const { span } = shown.step;
  if (span.status === "error") {
    const error = errorOf(span) ?? "error";
    return span.statusMessage === "" ? error : `${error}: ${printable(span.statusMessage, 160)}`;
  }
  return replyOf(shown.step) || "ok";
}

/** A step answers with an arrow of its own when it is a call, has shown steps inside, failed, or says something. */
function answers(shown: Shown, from: string, to: string): boolean {
  if (from === to && shown.shownChildren === 0) return false;
  if (shown.step.entry?.oneWay && shown.step.span.status !== "error") return false;
  return (
    shown.level <= 1 ||
    shown.shownChildren > 0 ||
    shown.step.span.status === "error" ||
    shown.step.entry?.reply !== undefined
  );
}

/** The rows of `call` at `level`. Work grows with the call, not with the recording. */
export function viewCall(call: Call, level: Level): SequenceView {
  const moments: { readonly at: bigint; readonly position: number; readonly row: Row }[] = [];
  for (const shown of collect(call.root, level)) {
    const { step, startNs, endNs } = shown;
    const { from, to } = endsOf(step);
    const common = {
      key: step.key,
      state: stateOf(step.span),
      error: errorOf(step.span),
      level: shown.level,
      depth: shown.depth,
      durationNs: durationNs(step.span),
      shownCount: shown.shownChildren,
      foldedCount: shown.foldedCount,
      foldedFailed: shown.foldedFailed,
    };
    const hasReply = answers(shown, from, to);
    moments.push({
      at: startNs,
      position: shown.enter,
      row: { ...common, kind: "message", from, to, label: labelOf(step), atNs: startNs, hasReply },
    });
    if (endNs === undefined || !hasReply) continue;
    moments.push({
      at: endNs,
      position: shown.leave,
      row: {
        ...common,
        kind: "reply",
        from: to,
        to: from,
        label: replyLabel(shown),
        atNs: endNs,
        hasReply,
      },
    });
  }
  moments.sort((a, b) => (a.at === b.at ? a.position - b.position : a.at < b.at ? -1 : 1));
  const rows = moments.map((moment) => moment.row);
  return { lifelines: orderLifelines(rows.flatMap((row) => [row.from, row.to])), rows };
}
