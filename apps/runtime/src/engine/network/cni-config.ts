/**
 * CNI network configurations as they lie in the configuration directory (CNI specification 1.1,
 * section 1): .conflist files, and single-plugin .conf and .json files, the first in lexicographic order wins.
 */
import { messageOf } from "../../kernel/errors.ts";
import type { HostFiles } from "../../kernel/kernel.ts";
import { chooseVersion } from "./cni-version.ts";
import type { NetworkOptions } from "./network-options.ts";

/** One plugin of a list: `type` names the program, the rest is the plugin's own. */
export interface PluginConfig {
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [key: string]: unknown;
}

export interface NetworkConfig {
  readonly name: string;
  readonly cniVersion: string;
  readonly disableCheck: boolean;
  readonly plugins: readonly PluginConfig[];
}

export interface FoundConfig {
  readonly config: NetworkConfig | undefined;
  /** Where it came from: a file name, or `builtinSource`. */
  readonly source: string;
  /** Files that were passed over, and why. */
  readonly problems: readonly string[];
  /** A sentence on why there is no configuration; empty when there is one. */
  readonly explanation: string;
}

export const builtinSource = "built-in";

const configBytesMax = 1 << 20;
const networkName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const pluginType = /^[^/\\\0]+$/;

/** JSON.parse that drops `__proto__`, so that no later merge can reach a prototype. */
export function parseJson(text: string): unknown {
  // Nearly no text has the name in it, plain or with escapes, and a reviver costs more than the parsing.
  if (!text.includes("__proto__") && !text.includes("\\u")) return JSON.parse(text);
  return JSON.parse(text, (key, value) => (key === "__proto__" ? undefined : value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkPlugin(value: unknown, index: number): PluginConfig {
  if (!isObject(value) || typeof value["type"] !== "string") {
    throw new Error(`plugin ${index} has no type`);
  }
  const { type } = value;
  // A type with a separator would run a program outside of the plugin directories (CVE-2021-20206).
  if (!pluginType.test(type) || type === "." || type === "..") {
    throw new Error(`plugin type ${JSON.stringify(type)} must be a plain file name`);
  }
  return value as PluginConfig;
}

/** Reads a conflist, or a single plugin's configuration, from its text. Throws an Error that says what is wrong. */
export function parseNetworkConfig(text: string): NetworkConfig {
  const value = parseJson(text);
  if (!isObject(value)) throw new Error("not a JSON object");
  const cniVersion = chooseVersion(value["cniVersion"], value["cniVersions"]);
  const { name, plugins } = value;
  if (typeof name !== "string" || !networkName.test(name)) {
    throw new Error(`network name ${JSON.stringify(name)} must match ${networkName.source}`);
  }
  const list = plugins === undefined ? [value] : plugins;
  if (!Array.isArray(list) || list.length === 0) throw new Error("plugins is empty");
  return {
    name,
    cniVersion,
    disableCheck: value["disableCheck"] === true || value["disableCheck"] === "true",
    plugins: list.map(checkPlugin),
  };
}

/** The network of the project's own plugin, with Debian's portmap behind it where that is installed. */
async function builtinConfig(
  files: HostFiles,
  options: NetworkOptions,
): Promise<NetworkConfig | undefined> {
  const { builtin } = options;
  if (builtin === undefined) return undefined;
  const plugins: PluginConfig[] = [
    {
      type: "vitrine-bridge",
      bridge: builtin.bridge,
      subnet: builtin.subnet,
      dataDir: builtin.dataDir,
      ipMasq: true,
    },
  ];
  for (const directory of options.binDirs) {
    if ((await files.stat(`${directory}/portmap`, true)) === undefined) continue;
    plugins.push({ type: "portmap", capabilities: { portMappings: true }, onlyWithPorts: true });
    break;
  }
  return { name: "vitrine", cniVersion: "1.0.0", disableCheck: false, plugins };
}

/** The network that pods are attached to now. Read anew each time, so a changed directory counts at once. */
export async function findNetworkConfig(
  files: HostFiles,
  options: NetworkOptions,
): Promise<FoundConfig> {
  const names = (await files.list(options.confDir)) ?? [];
  const candidates = names.filter((name) => /\.(conf|conflist|json)$/.test(name));
  const problems: string[] = [];
  for (const name of candidates) {
    try {
      const bytes = await files.read(`${options.confDir}/${name}`, configBytesMax);
      if (bytes === undefined) continue;
      return {
        config: parseNetworkConfig(new TextDecoder().decode(bytes)),
        source: name,
        problems,
        explanation: "",
      };
    } catch (error) {
      problems.push(`${name}: ${messageOf(error)}`);
    }
  }
  // Broken files are somebody's wish for another network than ours.
  const config = candidates.length > 0 ? undefined : await builtinConfig(files, options);
  const why = problems.length === 0 ? "there is none" : problems.join("; ");
  const explanation =
    config === undefined ? `no usable network configuration in ${options.confDir}: ${why}` : "";
  return { config, source: config === undefined ? "" : builtinSource, problems, explanation };
}
