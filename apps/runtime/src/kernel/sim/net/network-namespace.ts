/** Network namespaces: born with lo, down; gone with everything in them when nobody holds them (network_namespaces(7)). */
import { namespaceOf } from "../fs/nsfs.ts";
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import { createDevice, deleteDevice, moveDevice } from "./device.ts";
import { inheritSysctls } from "./sysctl.ts";

/** Gives a new namespace what every namespace is born with. `machine.newNetwork` is this. */
export function makeNetwork(machine: Machine, namespace: NetNamespace): void {
  if (!namespace.network.devices.has("lo")) createDevice(machine, namespace, "loopback", "lo");
  inheritSysctls(machine, namespace);
}

/** Whether an open file or a mount holds a namespace that has no process. Costs a look at all of them. */
function isHeld(machine: Machine, namespace: NetNamespace): boolean {
  if ((namespace.members ?? 0) > 0) return true;
  const seen = new Set<object>();
  for (const process of machine.processes.values()) {
    if (process.state !== "alive") continue;
    for (const file of process.fds.values()) if (file.namespace === namespace) return true;
    const { mnt } = process.namespaces;
    if (seen.has(mnt)) continue;
    seen.add(mnt);
    for (const { root } of mnt.mounts) if (namespaceOf(root) === namespace) return true;
  }
  return false;
}

/**
 * Takes a namespace down when nobody holds it any more: veth ends die with their peers, the uplink goes back to
 * the host. Call it when a process has left it, a mount or an open file of it has gone. A namespace with nothing
 * but lo costs nothing.
 */
export function releaseIfUnused(machine: Machine, namespace: NetNamespace): void {
  const { devices } = namespace.network;
  if (devices.size <= 1 || isHeld(machine, namespace)) return;
  for (const device of [...devices.values()]) {
    if (device.kind === "uplink") {
      moveDevice(machine, device, machine.init.namespaces.net, device.name);
    } else if (machine.devices.has(device)) {
      deleteDevice(machine, device);
    }
  }
}
