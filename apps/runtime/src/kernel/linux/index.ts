/** The real kernel: Plans in the library or apart, programs, shims, files, cgroups, behind one interface. */
import type { Context } from "../../trace/tracer.ts";
import type { KernelError } from "../errors.ts";
import type {
  HostFacts,
  HostFiles,
  Kernel,
  Program,
  ProgramResult,
  SeccompProfile,
  Shim,
  ShimListener,
} from "../kernel.ts";
import { reportOps } from "../op-spans.ts";
import type { OpReport, Plan } from "../plan.ts";
import type { Clock } from "../world.ts";
import { emptyCgroup } from "./cgroup.ts";
import { linuxClock, unixOffsetNs } from "./clock.ts";
import { readHostFacts } from "./facts.ts";
import { linuxFiles } from "./files.ts";
import { runProgram } from "./program.ts";
import { type PlanRun, tryHostPlan, tryPlanApart } from "./run-plan.ts";
import { compileSeccomp } from "./seccomp.ts";
import type { LinuxShim } from "./shim-client.ts";
import { killShim } from "./shim-kill.ts";
import { findShim, startShim } from "./shim-start.ts";
import { watchDirectory } from "./watch.ts";

export { linuxClock } from "./clock.ts";
export { linuxRandom } from "./random.ts";
export { type DurableRecords, openRecords } from "./records.ts";

export class LinuxKernel implements Kernel {
  readonly facts: HostFacts;
  readonly files: HostFiles;
  readonly #clock: Clock;
  readonly #listeners: ShimListener[] = [];
  readonly #shims = new Set<Shim>();

  constructor(clock: Clock = linuxClock()) {
    this.#clock = clock;
    this.facts = readHostFacts();
    this.files = linuxFiles();
  }

  async run(context: Context, plan: Plan): Promise<readonly OpReport[]> {
    return this.#reported(context, plan, tryHostPlan(plan));
  }

  async runApart(context: Context, plan: Plan): Promise<readonly OpReport[]> {
    return this.#reported(context, plan, await tryPlanApart(plan));
  }

  exec(context: Context, program: Program): Promise<ProgramResult> {
    return runProgram(program, context.signal);
  }

  async startShim(context: Context, podId: string, directory: string): Promise<Shim> {
    return this.#hold(await startShim(context, podId, directory, this.#shimOptions()));
  }

  async findShim(podId: string, directory: string): Promise<Shim | undefined> {
    const shim = await findShim(podId, directory, this.#shimOptions());
    return shim === undefined ? undefined : this.#hold(shim);
  }

  killShim(directory: string): Promise<void> {
    return killShim(directory);
  }

  listen(listener: ShimListener): void {
    this.#listeners.push(listener);
  }

  compileSeccomp(profile: SeccompProfile): Uint8Array {
    return compileSeccomp(profile);
  }

  emptyCgroup(path: string): Promise<void> {
    return emptyCgroup(path);
  }

  watch(path: string, changed: () => void, signal: AbortSignal): void {
    watchDirectory(path, changed, signal);
  }

  /** Lets go of every shim; they and their containers live on. */
  close(): void {
    for (const shim of this.#shims) shim.disconnect();
    this.#shims.clear();
  }

  #shimOptions() {
    return { clock: this.#clock, listeners: () => this.#listeners };
  }

  /** Until its connection ends: a shim that is gone needs no disconnecting, and the set must not grow with every pod. */
  #hold(shim: LinuxShim): Shim {
    this.#shims.add(shim);
    void shim.over.then(() => this.#shims.delete(shim));
    return shim;
  }

  /** Every op that was tried becomes a span, also when one of them then makes the whole Plan fail. */
  #reported(context: Context, plan: Plan, run: PlanRun): readonly OpReport[] {
    reportOps(context, plan, run.reports, unixOffsetNs(this.#clock));
    const failure: KernelError | undefined = run.failure;
    if (failure !== undefined) throw failure;
    return run.reports;
  }
}
