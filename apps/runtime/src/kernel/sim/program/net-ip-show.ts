/** What ip(8) prints of links, addresses and routes, in the form of iproute2. */
import { hasCarrier } from "../net/device.ts";
import { contains, isLoopback } from "../net/ip.ts";
import type { Address, NetDevice, Network, Route } from "../net/network.ts";

const qdiscs = {
  loopback: "noqueue",
  veth: "noqueue",
  bridge: "noqueue",
  dummy: "noqueue",
  uplink: "fq_codel",
};
const broadcastMac = "ff:ff:ff:ff:ff:ff";

function stateOf(device: NetDevice): string {
  if (!device.up) return "DOWN";
  if (device.kind === "loopback" || device.kind === "dummy") return "UNKNOWN";
  if (device.kind === "bridge" && device.ports === undefined) return "UNKNOWN";
  if (hasCarrier(device)) return "UP";
  return device.kind === "veth" ? "LOWERLAYERDOWN" : "DOWN";
}

function flagsOf(device: NetDevice): string {
  const carrier = hasCarrier(device);
  const flags: string[] = [];
  if (device.up && !carrier) flags.push("NO-CARRIER");
  if (device.kind === "loopback") flags.push("LOOPBACK");
  else flags.push("BROADCAST", "MULTICAST");
  if (device.up) flags.push("UP");
  if (carrier) flags.push("LOWER_UP");
  const { peer } = device;
  if (peer !== undefined && peer.namespace === device.namespace && !peer.up) flags.push("M-DOWN");
  return `<${flags.join(",")}>`;
}

/** "eth0@if5": the other end, by name in the same namespace, by index in another. */
function fullName(device: NetDevice): string {
  const { peer, name } = device;
  if (peer === undefined) return name;
  return peer.namespace === device.namespace ? `${name}@${peer.name}` : `${name}@if${peer.index}`;
}

function linkLines(device: NetDevice, withMode: boolean): string {
  const { index, mtu, kind, mac, master, alias, peer } = device;
  const qdisc = device.up || kind === "loopback" ? qdiscs[kind] : "noop";
  const parts = [`${index}: ${fullName(device)}: ${flagsOf(device)} mtu ${mtu} qdisc ${qdisc}`];
  if (master !== undefined) parts.push(`master ${master.name}`);
  parts.push(`state ${stateOf(device)}`);
  if (withMode) parts.push("mode DEFAULT");
  parts.push("group default qlen 1000");
  const type = kind === "loopback" ? "loopback" : "ether";
  const brd = kind === "loopback" ? "00:00:00:00:00:00" : broadcastMac;
  const far = peer !== undefined && peer.namespace !== device.namespace ? " link-netnsid 0" : "";
  let text = `${parts.join(" ")}\n    link/${type} ${mac} brd ${brd}${far}\n`;
  if (alias !== "") text += `    alias ${alias}\n`;
  return text;
}

function isSecondary({ addresses }: NetDevice, address: Address): boolean {
  for (const other of addresses) {
    if (other === address) return false;
    const same = other.prefixLength === address.prefixLength;
    if (same && contains(other.bits, other.prefixLength, address.bits)) return true;
  }
  return false;
}

function addressLines(device: NetDevice, address: Address): string {
  const isIpv6 = typeof address.bits === "bigint";
  const scope = isLoopback(address.bits) ? "host" : "global";
  const family = isIpv6 ? "inet6" : "inet";
  const secondary = !isIpv6 && isSecondary(device, address) ? "secondary " : "";
  const label = isIpv6 ? "" : device.name;
  const line = `    ${family} ${address.ip}/${address.prefixLength} scope ${scope} ${secondary}${label}\n`;
  return `${line}       valid_lft forever preferred_lft forever\n`;
}

export interface ShowOptions {
  readonly brief: boolean;
  /** "inet", "inet6" or both. */
  readonly family: "inet" | "inet6" | undefined;
}

function fits({ family }: ShowOptions, bits: number | bigint): boolean {
  if (family === undefined) return true;
  return (family === "inet6") === (typeof bits === "bigint");
}

function briefHead(device: NetDevice): string {
  return `${fullName(device).padEnd(16)} ${stateOf(device).padEnd(14)} `;
}

export function linkText(devices: readonly NetDevice[], options: ShowOptions): string {
  if (!options.brief) return devices.map((device) => linkLines(device, true)).join("");
  return devices
    .map((device) => `${briefHead(device)}${device.mac} ${flagsOf(device)} \n`)
    .join("");
}

export function addressText(devices: readonly NetDevice[], options: ShowOptions): string {
  let text = "";
  for (const device of devices) {
    const shown = device.addresses
      .filter(({ bits }) => fits(options, bits))
      .sort((a, b) => Number(typeof a.bits === "bigint") - Number(typeof b.bits === "bigint"));
    if (options.brief) {
      const cidrs = shown.map(({ ip, prefixLength }) => `${ip}/${prefixLength} `).join("");
      text += `${briefHead(device)}${cidrs}\n`;
      continue;
    }
    if (options.family !== undefined && shown.length === 0) continue;
    text += linkLines(device, false);
    for (const address of shown) text += addressLines(device, address);
  }
  return text;
}

function routeLine(route: Route): string {
  const { destination, gateway, device, source, connected, metric, length } = route;
  const parts = [length === 0 ? "default" : destination.replace(/\/(32|128)$/, "")];
  if (gateway !== undefined) parts.push(`via ${gateway}`);
  parts.push(`dev ${device.name}`);
  if (connected) parts.push("proto kernel");
  if (gateway === undefined) parts.push("scope link");
  if (source !== undefined) parts.push(`src ${source}`);
  if (metric !== 0) parts.push(`metric ${metric}`);
  if (!hasCarrier(device)) parts.push("linkdown");
  return `${parts.join(" ")} \n`;
}

export function routeText({ routes }: Network, options: ShowOptions): string {
  const family = options.family ?? "inet";
  return routes
    .filter(({ bits }) => fits({ ...options, family }, bits))
    .sort((a, b) => (a.bits < b.bits ? -1 : a.bits > b.bits ? 1 : a.length - b.length))
    .map(routeLine)
    .join("");
}
