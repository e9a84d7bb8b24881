/** The routing table of a namespace: longest prefix, then lowest metric (ip-route(8)). */
import type { Machine } from "../machine.ts";
import { refuse } from "../refusal.ts";
import { isLocal } from "./address.ts";
import { deviceNamed } from "./device.ts";
import { contains, formatIp, formatPrefix, type IpBits, networkBits, parsePrefix } from "./ip.ts";
import type { NetDevice, Network, Route } from "./network.ts";

/** The route for `bits`; undefined when there is none. */
export function findRoute(network: Network, bits: IpBits): Route | undefined {
  let best: Route | undefined;
  for (const route of network.routes) {
    if (!contains(route.bits, route.length, bits)) continue;
    if (best !== undefined) {
      if (route.length < best.length) continue;
      if (route.length === best.length && route.metric >= best.metric) continue;
    }
    best = route;
  }
  return best;
}

/** The address a packet over this route is sent from: the route's, else the device's first of the family. */
export function sourceFor(route: Route, network: Network): string | undefined {
  if (route.source !== undefined) return route.source;
  const family = typeof route.bits;
  const ofDevice = route.device.addresses.find(({ bits }) => typeof bits === family);
  if (ofDevice !== undefined) return ofDevice.ip;
  for (const device of network.devices.values()) {
    if (device.kind === "loopback" || !device.up) continue;
    const other = device.addresses.find(({ bits }) => typeof bits === family);
    if (other !== undefined) return other.ip;
  }
  return undefined;
}

export interface NewRoute {
  readonly destination: string;
  readonly gateway?: string;
  readonly device?: string;
  readonly source?: string;
  readonly metric?: number;
  /** NLM_F_REPLACE. */
  readonly replace?: boolean;
}

/** The device by which a gateway is reached without another gateway. */
function deviceToward(network: Network, gateway: IpBits): NetDevice | undefined {
  const route = findRoute(network, gateway);
  return route?.gateway === undefined ? route?.device : undefined;
}

/** ENETUNREACH for a gateway that is no neighbour, ENETDOWN for a device that is down, EEXIST, EINVAL, ENODEV. */
export function addRoute(machine: Machine, network: Network, wanted: NewRoute): void {
  const text = wanted.destination === "default" ? "0.0.0.0/0" : wanted.destination;
  const prefix = parsePrefix(text) ?? refuse("EINVAL");
  // Bits behind the prefix mean a typing error.
  if (networkBits(prefix.bits, prefix.length) !== prefix.bits) refuse("EINVAL");
  const via = wanted.gateway === undefined ? undefined : parsePrefix(wanted.gateway)?.bits;
  if (wanted.gateway !== undefined && via === undefined) refuse("EINVAL");
  const named = wanted.device === undefined ? undefined : deviceNamed(network, wanted.device);
  // "Nexthop has invalid gateway": one's own address is no way out.
  if (via !== undefined && isLocal(machine, network, via, formatIp(via))) refuse("EINVAL");
  const toward = via === undefined ? undefined : deviceToward(network, via);
  if (named !== undefined && !named.up) refuse("ENETDOWN");
  if (via !== undefined && (toward === undefined || (named !== undefined && toward !== named))) {
    refuse("ENETUNREACH");
  }
  const device = named ?? toward;
  if (device === undefined) refuse("ENODEV");
  const route: Route = {
    destination: formatPrefix(prefix.bits, prefix.length),
    gateway: via === undefined ? undefined : formatIp(via),
    device,
    source: wanted.source,
    bits: prefix.bits,
    length: prefix.length,
    connected: false,
    metric: wanted.metric ?? 0,
  };
  const same = network.routes.findIndex(
    ({ destination, metric }) => destination === route.destination && metric === route.metric,
  );
  if (same < 0) network.routes.push(route);
  else if (wanted.replace === true) network.routes[same] = route;
  else refuse("EEXIST");
}

/** ESRCH when there is none such. */
export function removeRoute(
  network: Network,
  which: { readonly destination: string; readonly gateway?: string; readonly device?: string },
): void {
  const text = which.destination === "default" ? "0.0.0.0/0" : which.destination;
  const prefix = parsePrefix(text) ?? refuse("EINVAL");
  const destination = formatPrefix(prefix.bits, prefix.length);
  const index = network.routes.findIndex(
    (route) =>
      route.destination === destination &&
      (which.gateway === undefined || route.gateway === which.gateway) &&
      (which.device === undefined || route.device.name === which.device),
  );
  if (index < 0) refuse("ESRCH");
  network.routes.splice(index, 1);
}
