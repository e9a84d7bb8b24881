/**
 * What is between the network namespaces of one machine: which devices have an address, wherever they are, so
 * that finding a neighbour does not cost a walk over thousands of bridge ports; and the world outside.
 */
import type { Machine } from "../machine.ts";
import type { NetDevice } from "./network.ts";
import type { OutsideHost } from "./outside.ts";

export interface Fabric {
  readonly owners: Map<string, Set<NetDevice>>;
  /** Hosts behind the uplink, by address. */
  readonly outside: Map<string, OutsideHost>;
}

const fabrics = new WeakMap<Machine, Fabric>();

export function fabricOf(machine: Machine): Fabric {
  let fabric = fabrics.get(machine);
  if (fabric === undefined) {
    fabric = { owners: new Map(), outside: new Map() };
    fabrics.set(machine, fabric);
  }
  return fabric;
}

/** Notes that `device` has this address. Loopback addresses are every namespace's own and not noted. */
export function addOwner(machine: Machine, ip: string, device: NetDevice): void {
  if (device.kind === "loopback" && (ip === "127.0.0.1" || ip === "::1")) return;
  const { owners } = fabricOf(machine);
  const found = owners.get(ip);
  if (found === undefined) owners.set(ip, new Set([device]));
  else found.add(device);
}

export function removeOwner(machine: Machine, ip: string, device: NetDevice): void {
  const { owners } = fabricOf(machine);
  const found = owners.get(ip);
  if (found?.delete(device) && found.size === 0) owners.delete(ip);
}

const none: ReadonlySet<NetDevice> = new Set();

/** Every device of the machine with this address. */
export function ownersOf(machine: Machine, ip: string): ReadonlySet<NetDevice> {
  return fabricOf(machine).owners.get(ip) ?? none;
}
