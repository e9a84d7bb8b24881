/** Making, finding and removing network devices; the rules of rtnetlink are in link.ts. */
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import { refuse } from "../refusal.ts";
import { removeOwner } from "./fabric.ts";
import type { LinkKind, NetDevice, Network } from "./network.ts";

const loopbackMtu = 65_536;
const ethernetMtu = 1500;

/** A random unicast address, locally administered, as eth_random_addr() makes one. */
export function randomMac(machine: Machine): string {
  const high = machine.random();
  const low = machine.random();
  const bytes = [
    (high & 0xfc) | 2,
    (high >>> 8) & 255,
    (high >>> 16) & 255,
    high >>> 24,
    low & 255,
    (low >>> 8) & 255,
  ];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

function nextIndex(network: Network): number {
  network.lastIndex = (network.lastIndex ?? 0) + 1;
  return network.lastIndex;
}

/** Puts a new device, down and without address, into a namespace. The name must be free. */
export function createDevice(
  machine: Machine,
  namespace: NetNamespace,
  kind: LinkKind,
  name: string,
  mac = kind === "loopback" ? "00:00:00:00:00:00" : randomMac(machine),
): NetDevice {
  const { network } = namespace;
  const device: NetDevice = {
    index: nextIndex(network),
    name,
    kind,
    namespace,
    up: false,
    mtu: kind === "loopback" ? loopbackMtu : ethernetMtu,
    mac,
    addresses: [],
    peer: undefined,
    master: undefined,
    ports: undefined,
    hairpin: false,
    alias: "",
  };
  network.devices.set(name, device);
  // A loopback ends with its namespace, which nobody has to be told: the machine must not keep it alive.
  if (kind !== "loopback") machine.devices.add(device);
  return device;
}

/** ENODEV. */
export function deviceNamed(network: Network, name: string): NetDevice {
  return network.devices.get(name) ?? refuse("ENODEV");
}

/** Whether the other side is there: what "LOWER_UP" shows. */
export function hasCarrier(device: NetDevice): boolean {
  if (!device.up) return false;
  if (device.kind === "veth") return device.peer?.up === true;
  // A bridge that never had a port is as good as connected; one that lost them all is not.
  if (device.kind !== "bridge" || device.ports === undefined) return true;
  for (const port of device.ports) if (hasCarrier(port)) return true;
  return false;
}

export function dropRoutesOf(device: NetDevice): void {
  const { routes } = device.namespace.network;
  for (let index = routes.length - 1; index >= 0; index--) {
    if (routes[index]?.device === device) routes.splice(index, 1);
  }
}

export function leaveMaster(device: NetDevice): void {
  device.master?.ports?.delete(device);
  device.master = undefined;
  device.hairpin = false;
}

/** Takes a device out of its namespace with its addresses, routes and ports. */
function detach(machine: Machine, device: NetDevice): void {
  dropRoutesOf(device);
  for (const { ip } of device.addresses) removeOwner(machine, ip, device);
  leaveMaster(device);
  for (const port of device.ports ?? []) leaveMaster(port);
  device.namespace.network.devices.delete(device.name);
}

/** Deletes a device; the other end of a veth pair goes with it. */
export function deleteDevice(machine: Machine, device: NetDevice): void {
  const { peer } = device;
  device.peer = undefined;
  detach(machine, device);
  device.up = false;
  machine.devices.delete(device);
  if (peer === undefined) return;
  peer.peer = undefined;
  deleteDevice(machine, peer);
}

/** Moves a device into another namespace: it arrives down and without addresses (dev_change_net_namespace). */
export function moveDevice(
  machine: Machine,
  device: NetDevice,
  namespace: NetNamespace,
  name: string,
): void {
  const { network } = namespace;
  if (network.devices.has(name)) refuse("EEXIST");
  detach(machine, device);
  device.up = false;
  device.addresses = [];
  device.namespace = namespace;
  device.name = name;
  const taken = [...network.devices.values()].some(({ index }) => index === device.index);
  if (taken) device.index = nextIndex(network);
  else network.lastIndex = Math.max(network.lastIndex ?? 0, device.index);
  network.devices.set(name, device);
}
