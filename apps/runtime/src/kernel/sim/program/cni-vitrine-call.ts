/** Configuration and parameters of vitrine-bridge, checked as native/cni/call.c does. */
import { formatIp, networkBits, parsePrefix } from "../net/ip.ts";
import type { Process } from "../process/process.ts";
import { CniError, cniCode, environmentOf, isObject, type JsonObject } from "./cni-call.ts";

export interface VitrineCall {
  readonly self: Process;
  readonly containerId: string;
  readonly ifName: string;
  readonly netns: string;
  /** "container/ifname": whose lease it is. */
  readonly owner: string;
  readonly config: JsonObject;
  readonly version: string;
  readonly network: string;
  readonly bridge: string;
  readonly dataDir: string;
  /** "10.88.0.0/16" as numbers. */
  readonly subnet: number;
  readonly prefix: number;
  readonly gateway: number;
  readonly mtu: number;
  readonly ipMasq: boolean;
  readonly hairpin: boolean;
}

export const vitrineVersions: readonly string[] = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
const supported = JSON.stringify(vitrineVersions);
const prefixMin = 8;
const prefixMax = 30;
const mtuMax = 65_535;
const interfaceMax = 15;
/** Fields of other plugins that would silently do nothing here. */
const foreign = ["ipam", "vlan", "vlanTrunk", "macspoofchk", "isGateway"];

function fail(code: number, message: string): never {
  throw new CniError(code, message);
}

function isName(text: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(text);
}

function isInterface(text: string): boolean {
  const isShort = text.length > 0 && text.length <= interfaceMax;
  return isShort && text !== "." && text !== ".." && !/[/:\s]|\p{Cc}/u.test(text);
}

/** undefined when the two name no attachment. */
export function ownerOf(containerId: string, ifName: string): string | undefined {
  if (!isName(containerId) || containerId.length > 255 || !isInterface(ifName)) return undefined;
  return `${containerId}/${ifName}`;
}

function textOf(config: JsonObject, name: string, sizeMax: number, fallback: string): string {
  const value = config[name];
  if (value === undefined) return fallback;
  if (typeof value === "string" && value.length < sizeMax) return value;
  return fail(cniCode.invalidConfig, `"${name}" must be a string of less than ${sizeMax} bytes`);
}

function flagOf(config: JsonObject, name: string): boolean {
  const value = config[name] ?? true;
  if (typeof value === "boolean") return value;
  return fail(cniCode.invalidConfig, `"${name}" must be true or false`);
}

export function parseVitrineConfig(input: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(input);
  } catch (error) {
    const why = error instanceof Error ? error.message : "broken";
    fail(cniCode.decodingFailure, `configuration on stdin is not JSON as it must be: ${why}`);
  }
  if (isObject(value)) return value;
  return fail(cniCode.decodingFailure, "configuration on stdin is not a JSON object");
}

export function readVersion(config: JsonObject): string {
  const version = config["cniVersion"];
  const { incompatibleVersion } = cniCode;
  if (version === undefined) {
    fail(incompatibleVersion, `configuration has no cniVersion; supported are ${supported}`);
  }
  if (typeof version === "string" && vitrineVersions.includes(version)) return version;
  const quoted = JSON.stringify(version);
  return fail(
    incompatibleVersion,
    `cniVersion ${quoted} is not supported; supported are ${supported}`,
  );
}

function readSubnet(config: JsonObject): { readonly subnet: number; readonly prefix: number } {
  const text = textOf(config, "subnet", 64, "10.88.0.0/16");
  const parsed = text.includes("/") ? parsePrefix(text) : undefined;
  const bits = parsed?.bits;
  const length = parsed?.length ?? 0;
  if (typeof bits !== "number" || length < prefixMin || length > prefixMax) {
    const range = `prefix ${prefixMin} to ${prefixMax}`;
    fail(cniCode.invalidConfig, `"subnet" must be an IPv4 network such as 10.88.0.0/16, ${range}`);
  }
  return { subnet: networkBits(bits, length) as number, prefix: length };
}

function readMtu(config: JsonObject): number {
  const mtu = config["mtu"] ?? 0;
  if (typeof mtu === "number" && Number.isInteger(mtu) && mtu >= 0 && mtu <= mtuMax) return mtu;
  return fail(cniCode.invalidConfig, `"mtu" must be a whole number up to ${mtuMax}`);
}

interface Attachment {
  readonly containerId: string;
  readonly ifName: string;
  readonly netns: string;
  readonly owner: string;
}

/** Reads CNI_CONTAINERID, CNI_IFNAME and CNI_NETNS; the namespace may be missing for DEL only. */
function readAttachment(self: Process, command: string): Attachment {
  if (command === "STATUS" || command === "GC") {
    return { containerId: "", ifName: "", netns: "", owner: "" };
  }
  const containerId = environmentOf(self, "CNI_CONTAINERID");
  const ifName = environmentOf(self, "CNI_IFNAME");
  const netns = environmentOf(self, "CNI_NETNS");
  const owner = ownerOf(containerId, ifName);
  if (owner === undefined) {
    const what = `CNI_CONTAINERID "${containerId.slice(0, 64)}" or CNI_IFNAME "${ifName.slice(0, 32)}"`;
    fail(cniCode.invalidEnvironment, `${what} is missing or invalid`);
  }
  if (command !== "DEL" && !netns.startsWith("/")) {
    fail(cniCode.invalidEnvironment, `CNI_NETNS "${netns.slice(0, 64)}" is not an absolute path`);
  }
  return { containerId, ifName, netns, owner };
}

export function readVitrineCall(
  self: Process,
  command: string,
  config: JsonObject,
  version: string,
): VitrineCall {
  const network = textOf(config, "name", 128, "");
  if (!isName(network)) {
    fail(cniCode.invalidConfig, '"name" must be letters, digits, dot, underscore and hyphen');
  }
  for (const name of foreign) {
    if (config[name] === undefined) continue;
    const why = 'it has its own address pool ("subnet") and is always gateway';
    fail(cniCode.unsupportedField, `"${name}" is not a field of this plugin: ${why}`);
  }
  const bridge = textOf(config, "bridge", 16, "vitrine0");
  if (!isInterface(bridge)) {
    fail(cniCode.invalidConfig, `"bridge" is no interface name: ${bridge}`);
  }
  const dataDir = textOf(config, "dataDir", 4096, "/var/lib/vitrine/cni/networks");
  if (!dataDir.startsWith("/")) fail(cniCode.invalidConfig, '"dataDir" must be an absolute path');
  const { subnet, prefix } = readSubnet(config);
  return {
    self,
    ...readAttachment(self, command),
    config,
    version,
    network,
    bridge,
    dataDir,
    subnet,
    prefix,
    gateway: subnet + 1,
    mtu: readMtu(config),
    ipMasq: flagOf(config, "ipMasq"),
    hairpin: flagOf(config, "hairpinMode"),
  };
}

/** "10.88.0.1/16". */
export function cidrOf(call: VitrineCall, address: number): string {
  return `${formatIp(address)}/${call.prefix}`;
}
