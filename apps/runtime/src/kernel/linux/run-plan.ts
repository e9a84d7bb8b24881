/**
 * Runs Plans on Linux: those of the daemon's own ops here, through libvitrine.so, and those with `oci` ops in
 * a vitrine-oci of their own. Containers are started by the shim instead (shim-client), with the same reports.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { KernelError } from "../errors.ts";
import type { OpReport, Plan } from "../plan.ts";
import { exitOf } from "./child-exit.ts";
import { encodePlan } from "./encode.ts";
import { executorPath } from "./executor.ts";
import { boundedMemfd, fileOffset, runEncodedPlan, sealedMemfd, spawnProgram } from "./library.ts";
import { decodeReports, failureOf, reportBytesMax } from "./report.ts";

/** What came of a Plan: every op that was tried, and the failure that stopped it. */
export interface PlanRun {
  readonly reports: readonly OpReport[];
  readonly failure: KernelError | undefined;
}

/** Room for a record of every op, with one for a Plan that is refused. */
function reportBytes(plan: Plan): number {
  return (plan.steps.length + 1) * reportBytesMax;
}

function outcome(plan: Plan, bytes: Uint8Array): PlanRun {
  const reports = decodeReports(bytes);
  return { reports, failure: failureOf(plan, reports) };
}

function orThrow({ reports, failure }: PlanRun): readonly OpReport[] {
  if (failure !== undefined) throw failure;
  return reports;
}

/**
 * Runs a Plan whose ops all belong to `host`, in this process, and returns when it is done. Throws KernelError
 * EPERM for ops that would change the daemon itself, EINVAL for ops of other processes; nothing is run then.
 */
export function tryHostPlan(plan: Plan): PlanRun {
  const reports = new Uint8Array(reportBytes(plan));
  const used = runEncodedPlan(encodePlan(plan), reports);
  return outcome(plan, reports.subarray(0, used));
}

/** As tryHostPlan, but an op that failed is thrown. */
export function runHostPlan(plan: Plan): readonly OpReport[] {
  return orThrow(tryHostPlan(plan));
}

function readWritten(fd: number): Uint8Array {
  const bytes = new Uint8Array(fileOffset(fd));
  const count = readSync(fd, bytes, 0, bytes.length, 0);
  return bytes.subarray(0, count);
}

/** Exit code of a vitrine-oci that was started wrongly; it says why on stderr. */
const exitMisused = 2;
const stderrBytesMax = 4096;

/**
 * Runs a Plan in a vitrine-oci of its own. The Plan ends when `oci` has ended; a process that it started and
 * that waits in awaitStart finds no `start` slot here and fails: containers belong to a shim.
 */
export async function tryPlanApart(plan: Plan): Promise<PlanRun> {
  const fds: number[] = [];
  const keep = (fd: number): number => {
    fds.push(fd);
    return fd;
  };
  try {
    const nothing = keep(openSync("/dev/null", "r+"));
    const stderr = keep(boundedMemfd(stderrBytesMax));
    const encoded = keep(sealedMemfd(encodePlan(plan)));
    const reports = keep(boundedMemfd(reportBytes(plan)));
    const program = spawnProgram({
      path: executorPath(),
      argv: ["vitrine-oci", "3", "4"],
      env: [],
      fds: [nothing, nothing, stderr, encoded, reports],
      setsid: true,
      // The next daemon looks at what is there, which must not change under its eyes.
      dieWithParent: true,
    });
    const exitCode = await exitOf(program);
    const run = outcome(plan, readWritten(reports));
    if (exitCode === 0 || run.failure !== undefined) return run;
    const said = new TextDecoder().decode(readWritten(stderr)).trim();
    return { ...run, failure: unexplained(plan, exitCode, said) };
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

/** vitrine-oci ended badly without an op that failed: killed, or started wrongly. */
function unexplained(plan: Plan, exitCode: number, said: string): KernelError {
  const detail = said === "" ? `vitrine-oci ended with ${exitCode}` : said;
  return new KernelError({
    errno: exitCode === exitMisused ? "EINVAL" : "ECANCELED",
    op: "library",
    process: "oci",
    detail,
    message: `plan "${plan.name}": ${detail}`,
  });
}

/** As tryPlanApart, but an op that failed is thrown. */
export async function runPlanApart(plan: Plan): Promise<readonly OpReport[]> {
  return orThrow(await tryPlanApart(plan));
}
