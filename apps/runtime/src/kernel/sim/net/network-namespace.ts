/** Network namespaces: born with lo, down; gone with everything in them when nobody holds them (network_namespaces(7)). */
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import { createDevice, deleteDevice, moveDevice } from "./device.ts";
import { inheritSysctls } from "./sysctl.ts";

/** Gives a new namespace what every namespace is born with. `machine.newNetwork` is this. */
export function makeNetwork(machine: Machine, namespace: NetNamespace): void {
  if (!namespace.network.devices.has("lo")) createDevice(machine, namespace, "loopback", "lo");
  inheritSysctls(machine, namespace);
}

/**
 * Takes a namespace down when nobody holds it any more: veth ends die with their peers, the uplink goes back to
 * the host. Call it when a process has left it, a mount or an open file of it has gone. A namespace with nothing
 * but lo costs nothing.
 */
export function releaseIfUnused(machine: Machine, namespace: NetNamespace): void {
  const { devices } = namespace.network;
  if (devices.size <= 1 || (namespace.holders ?? 0) > 0) return;
  for (const device of [...devices.values()]) {
    if (device.kind === "uplink") {
      moveDevice(machine, device, machine.init.namespaces.net, device.name);
    } else if (machine.devices.has(device)) {
      deleteDevice(machine, device);
    }
  }
}
