/**
 * Editing a Plan before it runs: what a learner does with the list, as data. Edits are applied one after
 * another to the Plan of a name; each names the op it means, so that it survives small changes of the Plan.
 */
import type { ErrnoName } from "../../kernel/errno.ts";
import { errnoByName } from "../../kernel/errno.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import type { Op, OpName, ProcessName } from "../../kernel/op.ts";
import type { Plan, PlanStep } from "../../kernel/plan.ts";
import { opToText } from "../../kernel/plan-text.ts";

/** Which op of the Plan: the nth (from 1) of a kind, of a process if that is said, whose line contains `text`. */
export interface OpChoice {
  readonly op: OpName;
  readonly nth?: number;
  readonly process?: ProcessName;
  /** Part of the op's line as `vitrine plan` prints it: a path, a slot, a capability. */
  readonly text?: string;
}

export type PlanEdit =
  | { readonly kind: "drop"; readonly choice: OpChoice; readonly all?: boolean }
  /** Puts the op before another one. */
  | { readonly kind: "move"; readonly choice: OpChoice; readonly before: OpChoice }
  /** New values for fields of the op. */
  | {
      readonly kind: "change";
      readonly choice: OpChoice;
      readonly to: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "insert"; readonly before: OpChoice; readonly step: PlanStep }
  /** The op is refused with this errno, whatever the kernel would say. */
  | { readonly kind: "refuse"; readonly choice: OpChoice; readonly errno: ErrnoName };

export interface EditedPlan {
  readonly plan: Plan;
  /** Errnos to force, by index in the edited Plan. */
  readonly refusals: ReadonlyMap<number, ErrnoName>;
}

function describe(choice: OpChoice): string {
  const parts = [
    `${choice.op}${choice.nth === undefined ? "" : ` number ${choice.nth}`}`,
    choice.process === undefined ? "" : ` of process ${choice.process}`,
    choice.text === undefined ? "" : ` with "${choice.text}"`,
  ];
  return parts.join("");
}

function invalid(message: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", message);
}

function matches(step: PlanStep, choice: OpChoice): boolean {
  if (step.op.op !== choice.op) return false;
  if (choice.process !== undefined && step.process !== choice.process) return false;
  return choice.text === undefined || opToText(step.op).includes(choice.text);
}

/** Where the chosen op stands; INVALID_ARGUMENT, with what the Plan has, when it is not there. */
function indexOf(plan: Plan, steps: readonly PlanStep[], choice: OpChoice): number {
  let left = choice.nth ?? 1;
  if (!Number.isInteger(left) || left < 1) throw invalid(`nth ${left}: ops are counted from 1`);
  for (const [index, step] of steps.entries()) {
    if (matches(step, choice) && --left === 0) return index;
  }
  const kinds = [...new Set(steps.map(({ op }) => op.op))].join(", ");
  throw invalid(`plan "${plan.name}" has no op ${describe(choice)}; it has: ${kinds}`);
}

function changed(op: Op, to: Readonly<Record<string, unknown>>): Op {
  if ("op" in to) throw invalid("an op cannot become another one: drop it and insert the other");
  for (const key of Object.keys(to)) {
    if (!Object.hasOwn(op, key) && !(key in optionalFields(op))) {
      const known = Object.keys(op).filter((name) => name !== "op");
      throw invalid(`${op.op} has no "${key}"; it has: ${known.join(", ")}`);
    }
    const value = (op as unknown as Record<string, unknown>)[key];
    if (value !== undefined && typeof value !== typeof to[key]) {
      throw invalid(`${op.op}: "${key}" is a ${typeof value}, not a ${typeof to[key]}`);
    }
  }
  return { ...op, ...to } as Op;
}

/** Fields an op may have and need not. */
function optionalFields(op: Op): Readonly<Record<string, true>> {
  const optional: Partial<Record<OpName, readonly string[]>> = {
    clone3: ["cgroup"],
    mkdir: ["at", "parents", "uid", "gid"],
    mountSetattr: ["propagation", "idmap"],
    moveMount: ["at", "create", "ordinary"],
    openTree: ["at"],
    open: ["at", "mode"],
  };
  return Object.fromEntries((optional[op.op] ?? []).map((name) => [name, true]));
}

/**
 * The Plan with the edits made.
 * @throws RuntimeError INVALID_ARGUMENT when an edit names what is not there
 */
export function editPlan(plan: Plan, edits: readonly PlanEdit[]): EditedPlan {
  let steps: PlanStep[] = [...plan.steps];
  const refused = new Map<PlanStep, ErrnoName>();
  for (const edit of edits) {
    if (edit.kind === "drop") {
      const index = indexOf(plan, steps, edit.choice);
      steps =
        edit.all === true
          ? steps.filter((step) => !matches(step, edit.choice))
          : steps.toSpliced(index, 1);
    } else if (edit.kind === "move") {
      const [step] = steps.splice(indexOf(plan, steps, edit.choice), 1);
      if (step !== undefined) steps.splice(indexOf(plan, steps, edit.before), 0, step);
    } else if (edit.kind === "change") {
      const index = indexOf(plan, steps, edit.choice);
      const step = steps[index] as PlanStep;
      steps[index] = { ...step, op: changed(step.op, edit.to) };
    } else if (edit.kind === "insert") {
      steps.splice(indexOf(plan, steps, edit.before), 0, edit.step);
    } else {
      if (!Object.hasOwn(errnoByName, edit.errno)) throw invalid(`there is no errno ${edit.errno}`);
      const index = indexOf(plan, steps, edit.choice);
      const step = { ...(steps[index] as PlanStep) };
      steps[index] = step;
      refused.set(step, edit.errno);
    }
  }
  if (steps.length === 0) throw invalid(`plan "${plan.name}" has no op left`);
  const refusals = new Map<number, ErrnoName>();
  for (const [index, step] of steps.entries()) {
    const errno = refused.get(step);
    if (errno !== undefined) refusals.set(index, errno);
  }
  return { plan: { name: plan.name, steps }, refusals };
}
