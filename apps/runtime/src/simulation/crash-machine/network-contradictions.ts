/** Addresses of pods as the runtime says them against what the pods' network namespaces hold. */
import type { Stage } from "../stage.ts";

/** The interface that CNI gives a pod. */
const podInterface = "eth0";

export function networkContradictions(stage: Stage): readonly string[] {
  const { machine } = stage.simulation;
  const { parts } = stage.engine;
  const found: string[] = [];
  const owners = new Map<string, string>();
  for (const { id, state, netns, ips, pid } of parts.pods.all()) {
    if (state !== "ready" || netns === "") continue;
    const short = id.slice(0, 12);
    const network = machine.process(pid)?.namespaces.net.network;
    const device = network?.devices.get(podInterface);
    const held = device?.addresses.map(({ ip }) => ip) ?? [];
    for (const ip of ips) {
      if (!held.includes(ip)) {
        found.push(`pod ${short} is said to have ${ip}, but its ${podInterface} has: ${held}`);
      }
      const owner = owners.get(ip);
      if (owner !== undefined) found.push(`pods ${owner} and ${short} have the same ${ip}`);
      owners.set(ip, short);
    }
    if (ips.length === 0) found.push(`pod ${short} is ready without an address`);
    if (device !== undefined && device.peer?.namespace !== machine.init.namespaces.net) {
      found.push(`the other end of the ${podInterface} of pod ${short} is not on the host`);
    }
  }
  const bridge = machine.init.namespaces.net.network.devices.get("vitrine0");
  const may = parts.pods.all().filter(({ state, netns }) => state !== "stopped" && netns !== "");
  const ports = bridge?.ports?.size ?? 0;
  if (ports > may.length && parts.recovery.problems.length === 0) {
    found.push(`${ports} pods are plugged into vitrine0, but only ${may.length} can be`);
  }
  return found;
}
