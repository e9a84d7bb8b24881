/** What a plugin gets on stdin: its configuration for one call (CNI specification 1.1, section 3). */
import type { PluginConfig } from "./cni-config.ts";
import type { CniCommand } from "./cni-plugin.ts";
import type { CniResult } from "./cni-result.ts";
import { isAtLeast } from "./cni-version.ts";
import type { CachedAttachment } from "./result-cache.ts";

/** Plugins that have work for this pod: our own chain runs portmap only where there are ports. */
export function pluginsFor(entry: CachedAttachment): readonly PluginConfig[] {
  const hasPorts = "portMappings" in entry.capabilityArgs;
  return entry.config.plugins.filter((plugin) => plugin["onlyWithPorts"] !== true || hasPorts);
}

/** The capability arguments that `plugin` declares; others it must not see. */
function runtimeConfigOf(entry: CachedAttachment, plugin: PluginConfig): object {
  const { capabilities } = plugin;
  return Object.fromEntries(
    Object.entries(entry.capabilityArgs).filter(([name]) => capabilities?.[name] === true),
  );
}

export function executionConfig(
  entry: CachedAttachment,
  plugin: PluginConfig,
  command: CniCommand,
  prevResult: CniResult | undefined,
): object {
  const { capabilities: _ofTheRuntime, onlyWithPorts: _ours, ...own } = plugin;
  const runtimeConfig = runtimeConfigOf(entry, plugin);
  // DEL came to see the result with version 0.4.0.
  const mayHaveResult = command !== "DEL" || isAtLeast(entry.config.cniVersion, "0.4.0");
  return {
    ...own,
    name: entry.config.name,
    cniVersion: entry.config.cniVersion,
    ...(Object.keys(runtimeConfig).length === 0 ? {} : { runtimeConfig }),
    ...(prevResult !== undefined && mayHaveResult ? { prevResult } : {}),
  };
}
