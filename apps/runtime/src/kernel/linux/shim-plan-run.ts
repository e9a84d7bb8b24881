/** A Plan that a shim's vitrine-oci runs: its records become spans as they come, its failure an error. */
import type { Context } from "../../trace/tracer.ts";
import { errnoText } from "../errno-text.ts";
import { KernelError } from "../errors.ts";
import { reportOps } from "../op-spans.ts";
import type { Plan } from "../plan.ts";
import type { Clock } from "../world.ts";
import { unixOffsetNs } from "./clock.ts";
import { decodeRecords, execReport, failureOf, opReports, type ReportRecord } from "./report.ts";
import { ShimRefusal } from "./shim-connection.ts";

/** Index of the `clone3` that makes the container's or command's process. */
export function cloneIndexOf(plan: Plan): number {
  const index = plan.steps.findLastIndex(
    ({ process, op }) => process === "oci" && op.op === "clone3",
  );
  if (index >= 0) return index;
  throw new KernelError({
    errno: "EINVAL",
    op: "clone3",
    detail: plan.name,
    message: `plan "${plan.name}" makes no process: it has no clone3`,
  });
}

export class PlanRun {
  readonly #context: Context;
  readonly #plan: Plan | undefined;
  readonly #clock: Clock;
  readonly #fromNs: bigint;
  readonly #records: ReportRecord[] = [];

  /** `plan` is undefined when a daemon before us made the container: then there are no spans. */
  constructor(context: Context, plan: Plan | undefined, clock: Clock) {
    this.#context = context;
    this.#plan = plan;
    this.#clock = clock;
    this.#fromNs = clock.monotonicNs();
  }

  /** Takes the body of a REPORT frame: whole records. */
  report(bytes: Uint8Array): void {
    const { records } = decodeRecords(bytes);
    this.#records.push(...records);
    this.#show(opReports(records));
  }

  /** The report pipe ended, at `endNs` on the monotonic clock: an execve that was announced has succeeded. */
  ended(endNs: bigint): void {
    const succeeded = execReport(this.#records, endNs);
    if (succeeded !== undefined) this.#show([succeeded]);
  }

  #show(reports: ReturnType<typeof opReports>): void {
    if (this.#plan === undefined || reports.length === 0) return;
    // awaitStart began to wait in the call that created the container; here only its end belongs.
    const own = reports.map((report) =>
      report.startNs < this.#fromNs ? { ...report, startNs: this.#fromNs } : report,
    );
    reportOps(this.#context, this.#plan, own, unixOffsetNs(this.#clock));
  }

  /** What a rejected request means: the failed op where there is one, else what the shim says. */
  errorOf(error: unknown, what: string): unknown {
    if (!(error instanceof ShimRefusal)) return error;
    const { failure } = error;
    const failed =
      failure.index >= 0 && this.#plan
        ? failureOf(this.#plan, opReports(this.#records))
        : undefined;
    if (failed !== undefined) return failed;
    const { signal } = this.#context;
    if (signal?.aborted && failure.errno === "ECANCELED") return signal.reason;
    // Without the Plan the op is not known by name; of those after the release only execve fails in practice.
    return shimError(error, what, failure.index >= 0 ? "execve" : "shim");
  }
}

/** A refusal as the KernelError that callers know. */
export function shimError(
  refusal: ShimRefusal,
  what: string,
  op: "shim" | "execve" = "shim",
): KernelError {
  const { errno, detail, index } = refusal.failure;
  return new KernelError({
    errno,
    op,
    index,
    detail,
    message: `${what}: ${detail}${detail === "" ? "" : ": "}${errno}, ${errnoText(errno)}`,
  });
}
