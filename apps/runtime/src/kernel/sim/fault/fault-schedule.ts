/** Counts ops, record writes and CNI calls of a simulation, and says what shall go wrong at each. */
import type { ErrnoName } from "../../errno.ts";
import type { Op, OpName } from "../../op.ts";
import type { Fault } from "./fault.ts";
import { parseFault } from "./grammar.ts";

export type AfterOp = "crash" | "kill shim" | "oom";
export type CniFault = Extract<Fault, { readonly kind: "cni" }>["how"];
export type RegistryFault = Extract<Fault, { readonly kind: "registry" }>;

export class FaultSchedule {
  faults: readonly Fault[];
  readonly #namedOps = new Map<OpName, number>();
  readonly #cniCalls = new Map<string, number>();
  readonly #dropped = new Set<Fault>();
  #ops = 0;
  #writes = 0;

  constructor(texts: readonly string[]) {
    this.faults = texts.map(parseFault);
  }

  /** Ops that have been tried so far: the highest N that means something in crash@N. */
  get ops(): number {
    return this.#ops;
  }

  /** Record writes so far. */
  get writes(): number {
    return this.#writes;
  }

  /** From now on nothing goes wrong; the counts go on. */
  clear(): void {
    this.faults = [];
  }

  /**
   * The registry is asked: how it fails. A broken connection breaks once, at the first blob that has such a byte
   * (`bytes` is its size, 0 for a manifest); the others last.
   */
  registry(bytes: number): RegistryFault | undefined {
    for (const fault of this.faults) {
      if (fault.kind !== "registry") continue;
      if (fault.how !== "drop") return fault;
      if (bytes <= fault.byte || this.#dropped.has(fault)) continue;
      this.#dropped.add(fault);
      return fault;
    }
    return undefined;
  }

  /** The next op begins: the errno it shall fail with. */
  beforeOp(op: Op): ErrnoName | undefined {
    this.#ops++;
    const nth = (this.#namedOps.get(op.op) ?? 0) + 1;
    this.#namedOps.set(op.op, nth);
    for (const fault of this.faults) {
      if (fault.kind === "op" && fault.op === this.#ops) return fault.errno;
      if (fault.kind === "named" && fault.name === op.op && fault.nth === nth) return fault.errno;
    }
    return undefined;
  }

  /** Op number `number` has ended: what happens now. */
  afterOp(number: number): readonly AfterOp[] {
    if (this.faults.length === 0) return [];
    const due: AfterOp[] = [];
    for (const fault of this.faults) {
      if (fault.kind === "shim" && fault.op === number) due.push("kill shim");
      if (fault.kind === "oom" && fault.op === number) due.push("oom");
      if (fault.kind === "crash" && fault.op === number) due.push("crash");
    }
    return due;
  }

  /** A record is about to be written; true when the disk is full. */
  beforeWrite(): boolean {
    this.#writes++;
    return this.#writeFault("full");
  }

  /** It is on the disk; true when the daemon dies of it. */
  afterWrite(): boolean {
    return this.#writeFault("crash");
  }

  #writeFault(how: "crash" | "full"): boolean {
    return this.faults.some(
      (fault) => fault.kind === "record" && fault.write === this.#writes && fault.how === how,
    );
  }

  /** A plugin is called with this CNI_COMMAND: how it fails. */
  cni(command: string): CniFault | undefined {
    const nth = (this.#cniCalls.get(command) ?? 0) + 1;
    this.#cniCalls.set(command, nth);
    for (const fault of this.faults) {
      if (fault.kind !== "cni" || fault.command !== command) continue;
      if (fault.nth === undefined || fault.nth === nth) return fault.how;
    }
    return undefined;
  }
}
