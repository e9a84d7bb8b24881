/** Addresses of devices, and the routes the kernel makes of them (ip-address(8)). */
import type { Machine } from "../machine.ts";
import { refuse } from "../refusal.ts";
import { dropRoutesOf } from "./device.ts";
import { addOwner, ownersOf, removeOwner } from "./fabric.ts";
import {
  contains,
  formatIp,
  formatPrefix,
  type IpBits,
  isLoopback,
  networkBits,
  parsePrefix,
  widthOf,
} from "./ip.ts";
import type { Address, NetDevice, Network } from "./network.ts";

function addressOf(cidr: string): Address {
  const prefix = parsePrefix(cidr);
  if (prefix === undefined) return refuse("EINVAL");
  return { ip: formatIp(prefix.bits), prefixLength: prefix.length, bits: prefix.bits };
}

/** A whole prefix on the link, as long as the device is up; addresses of full length and of lo make none. */
function connect(device: NetDevice, address: Address): void {
  const { bits, prefixLength, ip } = address;
  if (!device.up || device.kind === "loopback" || prefixLength === widthOf(bits)) return;
  const network = networkBits(bits, prefixLength);
  const destination = formatPrefix(network, prefixLength);
  const { routes } = device.namespace.network;
  const isThere = routes.some(
    (route) => route.connected && route.device === device && route.destination === destination,
  );
  // A second address of the same network ("secondary") has the route of the first.
  if (isThere) return;
  routes.push({
    destination,
    gateway: undefined,
    device,
    source: ip,
    bits: network,
    length: prefixLength,
    connected: true,
    metric: 0,
  });
}

/** EEXIST for an address that the device has already. */
export function addAddress(machine: Machine, device: NetDevice, cidr: string): void {
  const address = addressOf(cidr);
  const same = (other: Address) =>
    other.bits === address.bits && other.prefixLength === address.prefixLength;
  if (device.addresses.some(same)) refuse("EEXIST");
  device.addresses.push(address);
  addOwner(machine, address.ip, device);
  connect(device, address);
}

/** EADDRNOTAVAIL for one it has not. Routes that came of it, or send with it, go too. */
export function removeAddress(machine: Machine, device: NetDevice, cidr: string): void {
  const { bits, prefixLength } = addressOf(cidr);
  const index = device.addresses.findIndex(
    (address) => address.bits === bits && address.prefixLength === prefixLength,
  );
  const [removed] = index < 0 ? [] : device.addresses.splice(index, 1);
  if (removed === undefined) refuse("EADDRNOTAVAIL");
  if (!device.addresses.some(({ ip }) => ip === removed.ip)) {
    removeOwner(machine, removed.ip, device);
  }
  const { routes } = device.namespace.network;
  for (let at = routes.length - 1; at >= 0; at--) {
    const route = routes[at];
    if (route?.device === device && route.source === removed.ip) routes.splice(at, 1);
  }
  for (const address of device.addresses) connect(device, address);
}

/** Up: routes of its addresses, and lo's own addresses come. Down: every route over the device goes. */
export function setUp(machine: Machine, device: NetDevice, up: boolean): void {
  if (device.up === up) return;
  device.up = up;
  if (!up) {
    dropRoutesOf(device);
    return;
  }
  if (device.kind === "loopback") {
    for (const cidr of ["127.0.0.1/8", "::1/128"]) {
      const has = device.addresses.some(({ ip }) => cidr.startsWith(`${ip}/`));
      if (!has) addAddress(machine, device, cidr);
    }
  }
  for (const address of device.addresses) connect(device, address);
}

/** Whether `bits` is one of the namespace's own: of any device, up or down. */
export function isLocal(machine: Machine, network: Network, bits: IpBits, ip: string): boolean {
  if (isLoopback(bits)) {
    const addresses = network.devices.get("lo")?.addresses ?? [];
    return addresses.some((address) => contains(address.bits, address.prefixLength, bits));
  }
  for (const owner of ownersOf(machine, ip)) if (owner.namespace.network === network) return true;
  return false;
}
