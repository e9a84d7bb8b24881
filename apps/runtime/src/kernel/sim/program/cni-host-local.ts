/**
 * The CNI plugin "host-local": addresses of a range, one file a lease:
 *   <dataDir>/<network>/<ip>              "<container id>\r\n<interface>"
 *   <dataDir>/<network>/last_reserved_ip.<n>
 */
import { AT_FDCWD, O_CREAT, O_EXCL, O_RDWR, O_TRUNC, O_WRONLY } from "../abi.ts";
import { formatIp, parseIp } from "../net/ip.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { close, mkdirat, openat2, unlinkat, writeNow } from "../syscall/file.ts";
import {
  type CniCall,
  CniError,
  cniCode,
  cniPlugin,
  isObject,
  type JsonObject,
} from "./cni-call.ts";
import { candidates, describeRanges, rangesOf } from "./cni-range.ts";
import { type CniIp, type CniRoute, writeResult } from "./cni-result.ts";
import { listNames } from "./directory-names.ts";
import { bytesOf, tryFileText } from "./file-text.ts";

const defaultDataDir = "/var/lib/cni/networks";

function ipamOf({ config }: CniCall): JsonObject {
  const ipam = config["ipam"];
  if (isObject(ipam)) return ipam;
  throw new CniError(cniCode.internal, "IPAM config missing 'ipam' key");
}

/** Where the leases of the network are; made when missing. */
function storeOf(call: CniCall): string {
  const { self, name } = call;
  const given = ipamOf(call)["dataDir"];
  const root = typeof given === "string" && given !== "" ? given : defaultDataDir;
  const path = `${root}/${name}`;
  for (let slash = path.indexOf("/", 1); ; slash = path.indexOf("/", slash + 1)) {
    try {
      mkdirat(self, AT_FDCWD, slash < 0 ? path : path.slice(0, slash), 0o755);
    } catch (thrown) {
      if (!isRefusal(thrown, "EEXIST")) throw thrown;
    }
    if (slash < 0) break;
  }
  close(self, openat2(self, AT_FDCWD, `${path}/lock`, { flags: O_CREAT | O_RDWR, mode: 0o600 }));
  return path;
}

function put(self: Process, path: string, text: string, flags: number): void {
  const fd = openat2(self, AT_FDCWD, path, { flags: O_WRONLY | O_CREAT | flags, mode: 0o644 });
  try {
    writeNow(self, fd, bytesOf(text));
  } catch (thrown) {
    unlinkat(self, AT_FDCWD, path);
    throw thrown;
  } finally {
    close(self, fd);
  }
}

/** Leases by address. */
function* leases(self: Process, store: string): Generator<[ip: string, owner: string], void, void> {
  for (const name of listNames(self, store)) {
    if (parseIp(name) === undefined) continue;
    yield [name, (tryFileText(self, `${store}/${name}`) ?? "").trim()];
  }
}

function ownerOf({ containerId, ifName }: Pick<CniCall, "containerId" | "ifName">): string {
  return `${containerId}\r\n${ifName}`;
}

function release(call: CniCall, store: string): void {
  const owner = ownerOf(call);
  for (const [ip, held] of leases(call.self, store)) {
    if (held === owner) unlinkat(call.self, AT_FDCWD, `${store}/${ip}`);
  }
}

/** The next free address of a set. */
function reserve(
  call: CniCall,
  store: string,
  index: number,
  ranges: ReturnType<typeof rangesOf>[0],
): CniIp {
  const { self } = call;
  const lastPath = `${store}/last_reserved_ip.${index}`;
  const last = parseIp((tryFileText(self, lastPath) ?? "").trim());
  for (const { bits, range } of candidates(ranges, last)) {
    const ip = formatIp(bits);
    try {
      put(self, `${store}/${ip}`, ownerOf(call), O_EXCL);
    } catch (thrown) {
      if (isRefusal(thrown, "EEXIST")) continue;
      throw thrown;
    }
    put(self, lastPath, ip, O_TRUNC);
    return { address: `${ip}/${range.length}`, gateway: formatIp(range.gateway) };
  }
  const what = `no IP addresses available in range set: ${describeRanges(ranges)}`;
  throw new CniError(cniCode.internal, `failed to allocate for range ${index}: ${what}`);
}

function dnsOf(call: CniCall, ipam: JsonObject): JsonObject {
  const path = ipam["resolvConf"];
  if (typeof path !== "string") return {};
  const nameservers = (tryFileText(call.self, path) ?? "")
    .split("\n")
    .map((line) => /^nameserver\s+(\S+)/.exec(line)?.[1])
    .filter((one) => one !== undefined);
  return nameservers.length === 0 ? {} : { nameservers };
}

function add(call: CniCall): JsonObject {
  const ipam = ipamOf(call);
  const sets = rangesOf(ipam);
  const store = storeOf(call);
  const owner = ownerOf(call);
  for (const [ip, held] of leases(call.self, store)) {
    if (held !== owner) continue;
    const what = `${ip} has been allocated to ${call.containerId}, duplicate allocation is not allowed`;
    throw new CniError(cniCode.internal, `failed to allocate for range 0: ${what}`);
  }
  const ips: CniIp[] = [];
  try {
    for (const [index, ranges] of sets.entries()) ips.push(reserve(call, store, index, ranges));
  } catch (thrown) {
    release(call, store);
    throw thrown;
  }
  const routes = Array.isArray(ipam["routes"]) ? (ipam["routes"] as readonly CniRoute[]) : [];
  return writeResult({ ips, routes, dns: dnsOf(call, ipam) }, call.version);
}

function del(call: CniCall): void {
  release(call, storeOf(call));
}

function check(call: CniCall): void {
  const owner = ownerOf(call);
  for (const [, held] of leases(call.self, storeOf(call))) if (held === owner) return;
  const what = `host-local: Failed to find address added by container ${call.containerId}`;
  throw new CniError(cniCode.internal, what);
}

/** Attachments that GC leaves alone: "cni.dev/valid-attachments". */
export function validAttachments(config: JsonObject): ReadonlySet<string> {
  const list = config["cni.dev/valid-attachments"];
  if (!Array.isArray(list)) return new Set();
  return new Set(
    list
      .filter(isObject)
      .map((one) =>
        ownerOf({ containerId: String(one["containerID"]), ifName: String(one["ifname"]) }),
      ),
  );
}

function gc(call: CniCall): void {
  const valid = validAttachments(call.config);
  const store = storeOf(call);
  for (const [ip, held] of leases(call.self, store)) {
    if (!valid.has(held)) unlinkat(call.self, AT_FDCWD, `${store}/${ip}`);
  }
}

export const hostLocalPlugin = cniPlugin("host-local", { add, del, check, gc });
