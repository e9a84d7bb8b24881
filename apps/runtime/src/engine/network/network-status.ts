/** Whether pods can be attached, and if not, why: kubelet shows it as the node's condition. */
import { messageOf } from "../../kernel/errors.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Context } from "../../trace/tracer.ts";
import { findNetworkConfig, type NetworkConfig } from "./cni-config.ts";
import { callPlugin, findPlugin } from "./cni-plugin.ts";
import { isAtLeast } from "./cni-version.ts";
import { type NetworkOptions, pluginDirectories } from "./network-options.ts";
import type { NetworkStatus } from "./pod-network.ts";

/** A plugin that takes longer to say whether it is ready is not. */
const statusTimeoutMs = 5000;

function notReady(message: string): NetworkStatus {
  return { status: false, reason: "NetworkPluginNotReady", message };
}

/** STATUS of every plugin (CNI specification 1.1); rejects with the first refusal. */
async function askPlugins(
  kernel: Kernel,
  context: Context,
  config: NetworkConfig,
  binDirs: readonly string[],
): Promise<void> {
  for (const { capabilities: _ofTheRuntime, onlyWithPorts: _ours, ...own } of config.plugins) {
    await callPlugin(kernel, context, {
      command: "STATUS",
      type: own.type,
      network: config.name,
      binDirs,
      timeoutMs: statusTimeoutMs,
      config: { ...own, name: config.name, cniVersion: config.cniVersion },
    });
  }
}

/** Without a context only files are looked at. */
export async function networkStatus(
  kernel: Kernel,
  options: NetworkOptions,
  context: Context | undefined,
): Promise<NetworkStatus> {
  const { config, explanation } = await findNetworkConfig(kernel.files, options);
  if (config === undefined) return notReady(explanation);
  const binDirs = pluginDirectories(options);
  try {
    for (const { type } of config.plugins) await findPlugin(kernel, type, binDirs);
    if (context !== undefined && isAtLeast(config.cniVersion, "1.1.0")) {
      await askPlugins(kernel, context, config, binDirs);
    }
  } catch (error) {
    return notReady(`network ${config.name}: ${messageOf(error)}`);
  }
  return { status: true, reason: "", message: "" };
}
