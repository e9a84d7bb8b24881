/**
 * The world behind the uplink: a router and a few hosts with names. They know the way to the machine's own
 * address and to nothing behind it, as the internet does: a pod that is not masqueraded gets no answer.
 */
import type { Machine } from "../machine.ts";
import { fabricOf } from "./fabric.ts";
import { type IpBits, parseIp } from "./ip.ts";

/** Answers what has arrived so far; undefined waits for more. TCP closes after the answer. */
export type OutsideService = (received: Uint8Array) => Uint8Array | undefined;

export interface OutsideHost {
  readonly name: string;
  readonly ip: string;
  /** By "tcp 80". */
  readonly services: ReadonlyMap<string, OutsideService>;
}

/** Addresses of the documentation ranges (RFC 5737): nobody's. */
export const uplinkAddress = "192.0.2.10/24";
export const gatewayIp = "192.0.2.1";
export const resolverIp = "192.0.2.53";
/** One way, ns. */
export const outsideLatencyNs = 8_000_000;

export const outsideNames: ReadonlyMap<string, string> = new Map([
  ["registry.k8s.io", "198.51.100.10"],
  ["docker.io", "198.51.100.20"],
  ["registry-1.docker.io", "198.51.100.20"],
  ["auth.docker.io", "198.51.100.21"],
  ["example.com", "203.0.113.80"],
]);

export function addOutsideHost(machine: Machine, host: OutsideHost): void {
  fabricOf(machine).outside.set(host.ip, host);
}

export function outsideHost(machine: Machine, ip: string): OutsideHost | undefined {
  return fabricOf(machine).outside.get(ip);
}

/** Whether an address is a neighbour of the uplink. */
export function isOnUplink(bits: IpBits): boolean {
  return typeof bits === "number" && bits >>> 8 === (parseIp(gatewayIp) as number) >>> 8;
}
