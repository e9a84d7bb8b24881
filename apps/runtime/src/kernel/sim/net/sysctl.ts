/** What sysctls of a network namespace mean to packets (ip-sysctl.rst). Reading and writing them is fs/proc-sys.ts's work. */
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import type { Network } from "./network.ts";

const unprivilegedPortStart = 1024;

/** The host's IPv4 forwarding and conf settings are those of a new namespace (devconf_inherit_init_net 0). */
export function inheritSysctls(machine: Machine, namespace: NetNamespace): void {
  const host = (machine.init as Machine["init"] | undefined)?.namespaces.net;
  if (host === undefined || host === namespace) return;
  for (const [name, value] of host.network.sysctls) {
    const isShared =
      name.startsWith("net.ipv4.conf.all.") || name.startsWith("net.ipv4.conf.default.");
    if (name === "net.ipv4.ip_forward" || isShared) namespace.network.sysctls.set(name, value);
  }
}

/** Whether packets for others are passed on. */
export function forwards({ sysctls }: Network): boolean {
  return sysctls.get("net.ipv4.ip_forward") === "1";
}

/** Whether packets with addresses of 127.0.0.0/8 may pass this device. */
export function routesLocalnet({ sysctls }: Network, device: string): boolean {
  return (
    sysctls.get("net.ipv4.conf.all.route_localnet") === "1" ||
    sysctls.get(`net.ipv4.conf.${device}.route_localnet`) === "1"
  );
}

/** Ports below need CAP_NET_BIND_SERVICE. */
export function privilegedPorts({ sysctls }: Network): number {
  const value = sysctls.get("net.ipv4.ip_unprivileged_port_start");
  return value === undefined ? unprivilegedPortStart : Number(value);
}

/** Host gids that may make ICMP echo sockets: [low, high]. */
export function pingGroups({ sysctls }: Network): readonly [number, number] {
  const [low = 1, high = 0] = (sysctls.get("net.ipv4.ping_group_range") ?? "1\t0")
    .split(/\s+/)
    .map(Number);
  return [low, high];
}
