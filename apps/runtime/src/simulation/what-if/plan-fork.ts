/** A run of a Plan that is edited, watched and perhaps stopped: the hooks of a Simulation that do it. */
import type { ErrnoName } from "../../kernel/errno.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import type { Op } from "../../kernel/op.ts";
import type { OpReport, Plan } from "../../kernel/plan.ts";
import { planToText } from "../../kernel/plan-text.ts";
import type { Machine, Process } from "../../kernel/sim/index.ts";
import { editPlan, type PlanEdit } from "./edit-plan.ts";
import { exposureOf, type Fact } from "./exposure.ts";

/** Name of the Plan that makes a workload container. */
const planName = "create container";

/** The run as it was at an op, when it is stopped there. */
export interface Halt {
  /** Of the process that had made the op. */
  readonly facts: readonly Fact[];
  readonly report: OpReport;
}

export class PlanFork {
  readonly #edits: readonly PlanEdit[];
  readonly #untilOp: number | undefined;
  #refusals: ReadonlyMap<number, ErrnoName> = new Map();
  #initPid = 0;
  /** Set before the run begins. */
  machine: Machine | undefined;
  /** As it was run. */
  plan: Plan | undefined;
  /** Why the edits make no sense; undefined when they do. */
  mistake: unknown;
  /** Resolves when the op is reached at which the run stops; never without one. */
  readonly halted: Promise<Halt>;
  #halt: (halt: Halt) => void = () => undefined;

  /** `untilOp` is the place of an op in the edited Plan, from 0 as its listing counts. */
  constructor(edits: readonly PlanEdit[], untilOp: number | undefined) {
    this.#edits = edits;
    this.#untilOp = untilOp;
    this.halted = new Promise((resolve) => {
      this.#halt = resolve;
    });
  }

  readonly editPlan = (plan: Plan): Plan => {
    if (plan.name !== planName || this.plan !== undefined) return plan;
    try {
      const edited = editPlan(plan, this.#edits);
      checkHalt(edited.plan, this.#untilOp);
      this.plan = edited.plan;
      this.#refusals = edited.refusals;
      return edited.plan;
    } catch (error) {
      this.mistake = error;
      throw error;
    }
  };

  /** Index of the first op that an edit has refused. */
  get refusedAt(): number | undefined {
    return this.#refusals.size === 0 ? undefined : Math.min(...this.#refusals.keys());
  }

  readonly refuse = (plan: Plan, index: number): ErrnoName | undefined =>
    plan === this.plan ? this.#refusals.get(index) : undefined;

  readonly onOp = (_number: number, plan: Plan, op: Op, report: OpReport): void => {
    if (plan !== this.plan) return;
    if (op.op === "clone3" && report.errno === 0) this.#initPid = report.result;
    if (report.index !== this.#untilOp || this.machine === undefined) return;
    const process = this.#processOf(this.machine, report);
    const facts = process === undefined ? [] : exposureOf(this.machine, process);
    this.#halt({ facts, report });
  };

  /** Pids of clone3 are those of oci's namespace, which is the host's: setns moves only children (pid_namespaces(7)). */
  #processOf(machine: Machine, { process }: OpReport): Process | undefined {
    const init = machine.process(this.#initPid);
    if (process !== "oci") return init;
    if (init !== undefined) return init.parent;
    return [...machine.processes.values()].findLast(({ comm }) => comm === "vitrine:[oci]");
  }
}

function checkHalt(plan: Plan, untilOp: number | undefined): void {
  if (untilOp === undefined) return;
  if (Number.isInteger(untilOp) && untilOp >= 0 && untilOp < plan.steps.length) return;
  const message = `plan "${plan.name}" has no op ${untilOp}; its ops are 0 to ${plan.steps.length - 1}`;
  throw new RuntimeError("INVALID_ARGUMENT", message);
}

/** The lines of a listing without their numbers. */
function linesOf(plan: Plan): readonly string[] {
  const lines = planToText(plan).split("\n").slice(1);
  return lines.map((line) =>
    line
      .trim()
      .replace(/^\d+\s+/, "")
      .replace(/\s+/g, " "),
  );
}

/** Index of the first op in which the Plans differ; undefined for equal ones. */
export function firstDifference(a: Plan | undefined, b: Plan | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  const [left, right] = [linesOf(a), linesOf(b)];
  const length = Math.max(left.length, right.length);
  for (let index = 0; index < length; index++) if (left[index] !== right[index]) return index;
  return undefined;
}
