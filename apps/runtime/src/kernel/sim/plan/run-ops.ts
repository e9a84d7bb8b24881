/** Runs the ops of one process of a Plan, one after another, and reports each: native/exec/run.c. */
import { errnoByName } from "../../errno.ts";
import type { Op, OpName } from "../../op.ts";
import type { OpReport, PlanStep } from "../../plan.ts";
import { NewImage } from "../process/life.ts";
import { Refusal } from "../refusal.ts";
import type { Coroutine } from "../task.ts";
import { executeOp, type WaitingOp } from "./execute-op.ts";
import { awaitOp, awaitStartOp } from "./op-process.ts";
import type { OpTicket, PlanProcess } from "./plan-process.ts";

function isWaiting(op: Op): op is WaitingOp {
  return op.op === "await" || op.op === "awaitStart";
}

/** Ops that the daemon runs in its own process; the others would change the daemon itself. */
const hostOps: ReadonlySet<OpName> = new Set<OpName>([
  "pidfdOpen",
  "open",
  "close",
  "mkdir",
  "mknod",
  "symlink",
  "writeFile",
  "chmod",
  "chown",
  "unlink",
  "rmdir",
  "removeTree",
  "rename",
  "copyTree",
  "mount",
  "fsmount",
  "openTree",
  "mountSetattr",
  "moveMount",
  "propagate",
  "umount",
  "sysctl",
  "linkUp",
  "oomScoreAdj",
  "deviceFilter",
]);

/** library_allows() of run.c. */
export function hostAllows(op: Op): boolean {
  return hostOps.has(op.op);
}

/** An op under way: what its report needs. */
class Attempt {
  readonly #x: PlanProcess;
  readonly #index: number;
  readonly #step: PlanStep;
  readonly #startNs: bigint;
  readonly #ticket: OpTicket;

  constructor(x: PlanProcess, index: number, step: PlanStep) {
    this.#x = x;
    this.#index = index;
    this.#step = step;
    this.#startNs = x.process.machine.scheduler.nowNs;
    x.detail = "";
    this.#ticket = x.shared.observer.begin(x.shared.plan, index, step.op);
  }

  /** Ends it; false when it stops the Plan. */
  end(result: number, refusal: Refusal | undefined): boolean {
    const { shared, process: by } = this.#x;
    const { scheduler } = by.machine;
    const costNs = shared.observer.durationNs(this.#step.op);
    const spentNs = Number(scheduler.nowNs - this.#startNs);
    if (spentNs < costNs) scheduler.charge(costNs - spentNs);
    const ignored = refusal !== undefined && this.#step.ignore?.includes(refusal.errno) === true;
    const report: OpReport = {
      index: this.#index,
      process: this.#x.self,
      startNs: this.#startNs,
      endNs: scheduler.nowNs,
      result: refusal === undefined ? result : 0,
      errno: refusal === undefined ? 0 : errnoByName[refusal.errno],
      detail: this.#x.takeDetail(),
      ignored,
    };
    shared.report(report);
    shared.observer.end(shared.plan, report, this.#ticket.number);
    return refusal === undefined || ignored;
  }

  /** Ends it with what it threw; a new image is execve's success, anything else the death of the process or a fault of the model. */
  thrown(thrown: unknown): boolean {
    if (thrown instanceof Refusal) return this.end(0, thrown);
    if (thrown instanceof NewImage) this.end(0, undefined);
    throw thrown;
  }

  /** An errno that somebody wants it to fail with. */
  forced(): Refusal | undefined {
    const { errno } = this.#ticket;
    if (errno === undefined) return undefined;
    this.#x.say("a fault that was asked for");
    return new Refusal(errno);
  }
}

function runNow(
  x: PlanProcess,
  index: number,
  step: PlanStep,
  op: Exclude<Op, WaitingOp>,
): boolean {
  const attempt = new Attempt(x, index, step);
  const forced = attempt.forced();
  if (forced !== undefined) return attempt.end(0, forced);
  let result: number;
  try {
    result = executeOp(x, op, index);
  } catch (thrown) {
    return attempt.thrown(thrown);
  }
  return attempt.end(result, undefined);
}

function* runWaiting(
  x: PlanProcess,
  index: number,
  step: PlanStep,
  op: WaitingOp,
): Coroutine<boolean> {
  const attempt = new Attempt(x, index, step);
  const forced = attempt.forced();
  if (forced !== undefined) return attempt.end(0, forced);
  try {
    if (op.op === "await") yield* awaitOp(x, op);
    else yield* awaitStartOp(x);
  } catch (thrown) {
    return attempt.thrown(thrown);
  }
  return attempt.end(0, undefined);
}

/** Runs every op of this process in order; false when one stopped the Plan. */
export function* runOps(x: PlanProcess): Coroutine<boolean> {
  const { steps } = x.shared.plan;
  for (const index of x.indexes) {
    const step = steps[index] as PlanStep;
    const { op } = step;
    const good = isWaiting(op) ? yield* runWaiting(x, index, step, op) : runNow(x, index, step, op);
    if (!good) return false;
    // Killed by what the op did, or by who watched it.
    if (x.process.state !== "alive") yield {};
  }
  return true;
}

/** As runOps, for the daemon: nothing of `host` waits. */
export function runHostOps(x: PlanProcess): boolean {
  const { steps } = x.shared.plan;
  return x.indexes.every((index) => {
    const step = steps[index] as PlanStep;
    return runNow(x, index, step, step.op as Exclude<Op, WaitingOp>);
  });
}
