/** The CNI plugin "portmap": ports of the host lead to ports of the pod, by destination NAT. */
import { formatIp, networkBits, parseIp, parsePrefix } from "../net/ip.ts";
import type { NetRule } from "../net/network.ts";
import { findRoute } from "../net/route.ts";
import { ruleAdd, ruleDelete, rulesOf } from "../syscall/socket.ts";
import {
  type CniCall,
  CniError,
  cniCode,
  cniPlugin,
  isObject,
  type JsonObject,
} from "./cni-call.ts";
import { setSysctl } from "./cni-netns.ts";
import { type CniResult, needPrevResult, prevResultOf, writeResult } from "./cni-result.ts";

interface Mapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp";
  readonly hostIp: string;
}

function failed(what: string): CniError {
  return new CniError(cniCode.internal, what);
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65_536;
}

function mappingOf(value: unknown): Mapping {
  const entry = isObject(value) ? value : {};
  const { hostPort, containerPort } = entry;
  const protocol = String(entry["protocol"] ?? "tcp").toLowerCase();
  if (!isPort(containerPort)) {
    throw failed(
      `failed to parse config: Invalid container port number: ${String(containerPort ?? 0)}`,
    );
  }
  if (!isPort(hostPort)) {
    throw failed(`failed to parse config: Invalid host port number: ${String(hostPort ?? 0)}`);
  }
  const hostIp = typeof entry["hostIP"] === "string" ? entry["hostIP"] : "";
  return { hostPort, containerPort, protocol: protocol === "udp" ? "udp" : "tcp", hostIp };
}

function mappingsOf({ config }: CniCall): readonly Mapping[] {
  const runtime = config["runtimeConfig"];
  const list = isObject(runtime) ? runtime["portMappings"] : undefined;
  return Array.isArray(list) ? list.map(mappingOf) : [];
}

/** Chains are named after network and container; ours say it in words. */
function ownerOf({ name, containerId }: CniCall): string {
  return `portmap:${name}:${containerId}`;
}

/** The pod's first address of IPv4, with its network. */
function addressOf({
  ips,
  interfaces = [],
}: CniResult): { ip: string; network: string } | undefined {
  for (const entry of ips) {
    const sandbox = entry.interface === undefined ? "?" : interfaces[entry.interface]?.sandbox;
    const prefix = parsePrefix(entry.address);
    if (prefix === undefined || typeof prefix.bits === "bigint" || !sandbox) continue;
    const network = `${formatIp(networkBits(prefix.bits, prefix.length))}/${prefix.length}`;
    return { ip: formatIp(prefix.bits), network };
  }
  return undefined;
}

function rulesFor(
  owner: string,
  mapping: Mapping,
  pod: { readonly ip: string; readonly network: string },
  masquerades: boolean,
): readonly NetRule[] {
  const { protocol, hostPort, containerPort, hostIp } = mapping;
  const anywhere = hostIp === "" || hostIp === "0.0.0.0" || hostIp === "::";
  const match = {
    protocol,
    destinationPort: hostPort,
    ...(anywhere ? { destinationLocal: true } : { destination: hostIp }),
  };
  const action = { kind: "dnat", ip: pod.ip, port: containerPort } as const;
  const rules: NetRule[] = [
    { chain: "prerouting", owner, match, action },
    { chain: "output", owner, match, action },
  ];
  if (!masquerades) return rules;
  // Who shares the pod's network, or is the host's own loopback, would get the answer from a stranger.
  for (const source of [pod.network, "127.0.0.1/32"]) {
    rules.push({
      chain: "postrouting",
      owner,
      match: { protocol, source, destination: pod.ip, destinationPort: containerPort },
      action: { kind: "masquerade" },
    });
  }
  return rules;
}

function add(call: CniCall): JsonObject {
  const { self, config } = call;
  const mappings = mappingsOf(call);
  const before = prevResultOf(config);
  if (before === undefined) throw failed("must be called as chained plugin");
  const pod = addressOf(before);
  if (mappings.length > 0 && pod !== undefined) {
    const owner = ownerOf(call);
    const masquerades = config["snat"] !== false;
    for (const mapping of mappings) {
      for (const rule of rulesFor(owner, mapping, pod, masquerades)) {
        // Before the exemption of the pod's own network from masquerading.
        ruleAdd(self, rule, rule.chain === "postrouting" ? "head" : "end");
      }
    }
    const route = findRoute(self.namespaces.net.network, parseIp(pod.ip) ?? 0);
    // So that 127.0.0.1 of the host can be translated, too.
    if (masquerades && route !== undefined) {
      setSysctl(self, `net/ipv4/conf/${route.device.name}/route_localnet`, "1");
    }
  }
  return writeResult(before, call.version);
}

function del(call: CniCall): void {
  ruleDelete(call.self, ownerOf(call));
}

function check(call: CniCall): void {
  const pod = addressOf(needPrevResult(call.config));
  const rules = rulesOf(call.self, ownerOf(call));
  for (const { hostPort, containerPort, protocol } of mappingsOf(call)) {
    const found = rules.some(
      ({ chain, match, action }) =>
        chain === "prerouting" &&
        match.protocol === protocol &&
        match.destinationPort === hostPort &&
        action.kind === "dnat" &&
        action.ip === pod?.ip &&
        action.port === containerPort,
    );
    if (!found)
      throw failed(`could not check ipv4 dnat: no rule for host port ${hostPort} in table nat`);
  }
}

export const portmapPlugin = cniPlugin("portmap", { add, del, check });
