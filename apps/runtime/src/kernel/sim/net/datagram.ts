/** Datagrams (udp(7)): sent at once, delivered after the way, refused by ICMP when nobody is there. */
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import { refuse } from "../refusal.ts";
import { ephemeralPort, socketAt } from "./bind.ts";
import { parseIp } from "./ip.ts";
import type { Packet } from "./packet.ts";
import { reach } from "./reach.ts";
import { type Delivered, sendPacket } from "./route-packet.ts";
import type { Socket } from "./socket.ts";
import type { EndpointAddress } from "./tcp-endpoint.ts";

function later(machine: Machine, ns: number, work: () => void): void {
  const { scheduler } = machine;
  scheduler.at(scheduler.nowNs + BigInt(Math.round(ns)), work);
}

/** Binds a socket that has no port yet. */
function bindAny(socket: Socket): EndpointAddress {
  if (socket.bound !== undefined) return socket.bound;
  const { network } = socket.namespace;
  const port = ephemeralPort(network, "udp", "0.0.0.0");
  const key = `udp 0.0.0.0:${port}`;
  socket.bound = { ip: "0.0.0.0", port };
  socket.key = key;
  network.listeners.set(key, socket);
  socket.onClose(() => network.listeners.delete(key));
  return socket.bound;
}

function packetOf(socket: Socket, to: EndpointAddress): Packet {
  const own = bindAny(socket);
  const source = own.ip === "0.0.0.0" || own.ip === "::" ? "" : own.ip;
  return {
    protocol: "udp",
    source,
    sourcePort: own.port,
    destination: to.ip,
    destinationPort: to.port,
  };
}

/** A service outside answers what it got. */
function askOutside(
  machine: Machine,
  socket: Socket,
  request: Delivered,
  to: EndpointAddress,
  data: Uint8Array,
  roundTripNs: number,
): void {
  const service = request.host?.services.get(`udp ${request.packet.destinationPort}`);
  const answer = service?.(data);
  later(machine, roundTripNs, () => {
    if (service === undefined) socket.refuseNext();
    else if (answer !== undefined) socket.push({ bytes: answer, from: to });
  });
}

function deliver(
  machine: Machine,
  namespace: NetNamespace,
  request: Delivered,
  data: Uint8Array,
): boolean {
  const { packet, latencyNs } = request;
  const target = socketAt(namespace.network, "udp", packet.destination, packet.destinationPort);
  if (target === undefined) return false;
  const from = { ip: packet.source, port: packet.sourcePort };
  later(machine, latencyNs, () => target.push({ bytes: data, from }));
  return true;
}

/** sendto(2). ENETUNREACH and the like at once; what is lost on the way is lost. */
export function sendDatagram(
  machine: Machine,
  socket: Socket,
  to: EndpointAddress,
  bytes: Uint8Array,
): void {
  if (parseIp(to.ip) === undefined) refuse("EINVAL");
  if (to.port === 0) refuse("EINVAL");
  const data = bytes.slice();
  const packet = packetOf(socket, to);
  const result = reach(machine, socket.namespace, { ...packet });
  if (result.kind === "reached") {
    const { request, roundTripNs } = result;
    if (request.namespace === undefined)
      askOutside(machine, socket, request, to, data, roundTripNs);
    else if (!deliver(machine, request.namespace, request, data)) {
      later(machine, roundTripNs, () => socket.refuseNext());
    }
    return;
  }
  if (result.kind === "refused" && result.afterNs === 0) refuse(result.errno);
  // The answer finds no way back; the datagram may arrive nevertheless.
  const there = sendPacket(machine, socket.namespace, packet);
  if (there.kind === "delivered" && there.namespace !== undefined) {
    deliver(machine, there.namespace, there, data);
  }
}

/** connect(2) of a udp socket: a default destination, and news of ICMP errors. */
export function connectDatagram(machine: Machine, socket: Socket, to: EndpointAddress): void {
  bindAny(socket);
  socket.remote = to;
  socket.send = (data) => sendDatagram(machine, socket, to, data);
}
