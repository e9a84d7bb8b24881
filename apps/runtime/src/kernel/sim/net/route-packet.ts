/**
 * One packet from a namespace to wherever routes, links, bridges, rules and NAT lead it. Nothing is known in
 * advance: who reaches whom follows from the same tables that ip(8) and nft(8) show.
 */
import type { ErrnoName } from "../../errno.ts";
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import { isLocal } from "./address.ts";
import { hasCarrier } from "./device.ts";
import { isLoopback, parseIp } from "./ip.ts";
import type { NetDevice, Network, Route } from "./network.ts";
import {
  gatewayIp,
  isOnUplink,
  type OutsideHost,
  outsideHost,
  outsideLatencyNs,
  uplinkAddress,
} from "./outside.ts";
import { type Packet, restore, type Translation, tupleOf } from "./packet.ts";
import { findRoute, sourceFor } from "./route.ts";
import { decide } from "./rule.ts";
import { neighbour } from "./segment.ts";
import { forwards, routesLocalnet } from "./sysctl.ts";

export interface Delivered {
  readonly kind: "delivered";
  /** Where it arrived: a namespace of the machine, or a host outside. */
  readonly namespace: NetNamespace | undefined;
  readonly host: OutsideHost | undefined;
  /** As it arrived, after translation. */
  readonly packet: Packet;
  readonly translations: readonly Translation[];
  readonly latencyNs: number;
}

export type Walk =
  | Delivered
  /** The sender is told: by its own kernel, or by ICMP. */
  | {
      readonly kind: "refused";
      readonly errno: ErrnoName;
      readonly afterNs: number;
      readonly why: string;
    }
  /** Nobody is told. */
  | { readonly kind: "lost"; readonly why: string };

const hopsMax = 64;
const hopNs = 20_000;
const loopbackNs = 15_000;
/** Three ARP requests, a second apart. */
const neighbourTimeoutNs = 3_060_000_000;

interface Travel {
  readonly machine: Machine;
  readonly packet: Packet;
  /** Of the flow this is a reply of; of a request, what is done to it on the way. */
  readonly flow: readonly Translation[];
  readonly isReply: boolean;
  readonly made: Translation[];
  latencyNs: number;
}

type Step = { readonly namespace: NetNamespace; readonly inDevice: NetDevice } | Walk;

function lost(why: string): Exclude<Walk, Delivered> {
  return { kind: "lost", why };
}

function refused(errno: ErrnoName, why: string, afterNs = 0): Exclude<Walk, Delivered> {
  return { kind: "refused", errno, afterNs, why };
}

function delivered(travel: Travel, namespace: NetNamespace | undefined, host?: OutsideHost): Walk {
  const { packet, made, latencyNs } = travel;
  return { kind: "delivered", namespace, host, packet, translations: made, latencyNs };
}

/** Replies are turned back; the first packet of a flow meets the dnat rules. */
function translateDestination(
  travel: Travel,
  namespace: NetNamespace,
  inDevice: NetDevice | undefined,
): void {
  const { machine, packet, flow, isReply, made } = travel;
  if (isReply) {
    restore(packet, namespace, flow);
    return;
  }
  const { network } = namespace;
  if (network.rules.length === 0) return;
  const chain = inDevice === undefined ? "output" : "prerouting";
  const action = decide(machine, network, chain, packet, { inDevice: inDevice?.name }, true);
  if (action?.kind !== "dnat") return;
  const before = tupleOf(packet);
  packet.destination = action.ip;
  if (action.port !== 0) packet.destinationPort = action.port;
  made.push({ namespace, before, after: tupleOf(packet) });
}

function isDropped(
  travel: Travel,
  network: Network,
  chain: "output" | "input" | "forward",
  inDevice: string | undefined,
  outDevice: string | undefined,
): boolean {
  if (network.rules.length === 0) return false;
  const passage = { inDevice, outDevice };
  const action = decide(travel.machine, network, chain, travel.packet, passage, false);
  return action?.kind === "drop";
}

/** Masquerading: the packet gets the address of the interface by which it leaves. */
function translateSource(travel: Travel, namespace: NetNamespace, route: Route): void {
  const { machine, packet, isReply, made } = travel;
  const { network } = namespace;
  if (isReply || network.rules.length === 0) return;
  const passage = { outDevice: route.device.name };
  const action = decide(machine, network, "postrouting", packet, passage, true);
  if (action?.kind !== "masquerade") return;
  const family = packet.source.includes(":");
  const own = route.device.addresses.find(({ ip }) => ip.includes(":") === family)?.ip;
  if (own === undefined || own === packet.source) return;
  const before = tupleOf(packet);
  packet.source = own;
  made.push({ namespace, before, after: tupleOf(packet) });
}

/** Out of a device to the next hop. */
function transmit(travel: Travel, namespace: NetNamespace, route: Route): Step {
  const { machine, packet } = travel;
  const { device } = route;
  const ends = [packet.source, packet.destination];
  const hasLoopback = ends.some((ip) => isLoopback(parseIp(ip) ?? 0));
  translateSource(travel, namespace, route);
  if (hasLoopback && !routesLocalnet(namespace.network, device.name)) {
    return lost(`an address of 127.0.0.0/8 may not leave by ${device.name}`);
  }
  const nextHop = route.gateway ?? packet.destination;
  if (!hasCarrier(device)) {
    return refused("EHOSTUNREACH", `${device.name} has no carrier`, neighbourTimeoutNs);
  }
  travel.latencyNs += hopNs;
  if (device.kind === "uplink") return leave(travel, nextHop);
  const found = neighbour(machine, device, nextHop);
  if (found === undefined) {
    return refused("EHOSTUNREACH", `nobody at ${device.name} has ${nextHop}`, neighbourTimeoutNs);
  }
  return { namespace: found.namespace, inDevice: found };
}

/** Into the world outside. */
function leave(travel: Travel, nextHop: string): Walk {
  const { machine, packet } = travel;
  travel.latencyNs += outsideLatencyNs;
  const host = outsideHost(machine, packet.destination);
  if (host !== undefined) return delivered(travel, undefined, host);
  if (nextHop === gatewayIp) return lost(`nobody outside answers at ${packet.destination}`);
  return refused("EHOSTUNREACH", `nobody at the uplink has ${nextHop}`, neighbourTimeoutNs);
}

/** One namespace: local delivery, or onward. `inDevice` unset: the packet is made here. */
function pass(travel: Travel, namespace: NetNamespace, inDevice: NetDevice | undefined): Step {
  const { machine, packet } = travel;
  const { network } = namespace;
  if (inDevice === undefined) {
    const failed = chooseSource(machine, network, packet);
    if (failed !== undefined) return failed;
  }
  if (inDevice === undefined && isDropped(travel, network, "output", undefined, undefined)) {
    return lost("dropped by a rule of the output chain");
  }
  const wasLoopback = isLoopback(parseIp(packet.destination) ?? 0);
  if (wasLoopback && inDevice !== undefined && !routesLocalnet(network, inDevice.name)) {
    return lost("an address of 127.0.0.0/8 came from outside");
  }
  translateDestination(travel, namespace, inDevice);
  const bits = parseIp(packet.destination);
  if (bits === undefined) return refused("EINVAL", `${packet.destination} is no address`);
  if (isLocal(machine, network, bits, packet.destination)) {
    return receive(travel, namespace, inDevice);
  }
  if (inDevice !== undefined && !forwards(network)) {
    return lost("the machine on the way does not forward (net.ipv4.ip_forward)");
  }
  const route = findRoute(network, bits);
  if (route === undefined) return refused("ENETUNREACH", `no route to ${packet.destination}`);
  const { name } = route.device;
  if (inDevice !== undefined && isDropped(travel, network, "forward", inDevice.name, name)) {
    return lost("dropped by a rule of the forward chain");
  }
  return transmit(travel, namespace, route);
}

/** The sender's address by the route to the destination, before any translation; unless it is there already. */
export function chooseSource(
  machine: Machine,
  network: Network,
  packet: Packet,
): Exclude<Walk, Delivered> | undefined {
  if (packet.source !== "") return undefined;
  const bits = parseIp(packet.destination);
  if (bits === undefined) return refused("EINVAL", `${packet.destination} is no address`);
  if (isLocal(machine, network, bits, packet.destination)) {
    packet.source = packet.destination;
    return undefined;
  }
  const route = findRoute(network, bits);
  if (route === undefined) return refused("ENETUNREACH", `no route to ${packet.destination}`);
  const source = sourceFor(route, network);
  if (source === undefined) return refused("EADDRNOTAVAIL", `no address to send from`);
  packet.source = source;
  return undefined;
}

function receive(travel: Travel, namespace: NetNamespace, inDevice: NetDevice | undefined): Walk {
  const { network } = namespace;
  if (inDevice === undefined) {
    // What a namespace sends to itself goes through lo.
    if (network.devices.get("lo")?.up !== true) return lost("lo is down");
    travel.latencyNs += loopbackNs;
  }
  if (isDropped(travel, network, "input", inDevice?.name ?? "lo", undefined)) {
    return lost("dropped by a rule of the input chain");
  }
  return delivered(travel, namespace);
}

function walk(travel: Travel, start: NetNamespace, from: NetDevice | undefined): Walk {
  let namespace = start;
  let inDevice = from;
  for (let hop = 0; hop < hopsMax; hop++) {
    const step = pass(travel, namespace, inDevice);
    if ("kind" in step) return step;
    ({ namespace, inDevice } = step);
  }
  return refused("EHOSTUNREACH", "it went in circles until its time to live was over");
}

/** Sends a packet from a namespace. `flow`: the translations of the flow this is a reply of. */
export function sendPacket(
  machine: Machine,
  from: NetNamespace,
  packet: Packet,
  flow?: readonly Translation[],
): Walk {
  const isReply = flow !== undefined;
  const travel = { machine, packet, flow: flow ?? [], isReply, made: [], latencyNs: 0 };
  return walk(travel, from, undefined);
}

/** Sends a packet from a host outside: it arrives at the uplink, or nowhere. */
export function sendFromOutside(
  machine: Machine,
  host: NetNamespace,
  packet: Packet,
  flow?: readonly Translation[],
): Walk {
  const uplink = [...host.network.devices.values()].find(({ kind }) => kind === "uplink");
  const known = packet.destination === uplinkAddress.split("/")[0];
  if (uplink?.up !== true || !known || !isOnUplink(parseIp(packet.destination) ?? 0)) {
    return lost(`the world outside knows no way to ${packet.destination}`);
  }
  const travel: Travel = {
    machine,
    packet,
    flow: flow ?? [],
    isReply: flow !== undefined,
    made: [],
    latencyNs: outsideLatencyNs,
  };
  return walk(travel, host, uplink);
}
