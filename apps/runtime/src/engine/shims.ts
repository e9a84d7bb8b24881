/**
 * The shims this daemon is connected to, one a pod. A shim outlives the daemon and is found again by
 * its directory; the connection is only a convenience.
 */
import { KernelError, RuntimeError } from "../kernel/errors.ts";
import type { Kernel, Shim } from "../kernel/kernel.ts";
import type { Clock, World } from "../kernel/world.ts";
import type { Context } from "../trace/tracer.ts";
import type { EngineOptions } from "./engine-options.ts";
import { podPathsOf } from "./paths.ts";

/** What takes a living shim milliseconds; after this long it counts as one that does not answer. */
const patienceMs = 5000;

export class Shims {
  readonly #kernel: Kernel;
  readonly #clock: Clock;
  readonly #options: EngineOptions;
  readonly #connected = new Map<string, Shim>();
  /** Connections under way: calls about several containers of a pod hold different locks, and share one. */
  readonly #finding = new Map<string, Promise<Shim | undefined>>();

  constructor(world: Pick<World, "kernel" | "clock">, options: EngineOptions) {
    this.#kernel = world.kernel;
    this.#clock = world.clock;
    this.#options = options;
  }

  /** Starts the pod's shim in its directory, which exists and is empty. */
  async start(context: Context, podId: string): Promise<Shim> {
    const shim = await this.#kernel.startShim(context, podId, this.#directoryOf(podId));
    this.#connected.set(podId, shim);
    return shim;
  }

  /** The pod's shim, connecting to it if need be; undefined when none lives. */
  async find(podId: string): Promise<Shim | undefined> {
    const connected = this.#connected.get(podId);
    if (connected !== undefined) return connected;
    const underWay = this.#finding.get(podId);
    if (underWay !== undefined) return underWay;
    const finding = this.#connect(podId).finally(() => this.#finding.delete(podId));
    this.#finding.set(podId, finding);
    return finding;
  }

  async #connect(podId: string): Promise<Shim | undefined> {
    const found = await this.#kernel.findShim(podId, this.#directoryOf(podId));
    if (found !== undefined) this.#connected.set(podId, found);
    return found;
  }

  /** As `find`, but a shim that does not answer is as good as none. */
  async findAnswering(podId: string): Promise<Shim | undefined> {
    try {
      return await this.find(podId);
    } catch (error) {
      if (isShimFailure(error)) return undefined;
      throw error;
    }
  }

  /**
   * The pod's shim.
   * @throws RuntimeError UNAVAILABLE when none lives.
   */
  async need(podId: string): Promise<Shim> {
    const shim = await this.find(podId);
    if (shim === undefined) {
      throw new RuntimeError("UNAVAILABLE", `the shim of pod sandbox ${podId} has gone`);
    }
    return shim;
  }

  /**
   * Ends the pod's shim and whatever it still holds; one that does not answer is killed, and its containers
   * are left to who empties their cgroups. None there is no error.
   */
  async shutdown(podId: string): Promise<void> {
    try {
      const shim = await this.find(podId);
      if (shim === undefined) return;
      this.#connected.delete(podId);
      await this.answered(podId, shim.shutdown());
    } catch (error) {
      if (!isShimFailure(error)) throw error;
      await this.#kernel.killShim(this.#directoryOf(podId));
    }
  }

  /**
   * What a shim answers to a request that is short.
   * @throws RuntimeError UNAVAILABLE when it does not within five seconds
   */
  async answered<T>(podId: string, answer: Promise<T>): Promise<T> {
    const timer = new AbortController();
    const late = this.#clock.sleep(patienceMs, timer.signal).then(() => {
      throw new RuntimeError("UNAVAILABLE", `the shim of pod sandbox ${podId} does not answer`);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      timer.abort(noReason);
      late.catch(() => undefined);
      answer.catch(() => undefined);
    }
  }

  /** Forgets the connection to a shim that died. */
  forget(podId: string): void {
    this.#connected.delete(podId);
  }

  /** Closes every connection; the shims live on. */
  disconnect(): void {
    for (const shim of this.#connected.values()) shim.disconnect();
    this.#connected.clear();
  }

  #directoryOf(podId: string): string {
    return podPathsOf(this.#options, podId).shimDirectory;
  }
}

/** Ends a timer: nobody sees it, and to make an AbortError would cost more than the call that was timed. */
export const noReason = Symbol("no reason");

/** Whether the shim itself failed: it died, or does not answer. */
export function isShimFailure(error: unknown): boolean {
  if (error instanceof KernelError) return error.op === "shim";
  return error instanceof RuntimeError && error.code === "UNAVAILABLE";
}
