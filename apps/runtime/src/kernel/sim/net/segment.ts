/** Who hears whom without a router: veth pairs and bridges (packet(7), bridge(8)). */
import type { Machine } from "../machine.ts";
import { isLocal } from "./address.ts";
import { ownersOf } from "./fabric.ts";
import { type IpBits, parseIp } from "./ip.ts";
import type { NetDevice } from "./network.ts";

/** The bridge a frame sent by `device` comes to; undefined when it comes to none, or to one that is down. */
function bridgeOf(device: NetDevice): NetDevice | undefined {
  if (!device.up) return undefined;
  if (device.kind === "bridge") return device;
  const { peer } = device;
  if (peer?.up !== true) return undefined;
  return peer.master?.up === true ? peer.master : undefined;
}

/** Bridges that are joined to `bridge` by veth pairs, itself included. */
function joinedBridges(bridge: NetDevice): ReadonlySet<NetDevice> {
  const found = new Set([bridge]);
  for (const at of found) {
    for (const port of at.ports ?? []) {
      const next = port.up ? bridgeOf(port) : undefined;
      if (next !== undefined) found.add(next);
    }
  }
  return found;
}

/** Whether frames of one interface reach the other. Neither is a port of a bridge: a port has no address of its own. */
export function hears(from: NetDevice, to: NetDevice): boolean {
  if (!from.up || !to.up || from === to) return false;
  if (from.peer === to && from.master === undefined && to.master === undefined) return true;
  const here = bridgeOf(from);
  const there = bridgeOf(to);
  if (here === undefined || there === undefined) return false;
  return here === there || joinedBridges(here).has(there);
}

/**
 * The interface that answers when `from` asks who has `ip`. Any interface of the namespace that owns the
 * address answers for it (arp_ignore 0); one's own namespace does not.
 */
export function neighbour(machine: Machine, from: NetDevice, ip: string): NetDevice | undefined {
  for (const owner of ownersOf(machine, ip)) {
    if (owner.namespace === from.namespace) continue;
    if (hears(from, owner)) return owner;
  }
  const bits = parseIp(ip);
  if (bits === undefined) return undefined;
  return otherInterface(machine, from, ip, bits);
}

function otherInterface(
  machine: Machine,
  from: NetDevice,
  ip: string,
  bits: IpBits,
): NetDevice | undefined {
  for (const owner of ownersOf(machine, ip)) {
    const { network } = owner.namespace;
    if (owner.namespace === from.namespace || !isLocal(machine, network, bits, ip)) continue;
    for (const device of network.devices.values()) {
      if (device.master === undefined && hears(from, device)) return device;
    }
  }
  return undefined;
}
