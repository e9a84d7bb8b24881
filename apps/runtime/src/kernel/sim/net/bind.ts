/** Addresses and ports of sockets (bind(2), ip(7)). */
import type { Machine } from "../machine.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import type { Credentials } from "../user/credentials.ts";
import { isLocal } from "./address.ts";
import { formatIp, isUnspecified, parseIp } from "./ip.ts";
import type { Network } from "./network.ts";
import { Socket } from "./socket.ts";
import { privilegedPorts } from "./sysctl.ts";

const firstEphemeral = 32_768;
const lastEphemeral = 60_999;

function keyOf(protocol: string, ip: string, port: number): string {
  return `${protocol} ${ip}:${port}`;
}

/** Wildcards of both families: a socket bound to "::" takes IPv4 too (bindv6only 0). */
const wildcards: readonly string[] = ["0.0.0.0", "::"];

/** Whether another socket holds the port at this address, or at all of them. */
function isTaken(network: Network, protocol: string, ip: string, port: number): boolean {
  const { listeners } = network;
  if (listeners.has(keyOf(protocol, ip, port))) return true;
  for (const wildcard of wildcards) {
    if (wildcard === "0.0.0.0" && ip.includes(":") && ip !== "::") continue;
    if (listeners.has(keyOf(protocol, wildcard, port))) return true;
  }
  if (!wildcards.includes(ip)) return false;
  const suffix = `:${port}`;
  for (const key of listeners.keys()) {
    if (key.startsWith(`${protocol} `) && key.endsWith(suffix)) return true;
  }
  return false;
}

/** The next free port of the ephemeral range. EADDRINUSE when there is none left. */
export function ephemeralPort(network: Network, protocol: string, ip: string): number {
  const room = lastEphemeral - firstEphemeral + 1;
  for (let tried = 0; tried < room; tried++) {
    const last = network.lastPort ?? lastEphemeral;
    network.lastPort = last >= lastEphemeral ? firstEphemeral : last + 1;
    if (!isTaken(network, protocol, ip, network.lastPort)) return network.lastPort;
  }
  return refuse("EADDRINUSE");
}

/** Gives a socket its local address and notes it. */
export function bindSocket(
  machine: Machine,
  credentials: Credentials,
  socket: Socket,
  ip: string,
  port: number,
): void {
  const { namespace, protocol } = socket;
  const { network } = namespace;
  if (socket.bound !== undefined) refuse("EINVAL");
  const bits = parseIp(ip) ?? refuse("EINVAL");
  const text = formatIp(bits);
  if (!isUnspecified(bits) && !isLocal(machine, network, bits, text)) refuse("EADDRNOTAVAIL");
  if (port > 0 && port < privilegedPorts(network)) {
    if (!capableIn(credentials, namespace.owner, "CAP_NET_BIND_SERVICE")) refuse("EACCES");
  }
  if (port !== 0 && isTaken(network, protocol, text, port)) refuse("EADDRINUSE");
  const chosen = port === 0 ? ephemeralPort(network, protocol, text) : port;
  socket.bound = { ip: text, port: chosen };
  socket.key = keyOf(protocol, text, chosen);
  const { key } = socket;
  network.listeners.set(key, socket);
  socket.onClose(() => network.listeners.delete(key));
}

/** The socket that gets what arrives for an address; a bound address goes before a wildcard. */
export function socketAt(
  network: Network,
  protocol: "tcp" | "udp",
  ip: string,
  port: number,
): Socket | undefined {
  const wildcard = ip.includes(":")
    ? undefined
    : network.listeners.get(keyOf(protocol, "0.0.0.0", port));
  const found =
    network.listeners.get(keyOf(protocol, ip, port)) ??
    wildcard ??
    network.listeners.get(keyOf(protocol, "::", port));
  return found instanceof Socket ? found : undefined;
}
