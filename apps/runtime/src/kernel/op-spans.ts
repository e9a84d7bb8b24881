/** Reports of the executor as spans: each op of a Plan, with the executor's own times. */
import { attribute } from "../trace/attribute.ts";
import type { StepId } from "../trace/catalogue.ts";
import type { Context } from "../trace/tracer.ts";
import { errnoName } from "./errno.ts";
import { errnoText } from "./errno-text.ts";
import { opAttributes } from "./op-attributes.ts";
import type { OpReport, Plan } from "./plan.ts";
import { opToText } from "./plan-text.ts";

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
    const span = context.tracer.start(`op.${op.op}` as StepId, context.span, {
      startNs: report.startNs + unixOffsetNs,
      attributes: {
        ...opAttributes(op),
        [attribute.plan]: plan.name,
        [attribute.process]: report.process,
        [attribute.opIndex]: report.index,
        [attribute.op]: opToText(op),
      },
    });
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
