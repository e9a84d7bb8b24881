/** NAT and filter rules, evaluated as nftables does: in order, the first that decides wins, the policy is accept. */
import type { Machine } from "../machine.ts";
import { isLocal } from "./address.ts";
import { contains, type Prefix, parseIp, parsePrefix } from "./ip.ts";
import type { NetRule, Network } from "./network.ts";
import type { Packet } from "./packet.ts";

const prefixes = new Map<string, Prefix | undefined>();

/** Prefixes of rules come again and again; the text says it all. */
function prefixOf(text: string): Prefix | undefined {
  if (prefixes.has(text)) return prefixes.get(text);
  if (prefixes.size > 4096) prefixes.clear();
  const prefix = parsePrefix(text);
  prefixes.set(text, prefix);
  return prefix;
}

function within(ip: string, text: string): boolean {
  const prefix = prefixOf(text);
  const bits = parseIp(ip);
  return prefix !== undefined && bits !== undefined && contains(prefix.bits, prefix.length, bits);
}

/** The interfaces of a hook; unset where the hook has none. */
export interface Passage {
  readonly inDevice?: string | undefined;
  readonly outDevice?: string | undefined;
}

function matches(
  machine: Machine,
  network: Network,
  { match }: NetRule,
  packet: Packet,
  passage: Passage,
): boolean {
  if (match.protocol !== undefined && match.protocol !== packet.protocol) return false;
  const port = match.destinationPort;
  if (port !== undefined && (packet.protocol === "icmp" || port !== packet.destinationPort)) {
    return false;
  }
  if (match.inDevice !== undefined && match.inDevice !== passage.inDevice) return false;
  if (match.outDevice !== undefined && match.outDevice !== passage.outDevice) return false;
  if (match.source !== undefined && !within(packet.source, match.source)) return false;
  if (match.destination !== undefined && !within(packet.destination, match.destination))
    return false;
  if (match.notDestination !== undefined && within(packet.destination, match.notDestination)) {
    return false;
  }
  if (match.destinationLocal === undefined) return true;
  const bits = parseIp(packet.destination);
  const local = bits !== undefined && isLocal(machine, network, bits, packet.destination);
  return local === match.destinationLocal;
}

/** The action of the first rule of a chain that fits; undefined: accepted by policy. `nat` chooses NAT rules or filters. */
export function decide(
  machine: Machine,
  network: Network,
  chain: NetRule["chain"],
  packet: Packet,
  passage: Passage,
  nat: boolean,
): NetRule["action"] | undefined {
  for (const rule of network.rules) {
    if (rule.chain !== chain) continue;
    const { kind } = rule.action;
    const translates = kind === "dnat" || kind === "masquerade";
    // accept ends a NAT chain too: that is how a network is exempted from masquerading.
    if (nat ? kind === "drop" : translates) continue;
    if (matches(machine, network, rule, packet, passage)) return rule.action;
  }
  return undefined;
}
