/**
 * The network of pods: a namespace each, attached by CNI. Plugins are executed as programs, chained, with
 * their result kept for DEL. "DEL must be executed even if ADD fails" (CNI specification, section 2).
 */
import { messageOf, RuntimeError } from "../../kernel/errors.ts";
import { PlanBuilder } from "../../kernel/plan.ts";
import type { World } from "../../kernel/world.ts";
import { type Context, step, withoutDeadline } from "../../trace/tracer.ts";
import { findNetworkConfig, type NetworkConfig, type PluginConfig } from "./cni-config.ts";
import { type CniCommand, callPlugin } from "./cni-plugin.ts";
import type { NetworkOptions } from "./network-options.ts";
import {
  type Attachment,
  addressesOf,
  type CniResult,
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

  /** Whether pods can be attached; the reason is kubelet's NetworkPluginNotReady. */
  async status(): Promise<NetworkStatus> {
    const { config, problems } = await findNetworkConfig(this.#world.kernel.files, this.#options);
    if (config === undefined) {
      const why = problems.length === 0 ? "there is none" : problems.join("; ");
      return notReady(`no usable network configuration in ${this.#options.confDir}: ${why}`);
    }
    for (const plugin of config.plugins) {
      if (!(await this.#hasPlugin(plugin.type))) {
        const directories = this.#binDirs().join(", ");
        return notReady(
          `plugin ${plugin.type} of network ${config.name} is in none of ${directories}`,
        );
      }
    }
    return { status: true, reason: "", message: "" };
  }

  /** Makes a network namespace with lo up, bound at `path`. */
  async makeNamespace(context: Context, path: string): Promise<void> {
    await step(
      context,
      "network.namespace",
      { "vitrine.netns.path": path },
      async (stepContext) => {
        const directory = path.slice(0, path.lastIndexOf("/"));
        const plan = new PlanBuilder("make network namespace")
          .add("oci", { op: "mkdir", path: directory, mode: 0o755, parents: true })
          .add("oci", { op: "mknod", path, type: "file", mode: 0o444 }, ["EEXIST"])
          .add("oci", { op: "unshare", namespaces: ["net"] });
        if (this.#options.internalLoopback) plan.add("oci", { op: "linkUp", name: "lo" });
        plan
          .add("oci", {
            op: "openTree",
            path: "/proc/thread-self/ns/net",
            clone: true,
            recursive: false,
            as: "namespace",
          })
          .add("oci", { op: "moveMount", fd: "namespace", path });
        await this.#world.kernel.runApart(stepContext, plan.build());
      },
    );
  }

  /** Removes the binding at `path`; the namespace ends with its last process. Nothing there is fine. */
  async removeNamespace(context: Context, path: string): Promise<void> {
    const attributes = { "vitrine.netns.path": path };
    await step(context, "network.namespace.remove", attributes, async (stepContext) => {
      const plan = new PlanBuilder("remove network namespace")
        .add("host", { op: "umount", path, detach: true }, ["ENOENT", "EINVAL"])
        .add("host", { op: "unlink", path }, ["ENOENT"]);
      await this.#world.kernel.run(stepContext, plan.build());
    });
  }

  /**
   * Attaches the pod: ADD of every plugin of the chain. A failure has already been followed by DEL.
   * @throws RuntimeError UNAVAILABLE when no network is configured or a plugin fails.
   */
  async attach(context: Context, pod: NetworkPod): Promise<Attachment> {
    const found = await findNetworkConfig(this.#world.kernel.files, this.#options);
    const { config } = found;
    if (config === undefined) {
      const problems = found.problems.join("; ") || "there is none";
      throw new RuntimeError(
        "UNAVAILABLE",
        `no usable network configuration in ${this.#options.confDir}: ${problems}`,
      );
    }
    const attributes = { "vitrine.cni.network": config.name, "vitrine.cni.source": found.source };
    return await step(context, "network.attach", attributes, async (stepContext, span) => {
      if (!this.#options.internalLoopback) await this.#add(stepContext, pod, loopback, "lo");
      const result = await this.#add(stepContext, pod, config, podInterface);
      const ips = addressesOf(result, this.#options.ipPreference);
      span.set({ "k8s.pod.ip": ips[0] });
      return { ips, result };
    });
  }

  /** Detaches the pod from every network it was, or was about to be, attached to. Nothing to do is fine. */
  async detach(context: Context, pod: Pick<NetworkPod, "id" | "netnsPath">): Promise<void> {
    const cached = await this.#cache.of(pod.id);
    if (cached.length === 0) return;
    await step(context, "network.detach", {}, async (stepContext) => {
      for (const entry of cached) await this.#delete(withoutDeadline(stepContext), entry);
    });
  }

  /** CHECK of every plugin with the kept result. */
  async check(context: Context, pod: NetworkPod): Promise<void> {
    for (const entry of await this.#cache.of(pod.id)) {
      if (entry.config.disableCheck || atMost(entry.config.cniVersion, "0.3.1")) continue;
      for (const plugin of entry.config.plugins) {
        await this.#call(context, "CHECK", entry, plugin, entry.result, this.#options.addTimeoutMs);
      }
    }
  }

  /** Pods that CNI still knows: recovery detaches those that have no record any more. */
  async attachedPods(): Promise<readonly string[]> {
    return await this.#cache.pods();
  }

  async #add(
    context: Context,
    pod: NetworkPod,
    config: NetworkConfig,
    ifName: string,
  ): Promise<CniResult> {
    const entry: CachedAttachment = {
      kind: "vitrineCniCacheV1",
      containerId: pod.id,
      ifName,
      netns: pod.netnsPath,
      config,
      args: cniArgsOf(pod),
      capabilityArgs: capabilityArgsOf(pod),
    };
    await this.#cache.put(context, entry);
    try {
      let result: CniResult | undefined;
      for (const plugin of pluginsFor(entry)) {
        result = await this.#call(
          context,
          "ADD",
          entry,
          plugin,
          result,
          this.#options.addTimeoutMs,
        );
      }
      const answer = result ?? {};
      await this.#cache.put(context, { ...entry, result: answer });
      return answer;
    } catch (error) {
      // The failure of ADD is what the caller must hear; DEL is tried again when the pod is removed.
      await this.#delete(withoutDeadline(context), entry).catch((second) =>
        context.span?.event("cni.undo.failed", { "error.message": messageOf(second) }),
      );
      throw error;
    }
  }

  async #delete(context: Context, entry: CachedAttachment): Promise<void> {
    const { kernel } = this.#world;
    const netns = (await isMounted(kernel.files, entry.netns)) ? entry.netns : "";
    const failures: unknown[] = [];
    for (const plugin of [...pluginsFor(entry)].reverse()) {
      try {
        const { delTimeoutMs } = this.#options;
        await this.#call(context, "DEL", { ...entry, netns }, plugin, entry.result, delTimeoutMs);
      } catch (error) {
        if (!/not found|no such|does not exist/i.test(messageOf(error))) failures.push(error);
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
      binDirs: this.#binDirs(),
      timeoutMs,
      config: executionConfig(entry, plugin, command, prevResult),
    });
  }

  #binDirs(): readonly string[] {
    const { binDirs, builtin } = this.#options;
    return builtin === undefined ? binDirs : [...binDirs, builtin.binDir];
  }

  async #hasPlugin(type: string): Promise<boolean> {
    for (const directory of this.#binDirs()) {
      const stat = await this.#world.kernel.files.stat(`${directory}/${type}`, true);
      if (stat !== undefined) return true;
    }
    return false;
  }
}

function notReady(message: string): NetworkStatus {
  return { status: false, reason: "NetworkPluginNotReady", message };
}

/** Plugins that have work for this pod: our own chain runs portmap only where there are ports. */
function pluginsFor(entry: CachedAttachment): readonly PluginConfig[] {
  const hasPorts = "portMappings" in entry.capabilityArgs;
  return entry.config.plugins.filter((plugin) => plugin["onlyWithPorts"] !== true || hasPorts);
}

/** The configuration one plugin is given (CNI specification 1.1, section 3). */
function executionConfig(
  entry: CachedAttachment,
  plugin: PluginConfig,
  command: CniCommand,
  prevResult: CniResult | undefined,
): object {
  const { capabilities, onlyWithPorts: _ours, ...own } = plugin;
  const runtimeConfig = Object.fromEntries(
    Object.entries(entry.capabilityArgs).filter(([name]) => capabilities?.[name] === true),
  );
  const withResult =
    prevResult !== undefined && (command !== "DEL" || !atMost(entry.config.cniVersion, "0.3.1"));
  return {
    ...own,
    name: entry.config.name,
    cniVersion: entry.config.cniVersion,
    ...(Object.keys(runtimeConfig).length === 0 ? {} : { runtimeConfig }),
    ...(withResult ? { prevResult } : {}),
  };
}

/** Compares dotted versions of three numbers. */
function atMost(version: string, limit: string): boolean {
  const [a, b] = [version, limit].map((text) =>
    text.split(".").reduce((sum, part) => sum * 1000 + Number(part), 0),
  );
  return (a ?? 0) <= (b ?? 0);
}

/** A network namespace is there when something is: its bind mount hides an ordinary file otherwise. */
async function isMounted(files: World["kernel"]["files"], path: string): Promise<boolean> {
  if (path === "") return false;
  const mounts = await files.read("/proc/self/mountinfo", 64 << 20);
  return mounts !== undefined && new TextDecoder().decode(mounts).includes(` ${path} `);
}
