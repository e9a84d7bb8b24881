/**
 * What DEL needs to know after a restart: one file a network and pod. It is written before ADD (the intent:
 * a plugin that was started may have taken an address, whatever became of us) and again with the result.
 */
import type { Kernel } from "../../kernel/kernel.ts";
import { PlanBuilder } from "../../kernel/plan.ts";
import type { Context } from "../../trace/tracer.ts";
import { type NetworkConfig, parseJson } from "./cni-config.ts";
import type { CniResult } from "./pod-network.ts";

export interface CachedAttachment {
  readonly kind: "vitrineCniCacheV1";
  readonly containerId: string;
  readonly ifName: string;
  readonly netns: string;
  readonly config: NetworkConfig;
  readonly args: string;
  readonly capabilityArgs: Readonly<Record<string, unknown>>;
  /** Absent while ADD has not answered. */
  readonly result?: CniResult;
}

const cacheBytesMax = 4 << 20;
const modePrivate = 0o600;

export class ResultCache {
  readonly #kernel: Kernel;
  readonly #directory: string;

  constructor(kernel: Kernel, directory: string) {
    this.#kernel = kernel;
    this.#directory = directory;
  }

  /** Writes the whole file; the directory is made on the way. */
  async put(context: Context, entry: CachedAttachment): Promise<void> {
    const data = new TextEncoder().encode(JSON.stringify(entry));
    const path = this.#pathOf(entry.config.name, entry.containerId, entry.ifName);
    const plan = new PlanBuilder("keep the CNI result")
      .add("host", { op: "mkdir", path: this.#directory, mode: 0o700, parents: true })
      .add("host", { op: "writeFile", path, data, mode: modePrivate, how: "create" });
    await this.#kernel.run(context, plan.build());
  }

  /** Every attachment of a pod, whatever its network was called then; files that make no sense are skipped. */
  async of(containerId: string): Promise<readonly CachedAttachment[]> {
    const found: CachedAttachment[] = [];
    for (const name of (await this.#kernel.files.list(this.#directory)) ?? []) {
      if (!name.includes(`-${containerId}-`)) continue;
      const bytes = await this.#kernel.files.read(`${this.#directory}/${name}`, cacheBytesMax);
      const entry = bytes === undefined ? undefined : entryOf(new TextDecoder().decode(bytes));
      if (entry?.containerId === containerId) found.push(entry);
    }
    return found;
  }

  /** Ids of all pods that have an attachment or an intent. */
  async pods(): Promise<readonly string[]> {
    const names = (await this.#kernel.files.list(this.#directory)) ?? [];
    const ids = names.map((name) => /-([0-9a-f]{64})-/.exec(name)?.[1]);
    return [...new Set(ids.filter((id) => id !== undefined))];
  }

  async remove(context: Context, entry: CachedAttachment): Promise<void> {
    const path = this.#pathOf(entry.config.name, entry.containerId, entry.ifName);
    const plan = new PlanBuilder("forget the CNI result").add("host", { op: "unlink", path }, [
      "ENOENT",
    ]);
    await this.#kernel.run(context, plan.build());
  }

  #pathOf(network: string, containerId: string, ifName: string): string {
    return `${this.#directory}/${network}-${containerId}-${ifName}`;
  }
}

function entryOf(text: string): CachedAttachment | undefined {
  try {
    const value = parseJson(text) as CachedAttachment;
    return value.kind === "vitrineCniCacheV1" && Array.isArray(value.config?.plugins)
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}
