/** Reports of the executor as spans: each op of a Plan, with the executor's own times. */
import { attribute } from "../trace/attribute.ts";
import type { StepId } from "../trace/catalogue.ts";
import type { AttributeValue, Context } from "../trace/tracer.ts";
import { errnoName } from "./errno.ts";
import { errnoText } from "./errno-text.ts";
import type { OpName } from "./op.ts";
import { addOpAttributes } from "./op-attributes.ts";
import type { OpReport, Plan } from "./plan.ts";
import { opToText } from "./plan-text.ts";

/** Step ids by op, so that no text is put together for each span. */
const steps = new Map<OpName, StepId>();

function stepOf(op: OpName): StepId {
  let step = steps.get(op);
  if (step === undefined) {
    step = `op.${op}` as StepId;
    steps.set(op, step);
  }
  return step;
}

/**
 * Makes one span of each report under the span of `context`. Reports have CLOCK_MONOTONIC times; `unixOffsetNs`
 * is Unix time minus that clock. An op whose errno the Plan ignores is no failure, but says its errno. Reports
 * without an op in `plan` (a Plan that was refused as a whole) make no span.
 */
export function reportOps(
  context: Context,
  plan: Plan,
  reports: readonly OpReport[],
  unixOffsetNs: bigint,
): void {
  for (const report of reports) {
    const op = plan.steps[report.index]?.op;
    if (op === undefined) continue;
    const attributes: Record<string, AttributeValue> = {};
    addOpAttributes(attributes, op);
    attributes[attribute.plan] = plan.name;
    attributes[attribute.process] = report.process;
    attributes[attribute.opIndex] = report.index;
    attributes[attribute.op] = opToText(op);
    const startNs = report.startNs + unixOffsetNs;
    const span = context.tracer.start(stepOf(op.op), context.span, { startNs, attributes });
    if (report.errno !== 0) {
      const errno = errnoName(report.errno);
      if (report.ignored) {
        span.set({ [attribute.ignoredErrno]: errno });
      } else {
        const detail = report.detail === "" ? "" : `: ${report.detail}`;
        span.fail(errno, `${errnoText(errno)}${detail}`);
      }
    }
    span.end(report.endNs + unixOffsetNs);
  }
}
