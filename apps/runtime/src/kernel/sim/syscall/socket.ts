/** System calls on sockets and network configuration (socket(7), rtnetlink(7)). Each begins with `enter`. */
import type { NetNamespace } from "../namespace.ts";
import type { NetDevice, NetRule } from "../net/network.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { Coroutine } from "../task.ts";

export type Protocol = "tcp" | "udp" | "unix" | "raw";

/** socket(2): an fd. EPERM for raw without CAP_NET_RAW. */
export function socket(_caller: Process, _protocol: Protocol): number {
  return refuse("ENOSYS");
}
/** EADDRINUSE, EADDRNOTAVAIL; EACCES below net.ipv4.ip_unprivileged_port_start without CAP_NET_BIND_SERVICE. */
export function bind(_caller: Process, _fd: number, _ip: string, _port: number): void {
  refuse("ENOSYS");
}
export function listen(_caller: Process, _fd: number): void {
  refuse("ENOSYS");
}
/** A connected fd and who called. */
export function* accept(
  _caller: Process,
  _fd: number,
): Coroutine<{ readonly fd: number; readonly ip: string; readonly port: number }> {
  return refuse("ENOSYS");
}
/** ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, ETIMEDOUT: by routes, links and rules of the namespaces on the way. Data: read and write of syscall/file. */
export function* connect(
  _caller: Process,
  _fd: number,
  _ip: string,
  _port: number,
): Coroutine<void> {
  return refuse("ENOSYS");
}
/** Local and remote address of a connected socket. */
export function addressesOf(
  _caller: Process,
  _fd: number,
): { readonly local: string; readonly remote: string } {
  return refuse("ENOSYS");
}
/** One echo request: round trip in ns. Needs an icmp socket: CAP_NET_RAW, or a group in net.ipv4.ping_group_range. */
export function* ping(_caller: Process, _ip: string): Coroutine<bigint> {
  return refuse("ENOSYS");
}

/** rtnetlink, all of it EPERM without CAP_NET_ADMIN over the network namespace. */
export function linkAdd(
  _caller: Process,
  _link: {
    readonly name: string;
    readonly kind: "veth" | "bridge" | "dummy";
    readonly peerName?: string;
    readonly peerNamespace?: NetNamespace;
    readonly mtu?: number;
  },
): NetDevice {
  return refuse("ENOSYS");
}
export function linkDelete(_caller: Process, _name: string): void {
  refuse("ENOSYS");
}
export function linkSet(
  _caller: Process,
  _name: string,
  _change: {
    readonly up?: boolean;
    readonly name?: string;
    readonly master?: string | undefined;
    readonly namespace?: NetNamespace;
    readonly hairpin?: boolean;
    readonly mtu?: number;
  },
): void {
  refuse("ENOSYS");
}
export function addressAdd(_caller: Process, _name: string, _cidr: string): void {
  refuse("ENOSYS");
}
export function addressDelete(_caller: Process, _name: string, _cidr: string): void {
  refuse("ENOSYS");
}
export function routeAdd(
  _caller: Process,
  _route: { readonly destination: string; readonly gateway?: string; readonly device?: string },
): void {
  refuse("ENOSYS");
}
/** Adds a rule; `ruleDelete` takes all of one owner away. */
export function ruleAdd(_caller: Process, _rule: NetRule): void {
  refuse("ENOSYS");
}
export function ruleDelete(_caller: Process, _owner: string): void {
  refuse("ENOSYS");
}
