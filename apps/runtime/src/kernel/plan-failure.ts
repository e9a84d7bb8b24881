/** From the reports of a Plan that was run to the error that stopped it; the same for both kernels. */
import { errnoName } from "./errno.ts";
import { errnoText } from "./errno-text.ts";
import { KernelError } from "./errors.ts";
import type { OpReport, Plan } from "./plan.ts";
import { opToText } from "./plan-text.ts";

function errorOf(plan: Plan, report: OpReport): KernelError {
  const errno = errnoName(report.errno);
  const step = plan.steps[report.index];
  const what = step ? opToText(step.op) : `plan "${plan.name}"`;
  const place = step ? ` (op ${report.index} of "${plan.name}", in ${report.process})` : "";
  const detail = report.detail === "" ? "" : `: ${report.detail}`;
  return new KernelError({
    errno,
    op: step?.op.op ?? "library",
    process: report.process,
    index: report.index,
    detail: report.detail,
    message: `${what}: ${errno}, ${errnoText(errno)}${detail}${place}`,
  });
}

/**
 * The failure that stopped the Plan; undefined when nothing failed. ECANCELED only says that another
 * process of the Plan failed first, so any other failure is preferred to it.
 */
export function failureOf(plan: Plan, reports: readonly OpReport[]): KernelError | undefined {
  const failed = reports.filter(({ errno, ignored }) => errno !== 0 && !ignored);
  const cause = failed.find(({ errno }) => errnoName(errno) !== "ECANCELED") ?? failed[0];
  return cause && errorOf(plan, cause);
}
