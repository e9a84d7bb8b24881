/** The Shim of the kernel seam: one daemon's connection to a shim of the model. It ends with that daemon's life. */
import type { Context } from "../../../trace/tracer.ts";
import { errnoText } from "../../errno-text.ts";
import { KernelError } from "../../errors.ts";
import type {
  ContainerExit,
  CreateOptions,
  ExecOptions,
  ExecResult,
  Shim,
  ShimContainer,
  ShimListener,
} from "../../kernel.ts";
import { reportOps } from "../../op-spans.ts";
import type { OpReport, Plan } from "../../plan.ts";
import { failureOf } from "../../plan-failure.ts";
import type { DaemonLife } from "../world/daemon-life.ts";
import type { Answer } from "./held-container.ts";
import type { Requester, ShimFailure } from "./launch.ts";
import type { PodShim, ShimPeer } from "./pod-shim.ts";

function lostError(reason: string): KernelError {
  return new KernelError({
    errno: "ECONNRESET",
    op: "shim",
    detail: reason,
    message: `the shim is lost: ${reason}`,
  });
}

/** A refusal as the KernelError that callers know. */
function shimError(failure: ShimFailure, what: string): KernelError {
  const { errno, detail, index } = failure;
  return new KernelError({
    errno,
    // Without the Plan the op is not known by name; of those after the release only execve fails in practice.
    op: index >= 0 ? "execve" : "shim",
    index,
    detail,
    message: `${what}: ${detail}${detail === "" ? "" : ": "}${errno}, ${errnoText(errno)}`,
  });
}

/** A Plan that the shim runs for us: its reports become spans as they come, its failure an error. */
class ShimPlanRun implements Requester {
  readonly #life: DaemonLife;
  readonly #context: Context;
  readonly #plan: Plan | undefined;
  readonly #fromNs: bigint;
  readonly #reports: OpReport[] = [];

  /** `plan` is undefined when a daemon before us made the container: then there are no spans. */
  constructor(life: DaemonLife, context: Context, plan: Plan | undefined) {
    this.#life = life;
    this.#context = context;
    this.#plan = plan;
    this.#fromNs = life.machine.scheduler.nowNs;
  }

  report(report: OpReport): void {
    if (this.#life.dead) return;
    this.#reports.push(report);
    if (this.#plan === undefined) return;
    const { machine } = this.#life;
    // awaitStart began to wait in the call that created the container; here only its end belongs.
    const own = report.startNs < this.#fromNs ? { ...report, startNs: this.#fromNs } : report;
    reportOps(this.#context, this.#plan, [own], machine.unixNs() - machine.scheduler.nowNs);
  }

  /** What a refused request means: the failed op where there is one, else what the shim says. */
  errorOf(failure: ShimFailure, what: string): unknown {
    const failed =
      failure.index >= 0 && this.#plan ? failureOf(this.#plan, this.#reports) : undefined;
    if (failed !== undefined) return failed;
    const { signal } = this.#context;
    if (signal?.aborted && failure.errno === "ECANCELED") return signal.reason;
    return shimError(failure, what);
  }
}

function needClone(plan: Plan): void {
  if (plan.steps.some(({ process, op }) => process === "oci" && op.op === "clone3")) return;
  throw new KernelError({
    errno: "EINVAL",
    op: "clone3",
    detail: plan.name,
    message: `plan "${plan.name}" makes no process: it has no clone3`,
  });
}

export class SimShim implements Shim, ShimPeer {
  readonly podId: string;
  readonly #shim: PodShim;
  readonly #life: DaemonLife;
  readonly #listeners: () => readonly ShimListener[];
  readonly #editPlan: (plan: Plan) => Plan;
  readonly #exits = new Map<string, ContainerExit>();
  readonly #waiters = new Map<string, Set<(exit: ContainerExit) => void>>();
  /** Requests under way, rejected when the shim is lost. */
  readonly #open = new Set<(error: KernelError) => void>();
  /** Plans of containers that are created and not started, for the spans of what happens after the release. */
  readonly #plans = new Map<string, Plan>();
  readonly #forgetLife: () => void;
  /** Why it is closed. */
  #closed: string | undefined;
  #shuttingDown = false;

  /** `editPlan` is asked for each Plan before the shim gets it. */
  constructor(
    shim: PodShim,
    life: DaemonLife,
    listeners: () => readonly ShimListener[],
    editPlan: (plan: Plan) => Plan,
  ) {
    this.podId = shim.podId;
    this.#editPlan = editPlan;
    this.#shim = shim;
    this.#life = life;
    this.#listeners = listeners;
    this.#forgetLife = life.atDeath(() => shim.disconnect(this));
    shim.connect(this);
  }

  get pid(): number {
    return this.#shim.process.pid;
  }

  exited(exit: ContainerExit): void {
    this.#exits.set(exit.containerId, exit);
    for (const waiter of this.#waiters.get(exit.containerId) ?? []) waiter(exit);
    this.#waiters.delete(exit.containerId);
    for (const { exited } of this.#listeners()) {
      this.#life.deliver(() => exited(this.podId, exit));
    }
  }

  lost(): void {
    if (this.#closed !== undefined) return;
    const told = this.#shuttingDown;
    this.#close(told ? "it was shut down" : "its connection closed");
    if (told) return;
    for (const { lost } of this.#listeners()) this.#life.deliver(() => lost(this.podId));
  }

  async create(context: Context, options: CreateOptions): Promise<ShimContainer> {
    const { containerId } = options;
    const plan = this.#editPlan(options.plan);
    needClone(plan);
    const run = new ShimPlanRun(this.#life, context, plan);
    const container = await this.#ask<ShimContainer>(
      `container ${containerId} to be created`,
      context.signal,
      (answer) => this.#shim.create({ ...options, plan }, run, answer),
      (failure) => run.errorOf(failure, `container ${containerId}`),
      () => this.#shim.cancelCreate(containerId),
    );
    this.#plans.set(containerId, plan);
    return container;
  }

  start(context: Context, containerId: string): Promise<ShimContainer> {
    const run = new ShimPlanRun(this.#life, context, this.#plans.get(containerId));
    this.#plans.delete(containerId);
    return this.#ask<ShimContainer>(
      `container ${containerId} to be started`,
      context.signal,
      (answer) => this.#shim.start(containerId, run, answer),
      (failure) => run.errorOf(failure, `container ${containerId}`),
    );
  }

  kill(containerId: string, signal: number, all: boolean): Promise<void> {
    const what = `kill container ${containerId}`;
    return this.#simple(what, (answer) => this.#shim.kill(containerId, signal, all, answer));
  }

  async wait(containerId: string, signal?: AbortSignal): Promise<ContainerExit> {
    const known = this.#exits.get(containerId);
    if (known !== undefined) return known;
    const waited = this.#waitFor(containerId, signal);
    waited.catch(() => undefined);
    // It may have exited before this connection, or never have been here.
    const containers = await this.list();
    if (this.#exits.get(containerId) === undefined) {
      if (!containers.some((container) => container.containerId === containerId)) {
        throw new KernelError({
          errno: "ENOENT",
          op: "shim",
          detail: containerId,
          message: `wait for container ${containerId}: no such container`,
        });
      }
    }
    return await waited;
  }

  exec(
    context: Context,
    containerId: string,
    given: Plan,
    options: ExecOptions,
  ): Promise<ExecResult> {
    return this.#life.now(() => {
      const plan = this.#editPlan(given);
      needClone(plan);
      const run = new ShimPlanRun(this.#life, context, plan);
      let cancel = (_why: string): void => undefined;
      const forget = this.#life.atDeath(() => this.#shim.ask(() => cancel("the daemon has gone")));
      const result = this.#ask<ExecResult>(
        `a command in container ${containerId}`,
        context.signal,
        (answer) => {
          const exec = this.#shim.exec(containerId, plan, options, run, answer);
          cancel = (why) => exec?.cancel(why);
        },
        (failure) => run.errorOf(failure, `exec in container ${containerId}`),
        () => cancel("the command was cancelled"),
      );
      return result.finally(forget).then((value) => {
        context.signal?.throwIfAborted();
        return value;
      });
    });
  }

  reopenLog(containerId: string): Promise<void> {
    const what = `log of container ${containerId}`;
    return this.#simple(what, (answer) => this.#shim.reopenLog(containerId, answer));
  }

  async remove(containerId: string): Promise<void> {
    const what = `remove container ${containerId}`;
    await this.#simple(what, (answer) => this.#shim.remove(containerId, answer));
    this.#plans.delete(containerId);
    this.#exits.delete(containerId);
  }

  async list(): Promise<readonly ShimContainer[]> {
    const containers = await this.#ask<readonly ShimContainer[]>(
      `the containers of pod ${this.podId}`,
      undefined,
      (answer) => answer.done(this.#shim.list()),
      (failure) => shimError(failure, "list containers"),
    );
    for (const { exit } of containers) {
      if (exit === undefined || this.#exits.has(exit.containerId)) continue;
      this.#exits.set(exit.containerId, exit);
      for (const waiter of this.#waiters.get(exit.containerId) ?? []) waiter(exit);
      this.#waiters.delete(exit.containerId);
    }
    return containers;
  }

  async shutdown(): Promise<void> {
    await this.#simple("shut the shim down", (answer) => {
      this.#shuttingDown = true;
      this.#shim.shutdown(answer);
    });
    this.#close("the shim was shut down");
  }

  disconnect(): void {
    this.#close("the connection was closed");
    this.#shim.disconnect(this);
  }

  #close(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#forgetLife();
    for (const reject of [...this.#open]) reject(lostError(reason));
    this.#open.clear();
    this.#waiters.clear();
  }

  #waitFor(containerId: string, signal: AbortSignal | undefined): Promise<ContainerExit> {
    return this.#life.promise(`container ${containerId} to exit`, (resolve, reject) => {
      if (this.#closed !== undefined) return reject(lostError(this.#closed));
      if (signal?.aborted) return reject(signal.reason);
      const waiting = this.#waiters.get(containerId) ?? new Set();
      this.#waiters.set(containerId, waiting);
      const end = () => {
        waiting.delete(done);
        this.#open.delete(broken);
        signal?.removeEventListener("abort", abort);
      };
      const done = (exit: ContainerExit) => {
        end();
        resolve(exit);
      };
      const broken = (error: KernelError) => {
        end();
        reject(error);
      };
      const abort = () => {
        end();
        reject(signal?.reason);
      };
      waiting.add(done);
      this.#open.add(broken);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  #simple(what: string, ask: (answer: Answer<void>) => void): Promise<void> {
    return this.#ask<void>(what, undefined, ask, (failure) => shimError(failure, what));
  }

  /** A request: done by the shim when it gets its turn, rejected when it is lost before it answers. */
  #ask<T>(
    what: string,
    signal: AbortSignal | undefined,
    ask: (answer: Answer<T>) => void,
    errorOf: (failure: ShimFailure) => unknown,
    cancel?: () => void,
  ): Promise<T> {
    return this.#life.promise(what, (resolve, reject) => {
      if (this.#closed !== undefined) return reject(lostError(this.#closed));
      if (!this.#shim.alive) return reject(lostError("its connection closed"));
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        if (cancel !== undefined) this.#shim.ask(cancel);
      };
      const end = () => {
        this.#open.delete(broken);
        signal?.removeEventListener("abort", abort);
      };
      const broken = (error: KernelError) => {
        end();
        reject(error);
      };
      const answer: Answer<T> = {
        done: (value) => {
          end();
          resolve(value);
        },
        failed: (failure) => {
          end();
          reject(errorOf(failure));
        },
      };
      this.#open.add(broken);
      signal?.addEventListener("abort", abort, { once: true });
      this.#shim.ask(() => ask(answer));
    });
  }
}
