/**
 * A Plan: a flat list of ops, each with the process that runs it.
 *
 * It is a list, never a language: no conditions, no loops. A decision that needs an answer from the
 * kernel is two Plans with TypeScript between them. Ops of one process run in order; processes meet
 * only at `clone3`, `idMap` and the named barriers.
 */
import type { ErrnoName } from "./errno.ts";
import type { Op, ProcessName } from "./op.ts";

export interface PlanStep {
  readonly process: ProcessName;
  readonly op: Op;
  /** Errnos that do not stop the Plan; they are still reported. */
  readonly ignore?: readonly ErrnoName[];
}

export interface Plan {
  /** What the Plan is for: "create container", "make network namespace". */
  readonly name: string;
  readonly steps: readonly PlanStep[];
}

/** What the executor says of one op. Times are CLOCK_MONOTONIC nanoseconds. */
export interface OpReport {
  readonly index: number;
  readonly process: ProcessName;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Return value of the op, for example the pid of `clone3`, or the fd number. */
  readonly result: number;
  /** Linux errno, 0 for success. */
  readonly errno: number;
  /** Which argument failed, and what the kernel's log said of it; empty when there is nothing to add. */
  readonly detail: string;
  /** Whether `ignore` let the Plan go on past the errno. */
  readonly ignored: boolean;
}

/** Collects steps for one process after another; the oci compiler is written with it. */
export class PlanBuilder {
  readonly #name: string;
  readonly #steps: PlanStep[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  /** Appends `op` to the list of `process`. */
  add(process: ProcessName, op: Op, ignore?: readonly ErrnoName[]): this {
    this.#steps.push(ignore === undefined ? { process, op } : { process, op, ignore });
    return this;
  }

  build(): Plan {
    return { name: this.#name, steps: this.#steps };
  }
}
