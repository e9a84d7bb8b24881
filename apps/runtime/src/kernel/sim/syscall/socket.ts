/** System calls on sockets and network configuration (socket(7), rtnetlink(7)). Each begins with `enter`. */
import { O_NONBLOCK, O_RDWR } from "../abi.ts";
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import { addAddress, removeAddress } from "../net/address.ts";
import { bindSocket } from "../net/bind.ts";
import { connectDatagram, sendDatagram } from "../net/datagram.ts";
import { deviceNamed } from "../net/device.ts";
import { addLink, changeLink, deleteLink, type LinkChange, type NewLink } from "../net/link.ts";
import type { NetDevice, NetRule } from "../net/network.ts";
import { echo } from "../net/ping.ts";
import { addRoute, type NewRoute, removeRoute } from "../net/route.ts";
import { type Datagram, type Protocol, Socket } from "../net/socket.ts";
import { pingGroups } from "../net/sysctl.ts";
import { connectTcp } from "../net/tcp-connect.ts";
import { bindPath, connectPath } from "../net/unix-socket.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { Coroutine } from "../task.ts";
import { capableIn } from "../user/capable.ts";
import { OpenFile } from "../vfs/open-file.ts";
import { enter } from "./enter.ts";
import { fileOf, installFile } from "./file.ts";

export type { Protocol } from "../net/socket.ts";

const AF_UNIX = 1;
const AF_INET = 2;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const IPPROTO_ICMP = 1;
/** SOMAXCONN. */
const backlogDefault = 4096;
const pingTimeoutNs = 10_000_000_000n;

const numbers: Readonly<
  Record<Protocol, readonly [family: number, type: number, protocol: number]>
> = {
  tcp: [AF_INET, SOCK_STREAM, 0],
  udp: [AF_INET, SOCK_DGRAM, 0],
  unix: [AF_UNIX, SOCK_STREAM, 0],
  raw: [AF_INET, SOCK_RAW, IPPROTO_ICMP],
};

function fileFor(machine: Machine, socket: Socket): OpenFile {
  return new OpenFile({ flags: O_RDWR, stream: socket, label: `socket:[${machine.nextPipe()}]` });
}

/** ENOTSOCK for any other fd. */
function socketOf(caller: Process, fd: number): Socket {
  const { stream } = fileOf(caller, fd);
  return stream instanceof Socket ? stream : refuse("ENOTSOCK");
}

function isNonblocking(caller: Process, fd: number): boolean {
  return (fileOf(caller, fd).flags & O_NONBLOCK) !== 0;
}

/** socket(2): an fd. EPERM for raw without CAP_NET_RAW. */
export function socket(caller: Process, protocol: Protocol): number {
  enter(caller, "socket", ...numbers[protocol]);
  const namespace = caller.namespaces.net;
  if (protocol === "raw" && !capableIn(caller.credentials, namespace.owner, "CAP_NET_RAW")) {
    refuse("EPERM");
  }
  return installFile(caller, fileFor(caller.machine, new Socket(protocol, namespace)));
}
/**
 * bind(2); of a unix socket `ip` is a path. EADDRINUSE, EADDRNOTAVAIL; EACCES below
 * net.ipv4.ip_unprivileged_port_start without CAP_NET_BIND_SERVICE.
 */
export function bind(caller: Process, fd: number, ip: string, port: number): void {
  enter(caller, "bind", fd);
  const target = socketOf(caller, fd);
  if (target.protocol === "unix") bindPath(caller, target, ip);
  else bindSocket(caller.machine, caller.credentials, target, ip, port);
}
export function listen(caller: Process, fd: number, backlog = backlogDefault): void {
  enter(caller, "listen", fd, backlog);
  const target = socketOf(caller, fd);
  if (target.protocol !== "tcp" && target.protocol !== "unix") refuse("EOPNOTSUPP");
  if (target.endpoint !== undefined) refuse("EINVAL");
  if (target.protocol === "tcp" && target.bound === undefined) {
    bindSocket(caller.machine, caller.credentials, target, "0.0.0.0", 0);
  }
  if (target.protocol === "unix" && target.path === "") refuse("EINVAL");
  // One more than said may wait (tcp_v4_conn_request).
  target.backlogMax = Math.max(0, backlog) + 1;
  target.backlog ??= [];
}
/** accept4(2): a connected fd and who called. */
export function* accept(
  caller: Process,
  fd: number,
): Coroutine<{ readonly fd: number; readonly ip: string; readonly port: number }> {
  enter(caller, "accept4", fd);
  const listener = socketOf(caller, fd);
  const endpoint = yield* listener.nextConnection(isNonblocking(caller, fd));
  const made = new Socket(listener.protocol, listener.namespace);
  made.endpoint = endpoint;
  const { ip, port } = endpoint.remote;
  return { fd: installFile(caller, fileFor(caller.machine, made)), ip, port };
}
/**
 * connect(2); of a unix socket `ip` is a path. ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, ETIMEDOUT: by routes, links
 * and rules of the namespaces on the way. Data: read and write of syscall/file.
 */
export function* connect(caller: Process, fd: number, ip: string, port: number): Coroutine<void> {
  enter(caller, "connect", fd);
  const target = socketOf(caller, fd);
  if (target.protocol === "unix") connectPath(caller, target, ip);
  else if (target.protocol === "tcp") yield* connectTcp(caller.machine, target, ip, port);
  else connectDatagram(caller.machine, target, { ip, port });
}
/** sendto(2) of a udp socket. */
export function sendTo(
  caller: Process,
  fd: number,
  data: Uint8Array,
  ip: string,
  port: number,
): void {
  enter(caller, "sendto", fd);
  const target = socketOf(caller, fd);
  if (target.protocol !== "udp") refuse("EOPNOTSUPP");
  sendDatagram(caller.machine, target, { ip, port }, data);
}
/** recvfrom(2) of a udp socket after a poll(2) of `timeoutNs`: undefined when nothing came by then. */
export function* receiveFrom(
  caller: Process,
  fd: number,
  timeoutNs?: bigint,
): Coroutine<Datagram | undefined> {
  enter(caller, "recvfrom", fd);
  const target = socketOf(caller, fd);
  const { scheduler } = caller.machine;
  const untilNs = timeoutNs === undefined ? undefined : scheduler.nowNs + timeoutNs;
  const nonblocking = isNonblocking(caller, fd);
  return yield* target.nextDatagram(nonblocking, untilNs, () => scheduler.nowNs);
}
/** poll(2) for input: false when `timeoutNs` has passed and a read would still wait. */
export function* awaitInput(caller: Process, fd: number, timeoutNs: bigint): Coroutine<boolean> {
  enter(caller, "poll", 0, 1);
  const target = socketOf(caller, fd);
  const { scheduler } = caller.machine;
  const untilNs = scheduler.nowNs + timeoutNs;
  for (;;) {
    const ready =
      target.backlog === undefined ? target.endpoint?.hasInput : target.backlog.length > 0;
    if (ready !== false) return true;
    if (scheduler.nowNs >= untilNs) return false;
    yield { on: [target.readable], untilNs };
  }
}
/** Local and remote address of a connected socket: getsockname(2), getpeername(2). ENOTCONN. */
export function addressesOf(
  caller: Process,
  fd: number,
): { readonly local: string; readonly remote: string } {
  enter(caller, "getpeername", fd);
  const { endpoint } = socketOf(caller, fd);
  if (endpoint === undefined) return refuse("ENOTCONN");
  const { local, remote } = endpoint;
  return { local: `${local.ip}:${local.port}`, remote: `${remote.ip}:${remote.port}` };
}
/**
 * One echo request: round trip in ns; ETIMEDOUT when nothing came back. EPERM without CAP_NET_RAW and without a
 * group in net.ipv4.ping_group_range.
 */
export function* ping(caller: Process, ip: string, timeoutNs = pingTimeoutNs): Coroutine<bigint> {
  const { credentials, machine } = caller;
  const namespace = caller.namespaces.net;
  const isRaw = capableIn(credentials, namespace.owner, "CAP_NET_RAW");
  enter(caller, "socket", AF_INET, isRaw ? SOCK_RAW : SOCK_DGRAM, IPPROTO_ICMP);
  if (!isRaw) {
    const [low, high] = pingGroups(namespace.network);
    const groups = [credentials.egid, ...credentials.groups];
    if (!groups.some((gid) => gid >= low && gid <= high)) refuse("EPERM");
  }
  enter(caller, "sendto");
  return yield* echo(machine, namespace, ip, timeoutNs);
}

/** A request to rtnetlink or nf_tables that changes something: EPERM without CAP_NET_ADMIN over the namespace. */
function enterNetlink(caller: Process): NetNamespace {
  enter(caller, "socket", AF_NETLINK, SOCK_RAW, 0);
  enter(caller, "sendto");
  const namespace = caller.namespaces.net;
  if (!capableIn(caller.credentials, namespace.owner, "CAP_NET_ADMIN")) refuse("EPERM");
  return namespace;
}

/** RTM_NEWLINK. EEXIST, EINVAL for a name that is none. */
export function linkAdd(caller: Process, link: NewLink): NetDevice {
  const namespace = enterNetlink(caller);
  const other = link.peerNamespace;
  if (other !== undefined && !capableIn(caller.credentials, other.owner, "CAP_NET_ADMIN")) {
    refuse("EPERM");
  }
  return addLink(caller.machine, namespace, link);
}
/** RTM_DELLINK. ENODEV; EOPNOTSUPP for lo and for hardware. */
export function linkDelete(caller: Process, name: string): void {
  deleteLink(caller.machine, enterNetlink(caller), name);
}
/** RTM_SETLINK. ENODEV. */
export function linkSet(caller: Process, name: string, change: LinkChange): void {
  const namespace = enterNetlink(caller);
  const target = change.namespace;
  if (target !== undefined && !capableIn(caller.credentials, target.owner, "CAP_NET_ADMIN")) {
    refuse("EPERM");
  }
  changeLink(caller.machine, namespace, name, change);
}
/** RTM_GETLINK: the device, or undefined. Anybody may look. */
export function linkOf(caller: Process, name: string): NetDevice | undefined {
  enter(caller, "sendto");
  return caller.namespaces.net.network.devices.get(name);
}
/** RTM_NEWADDR of "10.88.0.2/16". EEXIST when the device has it. */
export function addressAdd(caller: Process, name: string, cidr: string): void {
  const { network } = enterNetlink(caller);
  addAddress(caller.machine, deviceNamed(network, name), cidr);
}
/** RTM_DELADDR. EADDRNOTAVAIL when it has it not. */
export function addressDelete(caller: Process, name: string, cidr: string): void {
  const { network } = enterNetlink(caller);
  removeAddress(caller.machine, deviceNamed(network, name), cidr);
}
/** RTM_NEWROUTE. ENETUNREACH for a gateway that is no neighbour, ENETDOWN, EEXIST. */
export function routeAdd(caller: Process, route: NewRoute): void {
  const { network } = enterNetlink(caller);
  addRoute(caller.machine, network, route);
}
/** RTM_DELROUTE. ESRCH. */
export function routeDelete(
  caller: Process,
  route: { readonly destination: string; readonly gateway?: string; readonly device?: string },
): void {
  removeRoute(enterNetlink(caller).network, route);
}
/** Adds a rule to the end of its chain, or inserts it at the head; `ruleDelete` takes all of one owner away. */
export function ruleAdd(caller: Process, rule: NetRule, place: "head" | "end" = "end"): void {
  const { rules } = enterNetlink(caller).network;
  if (place === "head") rules.unshift(rule);
  else rules.push(rule);
}
/** None of that owner is fine. */
export function ruleDelete(caller: Process, owner: string): void {
  const { rules } = enterNetlink(caller).network;
  for (let index = rules.length - 1; index >= 0; index--) {
    if (rules[index]?.owner === owner) rules.splice(index, 1);
  }
}
/** The rules of this owner: nft list ruleset. */
export function rulesOf(caller: Process, owner: string): readonly NetRule[] {
  return enterNetlink(caller).network.rules.filter((rule) => rule.owner === owner);
}
