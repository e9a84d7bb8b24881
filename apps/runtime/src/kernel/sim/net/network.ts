/** What a network namespace holds: devices, addresses, routes, rules, sockets. The behaviour is beside. */
import type { NetNamespace } from "../namespace.ts";
import type { IpBits } from "./ip.ts";

export interface Address {
  /** "10.88.0.2" or "fd00::2". */
  readonly ip: string;
  readonly prefixLength: number;
  readonly bits: IpBits;
}

export type LinkKind = "loopback" | "veth" | "bridge" | "dummy" | "uplink";

export interface NetDevice {
  /** Unique in its namespace; a device that moves keeps it if it can. */
  index: number;
  name: string;
  readonly kind: LinkKind;
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
  /** Ports of a bridge; unset while it has none. */
  ports: Set<NetDevice> | undefined;
  hairpin: boolean;
  /** ifalias; empty without. */
  alias: string;
}

export interface Route {
  /** "0.0.0.0/0" is the default. */
  readonly destination: string;
  readonly gateway: string | undefined;
  readonly device: NetDevice;
  readonly source: string | undefined;
  readonly bits: IpBits;
  readonly length: number;
  /** Made by the kernel, of an address; it goes with the address. */
  readonly connected: boolean;
  readonly metric: number;
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
    /** "fib daddr type local": the destination is an address of this namespace. */
    readonly destinationLocal?: boolean;
  };
  readonly action:
    | { readonly kind: "accept" | "drop" | "masquerade" }
    | { readonly kind: "dnat"; readonly ip: string; readonly port: number };
}

export interface Network {
  readonly devices: Map<string, NetDevice>;
  readonly routes: Route[];
  readonly rules: NetRule[];
  /** net.* sysctls of this namespace that differ from the default: "net.ipv4.ip_forward" to "1". */
  readonly sysctls: Map<string, string>;
  /** Bound sockets by "tcp 0.0.0.0:8080"; owned by the socket calls. */
  readonly listeners: Map<string, object>;
  /** The interface index given out last. */
  lastIndex?: number;
  /** The ephemeral port given out last. */
  lastPort?: number;
}
