/** The scheduler: gives a pod without a node the node with most memory left (the idea of NodeResourcesFit). */
import type { Context } from "../trace/tracer.ts";
import type { ApiServer } from "./api-server.ts";
import type { PodDescription } from "./pod-description.ts";

export interface ClusterNode {
  readonly name: string;
  readonly memoryBytes: number;
}

function requested(spec: PodDescription): number {
  return spec.containers.reduce(
    (sum, { resources }) => sum + (resources?.memoryLimitInBytes ?? 0),
    0,
  );
}

export class Scheduler {
  readonly #api: ApiServer;
  readonly #free: Map<string, number>;

  constructor(api: ApiServer, nodes: readonly ClusterNode[]) {
    this.#api = api;
    this.#free = new Map(nodes.map(({ name, memoryBytes }) => [name, memoryBytes]));
    api.watchUnbound((context, { spec }) => this.#schedule(context, spec));
  }

  /** A pod that fits nowhere stays Pending, without a node. */
  async #schedule(context: Context, spec: PodDescription): Promise<void> {
    const wanted = requested(spec);
    const fitting = [...this.#free].filter(([, free]) => free >= wanted);
    const best = fitting.sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))[0];
    if (best === undefined) return;
    this.#free.set(best[0], best[1] - wanted);
    await this.#api.bind(context, spec.name, best[0]);
  }
}
