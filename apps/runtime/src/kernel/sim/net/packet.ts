/** A packet on its way, and what was rewritten in it (conntrack). */
import type { NetNamespace } from "../namespace.ts";

export interface Packet {
  readonly protocol: "tcp" | "udp" | "icmp";
  /** Empty until the route of the sender has chosen one. */
  source: string;
  sourcePort: number;
  destination: string;
  destinationPort: number;
}

interface Tuple {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

/** What one namespace made of a flow; its replies are turned back by it. */
export interface Translation {
  readonly namespace: NetNamespace;
  readonly before: Tuple;
  readonly after: Tuple;
}

export function tupleOf(packet: Packet): Tuple {
  const { source, sourcePort, destination, destinationPort } = packet;
  return { source, sourcePort, destination, destinationPort };
}

/** Turns a reply back by what this namespace made of its flow, the last translation first. */
export function restore(
  packet: Packet,
  namespace: NetNamespace,
  flow: readonly Translation[],
): void {
  for (let index = flow.length - 1; index >= 0; index--) {
    const { namespace: at, before, after } = flow[index] as Translation;
    if (at !== namespace) continue;
    if (after.source !== packet.destination || after.sourcePort !== packet.destinationPort)
      continue;
    if (after.destination !== packet.source || after.destinationPort !== packet.sourcePort)
      continue;
    packet.source = before.destination;
    packet.sourcePort = before.destinationPort;
    packet.destination = before.source;
    packet.destinationPort = before.sourcePort;
  }
}
