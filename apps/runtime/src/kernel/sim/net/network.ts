/** What a network namespace holds: devices, addresses, routes, rules, sockets. The behaviour is beside. */
import type { NetNamespace } from "../namespace.ts";

export interface Address {
  /** "10.88.0.2" or "fd00::2". */
  readonly ip: string;
  readonly prefixLength: number;
}

export interface NetDevice {
  readonly index: number;
  name: string;
  readonly kind: "loopback" | "veth" | "bridge" | "dummy" | "uplink";
  namespace: NetNamespace;
  up: boolean;
  mtu: number;
  /** "02:42:0a:58:00:02". */
  mac: string;
  addresses: Address[];
  /** The other end of a veth pair. */
  peer: NetDevice | undefined;
  /** The bridge it is a port of. */
  master: NetDevice | undefined;
  hairpin: boolean;
}

export interface Route {
  /** "0.0.0.0/0" is the default. */
  readonly destination: string;
  readonly gateway: string | undefined;
  readonly device: NetDevice;
  readonly source: string | undefined;
}

/** A NAT or filter rule as `nft list ruleset` would show it, in a shape the model evaluates. */
export interface NetRule {
  readonly chain: "prerouting" | "output" | "forward" | "input" | "postrouting";
  /** Who made it, so that it can be taken away: a CNI container id. */
  readonly owner: string;
  readonly match: {
    readonly protocol?: "tcp" | "udp" | "icmp";
    readonly source?: string;
    readonly destination?: string;
    readonly notDestination?: string;
    readonly destinationPort?: number;
    readonly inDevice?: string;
    readonly outDevice?: string;
  };
  readonly action:
    | { readonly kind: "accept" | "drop" | "masquerade" }
    | { readonly kind: "dnat"; readonly ip: string; readonly port: number };
}

export interface Network {
  readonly devices: Map<string, NetDevice>;
  readonly routes: Route[];
  readonly rules: NetRule[];
  /** net.* sysctls of this namespace: "net.ipv4.ip_forward" to "0". */
  readonly sysctls: Map<string, string>;
  /** Listening sockets by "tcp 0.0.0.0:8080"; owned by the socket calls. */
  readonly listeners: Map<string, object>;
}
