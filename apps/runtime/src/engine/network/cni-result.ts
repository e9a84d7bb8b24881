/** The result of ADD (CNI specification 1.1, section 5), checked as far as the runtime reads it. */
import { isIpWithPrefix } from "../ip-address.ts";

export interface CniInterface {
  readonly name?: string;
  readonly mac?: string;
  readonly sandbox?: string;
}

export interface CniAddress {
  /** With prefix length. */
  readonly address: string;
  /** Index into `interfaces`. */
  readonly interface?: number;
}

/** Kept and handed on whole; only these fields are ever looked at. */
export interface CniResult {
  readonly cniVersion?: string;
  readonly interfaces?: readonly CniInterface[];
  readonly ips?: readonly CniAddress[];
  readonly [key: string]: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOptional(value: unknown, type: "string" | "number"): boolean {
  return value === undefined || typeof value === type;
}

function isInterface(value: unknown): boolean {
  return (
    isObject(value) && isOptional(value["name"], "string") && isOptional(value["sandbox"], "string")
  );
}

function isAddress(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value["address"] === "string" &&
    isOptional(value["interface"], "number")
  );
}

/** null is what Go prints for an empty list. */
function isListOf(value: unknown, is: (item: unknown) => boolean): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.every(is));
}

/** The result that `value` is; a sentence on what is wrong with it when it is none. */
export function checkResult(value: unknown): CniResult | string {
  if (!isObject(value)) return "JSON that is no result object";
  if (!isListOf(value["interfaces"], isInterface)) return 'a result whose "interfaces" are none';
  if (!isListOf(value["ips"], isAddress)) return 'a result whose "ips" are no addresses';
  const result = value as CniResult;
  for (const { address } of [...(result.ips ?? []), ...oldAddresses(result)]) {
    if (isIpWithPrefix(address)) continue;
    return `a result with the address ${JSON.stringify(address.slice(0, 80))}, which is none`;
  }
  return result;
}

/** Versions 0.1.0 and 0.2.0 have one address of each family, in fields of their own. */
function oldAddresses(result: CniResult): readonly CniAddress[] {
  return [result["ip4"], result["ip6"]].flatMap((entry) =>
    isObject(entry) && typeof entry["ip"] === "string" ? [{ address: entry["ip"] }] : [],
  );
}

/** Addresses of the pod's own interface without prefix length, in the preferred order. */
export function addressesOf(
  result: CniResult,
  preference: "ipv4" | "ipv6" | "cni",
): readonly string[] {
  const addresses = [...(result.ips ?? []), ...oldAddresses(result)]
    .filter((ip) => {
      if (ip.interface === undefined) return true;
      const sandbox = result.interfaces?.[ip.interface]?.sandbox;
      return sandbox !== undefined && sandbox !== "";
    })
    .map((ip) => ip.address.split("/")[0] ?? "")
    .filter((address) => address !== "");
  if (preference === "cni") return addresses;
  const isPreferred = (address: string) => address.includes(":") === (preference === "ipv6");
  return [...addresses.filter(isPreferred), ...addresses.filter((a) => !isPreferred(a))];
}
