/** A vitrine-oci under way, as native/shim/launch.c keeps it: its reports, its failure, the process it makes. */
import { type ErrnoName, errnoName } from "../../errno.ts";
import type { OpReport, Plan } from "../../plan.ts";
import { SIGKILL } from "../abi.ts";
import type { Gate, PlanObserver } from "../plan/plan-process.ts";
import { type PlanListener, startOci } from "../plan/run-plan.ts";
import type { Process } from "../process/process.ts";
import { deliverSignal } from "../syscall/process.ts";
import type { OpenFile } from "../vfs/open-file.ts";

/** Why a request could not be done: what the shim says to whoever asked. */
export interface ShimFailure {
  readonly errno: ErrnoName;
  readonly detail: string;
  /** Index of the op in its Plan; -1 when it was no op. */
  readonly index: number;
}

/** Where the answer to a request goes; a caller that has gone hears nothing. */
export interface Requester {
  report(report: OpReport): void;
}

const nobody: Requester = { report: () => undefined };

export interface LaunchOptions {
  readonly shim: Process;
  readonly plan: Plan;
  readonly observer: PlanObserver;
  /** Name of the process that the Plan makes: "init" or "exec". */
  readonly target: "init" | "exec";
  readonly requester: Requester;
  readonly stdio: readonly OpenFile[];
  readonly start?: Gate;
  readonly console?: (process: Process, master: OpenFile) => void;
  /** Something happened that the owner may act on. */
  readonly changed: () => void;
}

export class Launch {
  requester: Requester;
  readonly oci: Process;
  target: Process | undefined;
  ready = false;
  failure: ShimFailure | undefined;
  #ociInside = true;
  #targetInside = true;
  readonly #changed: () => void;

  constructor(options: LaunchOptions) {
    this.requester = options.requester;
    this.#changed = options.changed;
    const listener: PlanListener = {
      report: (report) => this.#report(report),
      ready: () => {
        this.ready = true;
        this.#changed();
      },
      left: (process) => {
        if (process === "oci") this.#ociInside = false;
        if (process === options.target) this.#targetInside = false;
        this.#changed();
      },
      born: (name, process) => {
        if (name === options.target) this.target = process;
      },
    };
    this.oci = startOci(options.shim, {
      plan: options.plan,
      observer: options.observer,
      listener,
      stdio: options.stdio,
      ...(options.start === undefined ? {} : { start: options.start }),
      ...(options.console === undefined ? {} : { console: options.console }),
    });
  }

  /** Every process of the Plan has become its program or ended. */
  get eof(): boolean {
    const oci = this.#ociInside && this.oci.state === "alive";
    const target = this.#targetInside && this.target?.state === "alive";
    return !oci && !target;
  }

  /** Whether vitrine-oci itself has ended. */
  get ociEnded(): boolean {
    return this.oci.state !== "alive";
  }

  /** Nothing of it is left to wait for. */
  get over(): boolean {
    return this.ociEnded && (this.target === undefined || this.target.state !== "alive");
  }

  /** Keeps the first failure; ECANCELED of one process only says that another failed. */
  fail(failure: ShimFailure): void {
    const known = this.failure;
    if (known !== undefined && (known.errno !== "ECANCELED" || failure.errno === "ECANCELED")) {
      return;
    }
    this.failure = failure;
  }

  /** Ends it from outside. */
  kill(errno: ErrnoName, why: string): void {
    this.fail({ errno, detail: why, index: -1 });
    if (this.oci.state === "alive") deliverSignal(this.oci, SIGKILL);
    if (this.target?.state === "alive") deliverSignal(this.target, SIGKILL);
    this.#changed();
  }

  /** vitrine-oci was reaped: a bad end without a reason is one. */
  ended(code: number): void {
    if (code === 0) return;
    this.fail({ errno: "ECANCELED", detail: "vitrine-oci ended before its Plan did", index: -1 });
    if (this.target?.state === "alive") deliverSignal(this.target, SIGKILL);
  }

  /** Whoever asked has gone. */
  disown(): void {
    this.requester = nobody;
  }

  #report(report: OpReport): void {
    this.requester.report(report);
    if (report.errno === 0 || report.ignored) return;
    const { index, detail } = report;
    this.fail({ errno: errnoName(report.errno) as ErrnoName, detail, index });
    this.#changed();
  }
}
