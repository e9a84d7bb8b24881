/**
 * What DEL needs to know after a restart: one file a network and pod. It is written before ADD (the intent:
 * a plugin that was started may have taken an address, whatever became of us) and again with the result.
 */
import type { Kernel } from "../../kernel/kernel.ts";
import { PlanBuilder } from "../../kernel/plan.ts";
import type { Context } from "../../trace/tracer.ts";
import { type NetworkConfig, parseJson } from "./cni-config.ts";
import type { CniResult } from "./cni-result.ts";

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
  /** Names of the kept files, where they are not the usual one. Never written. */
  readonly files?: readonly string[];
}

export interface CachedAttachments {
  readonly attachments: readonly CachedAttachment[];
  /** Names of files of this pod that make no sense. */
  readonly unreadable: readonly string[];
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
    const name = nameOf(entry.config.name, entry.containerId, entry.ifName);
    const path = `${this.#directory}/${name}`;
    const plan = new PlanBuilder("keep the CNI result")
      .add("host", { op: "mkdir", path: this.#directory, mode: 0o700, parents: true })
      .add("host", { op: "writeFile", path, data, mode: modePrivate, how: "create" });
    await this.#kernel.run(context, plan.build());
  }

  /** Every attachment of a pod, whatever its network was called then. */
  async of(containerId: string): Promise<CachedAttachments> {
    const attachments: CachedAttachment[] = [];
    const unreadable: string[] = [];
    for (const name of (await this.#kernel.files.list(this.#directory)) ?? []) {
      if (!name.includes(`-${containerId}-`)) continue;
      const bytes = await this.#kernel.files.read(`${this.#directory}/${name}`, cacheBytesMax);
      if (bytes === undefined) continue;
      const entry = entryOf(new TextDecoder().decode(bytes));
      if (entry?.containerId === containerId) attachments.push(entry);
      else unreadable.push(name);
    }
    return { attachments, unreadable };
  }

  /** Ids of all pods that have an attachment or an intent. */
  async pods(): Promise<readonly string[]> {
    const names = (await this.#kernel.files.list(this.#directory)) ?? [];
    const ids = names.map((name) => /-([0-9a-f]{64})-/.exec(name)?.[1]);
    return [...new Set(ids.filter((id) => id !== undefined))];
  }

  async remove(context: Context, entry: CachedAttachment): Promise<void> {
    const usual = nameOf(entry.config.name, entry.containerId, entry.ifName);
    const plan = new PlanBuilder("forget the CNI result");
    for (const name of entry.files ?? [usual]) {
      plan.add("host", { op: "unlink", path: `${this.#directory}/${name}` }, ["ENOENT"]);
    }
    await this.#kernel.run(context, plan.build());
  }
}

/** As libcni calls its own. */
function nameOf(network: string, containerId: string, ifName: string): string {
  return `${network}-${containerId}-${ifName}`;
}

function entryOf(text: string): CachedAttachment | undefined {
  try {
    const value = parseJson(text) as CachedAttachment;
    const isEntry = value?.kind === "vitrineCniCacheV1" && Array.isArray(value.config?.plugins);
    return isEntry ? value : undefined;
  } catch {
    return undefined;
  }
}
