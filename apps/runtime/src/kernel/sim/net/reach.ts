/** There and back: a request, and whether its answer finds the way to who asked. */
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import type { Packet } from "./packet.ts";
import {
  chooseSource,
  type Delivered,
  sendFromOutside,
  sendPacket,
  type Walk,
} from "./route-packet.ts";

export interface Reached {
  readonly kind: "reached";
  readonly request: Delivered;
  /** There and back. */
  readonly roundTripNs: number;
}

export type Reach = Reached | Exclude<Walk, Delivered>;

function answerTo(packet: Packet): Packet {
  return {
    protocol: packet.protocol,
    source: packet.destination,
    sourcePort: packet.destinationPort,
    destination: packet.source,
    destinationPort: packet.sourcePort,
  };
}

/** The answer of whoever got `request`; delivered, refused or lost. */
function answer(machine: Machine, request: Delivered): Walk {
  const back = answerTo(request.packet);
  if (request.namespace !== undefined) {
    return sendPacket(machine, request.namespace, back, request.translations);
  }
  return sendFromOutside(machine, machine.init.namespaces.net, back, request.translations);
}

/**
 * Sends `packet` from a namespace, with its source filled in, and its answer back. An answer that does not arrive, or comes from somebody
 * else than was asked (translated one way only), is as good as none.
 */
export function reach(machine: Machine, from: NetNamespace, packet: Packet): Reach {
  const failed = chooseSource(machine, from.network, packet);
  if (failed !== undefined) return failed;
  const request = sendPacket(machine, from, { ...packet });
  if (request.kind !== "delivered") return request;
  const reply = answer(machine, request);
  if (reply.kind !== "delivered") return { kind: "lost", why: `the answer: ${reply.why}` };
  const right =
    reply.namespace === from &&
    reply.packet.source === packet.destination &&
    reply.packet.sourcePort === packet.destinationPort;
  if (!right) return { kind: "lost", why: "the answer comes from another address than was asked" };
  return { kind: "reached", request, roundTripNs: request.latencyNs + reply.latencyNs };
}

/** The same from a host outside, by its address. */
export function reachFromOutside(machine: Machine, packet: Packet): Reach {
  const asked = { ...packet };
  const request = sendFromOutside(machine, machine.init.namespaces.net, asked);
  if (request.kind !== "delivered" || request.namespace === undefined) {
    return request.kind === "delivered" ? { kind: "lost", why: "it never came in" } : request;
  }
  const back = answerTo(request.packet);
  const reply = sendPacket(machine, request.namespace, back, request.translations);
  if (reply.kind !== "delivered") return { kind: "lost", why: `the answer: ${reply.why}` };
  const right =
    reply.host?.ip === packet.source &&
    reply.packet.source === packet.destination &&
    reply.packet.sourcePort === packet.destinationPort;
  if (!right) return { kind: "lost", why: "the answer comes from another address than was asked" };
  return { kind: "reached", request, roundTripNs: request.latencyNs + reply.latencyNs };
}
