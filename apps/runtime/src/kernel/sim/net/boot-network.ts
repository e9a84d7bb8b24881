/** The network of a machine that boots: lo, the uplink with its address and default route, the world behind it. */
import type { Machine } from "../machine.ts";
import { addAddress, setUp } from "./address.ts";
import { createDevice } from "./device.ts";
import { makeNetwork, releaseIfUnused } from "./network-namespace.ts";
import { addOutsideHost, gatewayIp, uplinkAddress } from "./outside.ts";
import { outsideHosts } from "./outside-services.ts";
import { addRoute } from "./route.ts";

export const uplinkName = "eth0";
const uplinkMac = "52:54:00:12:34:56";

/** Call it after bootProcesses: it fills the host's namespace, and sees to those that come. */
export function bootNetwork(machine: Machine): void {
  machine.newNetwork = (namespace) => makeNetwork(machine, namespace);
  machine.leftNetwork = (namespace) => releaseIfUnused(machine, namespace);
  const host = machine.init.namespaces.net;
  makeNetwork(machine, host);
  const { network } = host;
  const loopback = network.devices.get("lo");
  if (loopback !== undefined) setUp(machine, loopback, true);
  const uplink = createDevice(machine, host, "uplink", uplinkName, uplinkMac);
  setUp(machine, uplink, true);
  addAddress(machine, uplink, uplinkAddress);
  addRoute(machine, network, { destination: "0.0.0.0/0", gateway: gatewayIp });
  for (const outside of outsideHosts()) addOutsideHost(machine, outside);
}
