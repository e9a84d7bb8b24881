/**
 * The network of pods: a namespace each, attached by CNI. Plugins are executed as programs, chained, with
 * their result kept for DEL. "DEL must be executed even if ADD fails" (CNI specification, section 2).
 */
import { messageOf, RuntimeError } from "../../kernel/errors.ts";
import type { World } from "../../kernel/world.ts";
import { type Context, type Span, step, withoutDeadline } from "../../trace/tracer.ts";
import {
  builtinSource,
  findNetworkConfig,
  type NetworkConfig,
  type PluginConfig,
} from "./cni-config.ts";
import { type CniCommand, callPlugin, findPlugin, PluginNotStarted } from "./cni-plugin.ts";
import { addressesOf, type CniResult } from "./cni-result.ts";
import { isAtLeast } from "./cni-version.ts";
import { executionConfig, pluginsFor } from "./execution-config.ts";
import { isBound, makeNamespacePlan, removeNamespacePlan } from "./network-namespace.ts";
import { type NetworkOptions, pluginDirectories } from "./network-options.ts";
import { networkStatus } from "./network-status.ts";
import {
  type Attachment,
  capabilityArgsOf,
  cniArgsOf,
  type NetworkPod,
  type NetworkStatus,
} from "./pod-network.ts";
import { type CachedAttachment, ResultCache } from "./result-cache.ts";

const podInterface = "eth0";
const loopback: NetworkConfig = {
  name: "cni-loopback",
  cniVersion: "0.3.1",
  disableCheck: true,
  plugins: [{ type: "loopback" }],
};

export class Network {
  readonly #world: World;
  readonly #options: NetworkOptions;
  readonly #cache: ResultCache;

  constructor(world: World, options: NetworkOptions) {
    this.#world = world;
    this.#options = options;
    this.#cache = new ResultCache(world.kernel, options.resultsDirectory);
  }

  /** Whether pods can be attached. With a context, plugins of version 1.1.0 and later are asked too (STATUS). */
  async status(context?: Context): Promise<NetworkStatus> {
    return await networkStatus(this.#world.kernel, this.#options, context);
  }

  /** Makes a network namespace with lo up, bound at `path`. */
  async makeNamespace(context: Context, path: string): Promise<void> {
    const attributes = { "vitrine.netns.path": path };
    await step(context, "network.namespace", attributes, async (stepContext) => {
      const plan = makeNamespacePlan(path, this.#options.internalLoopback);
      await this.#world.kernel.runApart(stepContext, plan);
    });
  }

  /** Removes the binding at `path`; the namespace ends with its last process. Nothing there is fine. */
  async removeNamespace(context: Context, path: string): Promise<void> {
    const attributes = { "vitrine.netns.path": path };
    await step(context, "network.namespace.remove", attributes, async (stepContext) => {
      await this.#world.kernel.run(stepContext, removeNamespacePlan(path));
    });
  }

  /**
   * Attaches the pod: ADD of every plugin of the chain. A failure has already been followed by DEL.
   * @throws RuntimeError UNAVAILABLE when no network is configured or a plugin fails, DEADLINE_EXCEEDED when
   * one hangs, FAILED_PRECONDITION for host ports that nothing would map.
   */
  async attach(context: Context, pod: NetworkPod): Promise<Attachment> {
    const found = await findNetworkConfig(this.#world.kernel.files, this.#options);
    const { config } = found;
    if (config === undefined) throw new RuntimeError("UNAVAILABLE", found.explanation);
    const attributes = { "vitrine.cni.network": config.name, "vitrine.cni.source": found.source };
    return await step(context, "network.attach", attributes, async (stepContext, span) => {
      checkHostPorts(pod, config, found.source, span);
      if (!this.#options.internalLoopback) await this.#add(stepContext, pod, loopback, "lo");
      const { ips, result } = await this.#add(stepContext, pod, config, podInterface);
      span.set({ "k8s.pod.ip": ips[0] });
      return { ips, result };
    });
  }

  /**
   * Detaches the pod from every network it was, or was about to be, attached to. Nothing to do is fine. Every
   * network is tried; the first failure is thrown at the end.
   */
  async detach(context: Context, pod: Pick<NetworkPod, "id" | "netnsPath">): Promise<void> {
    const attachments = await this.#attachmentsOf(pod);
    if (attachments.length === 0) return;
    await step(context, "network.detach", {}, async (stepContext) => {
      const failures: unknown[] = [];
      for (const entry of attachments) {
        await this.#delete(withoutDeadline(stepContext), entry).catch((error) =>
          failures.push(error),
        );
      }
      if (failures.length > 0) throw failures[0];
    });
  }

  /** CHECK of every plugin with the kept result. */
  async check(context: Context, pod: NetworkPod): Promise<void> {
    const { attachments } = await this.#cache.of(pod.id);
    for (const entry of attachments) {
      if (entry.config.disableCheck || !isAtLeast(entry.config.cniVersion, "0.4.0")) continue;
      for (const plugin of pluginsFor(entry)) {
        await this.#call(context, "CHECK", entry, plugin, entry.result, this.#options.addTimeoutMs);
      }
    }
  }

  /** Pods that CNI still knows: recovery detaches those that have no record any more. */
  async attachedPods(): Promise<readonly string[]> {
    return await this.#cache.pods();
  }

  /**
   * What the pod is attached to. Where a kept file makes no sense any more, DEL by today's configuration and
   * without a result is what can still be done for its address.
   */
  async #attachmentsOf(
    pod: Pick<NetworkPod, "id" | "netnsPath">,
  ): Promise<readonly CachedAttachment[]> {
    const { attachments, unreadable } = await this.#cache.of(pod.id);
    if (unreadable.length === 0) return attachments;
    const { config } = await findNetworkConfig(this.#world.kernel.files, this.#options);
    if (config === undefined) return attachments;
    const guessed: CachedAttachment = {
      kind: "vitrineCniCacheV1",
      containerId: pod.id,
      ifName: podInterface,
      netns: pod.netnsPath,
      config,
      args: "IgnoreUnknown=1",
      capabilityArgs: {},
      files: unreadable,
    };
    return [...attachments, guessed];
  }

  async #add(
    context: Context,
    pod: NetworkPod,
    config: NetworkConfig,
    ifName: string,
  ): Promise<Attachment> {
    const entry: CachedAttachment = {
      kind: "vitrineCniCacheV1",
      containerId: pod.id,
      ifName,
      netns: pod.netnsPath,
      config,
      args: cniArgsOf(pod),
      capabilityArgs: capabilityArgsOf(pod),
    };
    // One that is not there is said before the others have done anything.
    const binDirs = pluginDirectories(this.#options);
    for (const { type } of pluginsFor(entry)) await findPlugin(this.#world.kernel, type, binDirs);
    await this.#cache.put(context, entry);
    const reached: PluginConfig[] = [];
    try {
      const result = await this.#addChain(context, entry, reached);
      const ips = addressesOf(result, this.#options.ipPreference);
      if (ips.length === 0 && ifName === podInterface) {
        throw new RuntimeError("UNAVAILABLE", `network ${config.name} gave the pod no address`);
      }
      await this.#cache.put(context, { ...entry, result });
      return { ips, result };
    } catch (error) {
      // The failure of ADD is what the caller must hear; DEL is tried again when the pod is removed.
      const plugins = error instanceof PluginNotStarted ? reached.slice(0, -1) : config.plugins;
      await this.#undoAdd(withoutDeadline(context), entry, plugins).catch((second) =>
        context.span?.event("cni.undo.failed", { "error.message": messageOf(second) }),
      );
      throw error;
    }
  }

  /** DEL by those plugins that may have done something; the others are not kept for a later DEL either. */
  async #undoAdd(
    context: Context,
    entry: CachedAttachment,
    plugins: readonly PluginConfig[],
  ): Promise<void> {
    const begun = { ...entry, config: { ...entry.config, plugins } };
    if (plugins.length < entry.config.plugins.length) await this.#cache.put(context, begun);
    await this.#delete(context, begun);
  }

  /** ADD of one plugin after another, each with the result of the one before; `reached` gets each before it runs. */
  async #addChain(
    context: Context,
    entry: CachedAttachment,
    reached: PluginConfig[],
  ): Promise<CniResult> {
    let result: CniResult | undefined;
    for (const plugin of pluginsFor(entry)) {
      reached.push(plugin);
      const { addTimeoutMs } = this.#options;
      result = await this.#call(context, "ADD", entry, plugin, result, addTimeoutMs);
    }
    return result ?? {};
  }

  async #delete(context: Context, entry: CachedAttachment): Promise<void> {
    const { kernel } = this.#world;
    const netns = (await isBound(kernel.files, entry.netns)) ? entry.netns : "";
    const failures: unknown[] = [];
    for (const plugin of [...pluginsFor(entry)].reverse()) {
      try {
        const { delTimeoutMs } = this.#options;
        await this.#call(context, "DEL", { ...entry, netns }, plugin, entry.result, delTimeoutMs);
      } catch (error) {
        if (!isAlreadyGone(error)) failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    await this.#cache.remove(context, entry);
  }

  async #call(
    context: Context,
    command: CniCommand,
    entry: CachedAttachment,
    plugin: PluginConfig,
    prevResult: CniResult | undefined,
    timeoutMs: number,
  ): Promise<CniResult | undefined> {
    return await callPlugin(this.#world.kernel, context, {
      command,
      type: plugin.type,
      network: entry.config.name,
      containerId: entry.containerId,
      netns: entry.netns,
      ifName: entry.ifName,
      args: entry.args,
      binDirs: pluginDirectories(this.#options),
      timeoutMs,
      config: executionConfig(entry, plugin, command, prevResult),
    });
  }
}

/**
 * Host ports need a plugin with that capability. Our own network says so instead of starting a pod that nobody
 * can reach; networks of others may have ways of their own, there it is only noted.
 */
function checkHostPorts(pod: NetworkPod, config: NetworkConfig, source: string, span: Span): void {
  const wanted = pod.portMappings.filter(({ hostPort }) => hostPort > 0);
  const isMapped = config.plugins.some(
    ({ capabilities }) => capabilities?.["portMappings"] === true,
  );
  if (wanted.length === 0 || isMapped) return;
  const ports = wanted.map(({ hostPort }) => hostPort).join(", ");
  const message = `no plugin of network ${config.name} maps host ports (the pod asks for ${ports})`;
  if (source === builtinSource) {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      `${message}; install portmap (Debian: containernetworking-plugins)`,
    );
  }
  span.event("cni.host_ports.unmapped", { "error.message": message });
}

/** Plugins disagree on whether there being nothing to delete is an error; the runtime does not care. */
function isAlreadyGone(error: unknown): boolean {
  if (error instanceof PluginNotStarted) return false;
  return /not found|no such|does not exist/i.test(messageOf(error));
}
