/**
 * The shims this daemon is connected to, one a pod. A shim outlives the daemon and is found again by
 * its directory; the connection is only a convenience.
 */
import { RuntimeError } from "../kernel/errors.ts";
import type { Kernel, Shim } from "../kernel/kernel.ts";
import type { Context } from "../trace/tracer.ts";
import type { EngineOptions } from "./engine-options.ts";
import { podPathsOf } from "./paths.ts";

export class Shims {
  readonly #kernel: Kernel;
  readonly #options: EngineOptions;
  readonly #connected = new Map<string, Shim>();

  constructor(kernel: Kernel, options: EngineOptions) {
    this.#kernel = kernel;
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
    const found = await this.#kernel.findShim(podId, this.#directoryOf(podId));
    if (found !== undefined) this.#connected.set(podId, found);
    return found;
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

  /** Ends the pod's shim and whatever it still holds. None there is no error. */
  async shutdown(podId: string): Promise<void> {
    const shim = await this.find(podId);
    if (shim === undefined) return;
    this.#connected.delete(podId);
    await shim.shutdown();
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
