/** Results of CNI plugins: read from prevResult in any version, written in the version that is asked for. */
import { CniError, cniCode, isAtLeast, isObject, type JsonObject } from "./cni-call.ts";

export interface CniInterface {
  readonly name: string;
  readonly mac?: string;
  readonly sandbox?: string;
}

export interface CniIp {
  readonly interface?: number;
  readonly address: string;
  readonly gateway?: string;
}

export interface CniRoute {
  readonly dst: string;
  readonly gw?: string;
}

export interface CniResult {
  readonly interfaces?: readonly CniInterface[];
  readonly ips: readonly CniIp[];
  readonly routes?: readonly CniRoute[];
  readonly dns?: JsonObject;
}

function listOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [];
}

/** Any version as the newest one. */
export function readResult(value: JsonObject): CniResult {
  const old = [value["ip4"], value["ip6"]].filter(isObject);
  if (old.length > 0) {
    return {
      ips: old.map((one) => ({
        address: String(one["ip"]),
        ...(typeof one["gateway"] === "string" ? { gateway: one["gateway"] } : {}),
      })),
      routes: old.flatMap((one) => listOf<CniRoute>(one["routes"])),
      ...(isObject(value["dns"]) ? { dns: value["dns"] } : {}),
    };
  }
  return {
    interfaces: listOf<CniInterface>(value["interfaces"]),
    ips: listOf<CniIp>(value["ips"]),
    routes: listOf<CniRoute>(value["routes"]),
    ...(isObject(value["dns"]) ? { dns: value["dns"] } : {}),
  };
}

/** prevResult of a configuration; undefined without one. */
export function prevResultOf(config: JsonObject): CniResult | undefined {
  const value = config["prevResult"];
  return isObject(value) ? readResult(value) : undefined;
}

export function needPrevResult(config: JsonObject): CniResult {
  const result = prevResultOf(config);
  if (result !== undefined) return result;
  throw new CniError(cniCode.internal, "Required prevResult missing");
}

/** Versions 0.1.0 and 0.2.0 have one address of each family, and no interfaces. */
function writeOld({ ips, routes = [], dns = {} }: CniResult, version: string): JsonObject {
  const entry = (isIpv6: boolean) => {
    const ip = ips.find(({ address }) => address.includes(":") === isIpv6);
    if (ip === undefined) return undefined;
    const own = routes.filter(({ dst }) => dst.includes(":") === isIpv6);
    return {
      ip: ip.address,
      ...(ip.gateway === undefined ? {} : { gateway: ip.gateway }),
      ...(own.length === 0 ? {} : { routes: own }),
    };
  };
  const [ip4, ip6] = [entry(false), entry(true)];
  return {
    cniVersion: version,
    ...(ip4 === undefined ? {} : { ip4 }),
    ...(ip6 === undefined ? {} : { ip6 }),
    dns,
  };
}

/** The result in a version of the specification. */
export function writeResult(result: CniResult, version: string): JsonObject {
  if (!isAtLeast(version, "0.3.0")) return writeOld(result, version);
  const { interfaces = [], ips, routes = [], dns = {} } = result;
  const withVersion = !isAtLeast(version, "1.0.0");
  const written = ips.map((ip) => ({
    ...(withVersion ? { version: ip.address.includes(":") ? "6" : "4" } : {}),
    ...(ip.interface === undefined ? {} : { interface: ip.interface }),
    address: ip.address,
    ...(ip.gateway === undefined ? {} : { gateway: ip.gateway }),
  }));
  return {
    cniVersion: version,
    ...(interfaces.length === 0 ? {} : { interfaces }),
    ...(written.length === 0 ? {} : { ips: written }),
    ...(routes.length === 0 ? {} : { routes }),
    dns,
  };
}
