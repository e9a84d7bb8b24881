/** Exits of a shim's containers, and whoever waits for them. */
import { KernelError } from "../errors.ts";
import type { ContainerExit } from "../kernel.ts";

export class ExitBook {
  readonly #exits = new Map<string, ContainerExit>();
  readonly #waiting = new Map<string, Set<PromiseWithResolvers<ContainerExit>>>();
  readonly #over = Promise.withResolvers<void>();
  #failed: KernelError | undefined;

  /** Resolves when nothing will be heard any more: the shim is lost, shut down, or let go of. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  get(containerId: string): ContainerExit | undefined {
    return this.#exits.get(containerId);
  }

  put(exit: ContainerExit): void {
    this.#exits.set(exit.containerId, exit);
    for (const { resolve } of this.#waiting.get(exit.containerId) ?? []) resolve(exit);
    this.#waiting.delete(exit.containerId);
  }

  /** The id may be used for another container from now on. */
  forget(containerId: string): void {
    this.#exits.delete(containerId);
  }

  /** Resolves with the exit; rejects with the signal's reason, or when the shim is lost. */
  wait(containerId: string, signal?: AbortSignal): Promise<ContainerExit> {
    const known = this.#exits.get(containerId);
    if (known !== undefined) return Promise.resolve(known);
    const waiter = Promise.withResolvers<ContainerExit>();
    if (this.#failed) waiter.reject(this.#failed);
    else if (signal?.aborted) waiter.reject(signal.reason);
    else this.#add(containerId, waiter, signal);
    return waiter.promise;
  }

  #add(
    containerId: string,
    waiter: PromiseWithResolvers<ContainerExit>,
    signal: AbortSignal | undefined,
  ): void {
    const waiting = this.#waiting.get(containerId) ?? new Set();
    this.#waiting.set(containerId, waiting.add(waiter));
    if (signal === undefined) return;
    const abort = (): void => {
      waiting.delete(waiter);
      waiter.reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    const settled = (): void => signal.removeEventListener("abort", abort);
    waiter.promise.then(settled, settled);
  }

  /** Nothing will be heard any more: everybody who waits is told. */
  fail(reason: string): void {
    this.#failed ??= new KernelError({
      errno: "ECONNRESET",
      op: "shim",
      detail: reason,
      message: `the shim is lost: ${reason}`,
    });
    for (const waiting of this.#waiting.values()) {
      for (const { reject } of waiting) reject(this.#failed);
    }
    this.#waiting.clear();
    this.#over.resolve();
  }
}
