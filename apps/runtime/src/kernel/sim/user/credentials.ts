/** Who a process is and what it may do (credentials(7), capabilities(7)). Ids are the host's. */
import { capabilityNames } from "../../capability.ts";
import type { UserNamespace } from "./user-namespace.ts";

export type CapabilityName = (typeof capabilityNames)[number];

/** A set of capabilities: bit n is capability number n. */
export type CapabilitySet = bigint;

export const noCapabilities: CapabilitySet = 0n;
export const allCapabilities: CapabilitySet = (1n << BigInt(capabilityNames.length)) - 1n;

const bitOf = new Map<string, bigint>(
  capabilityNames.map((name, number) => [name, 1n << BigInt(number)]),
);

/** The set of these names; unknown names are left out. */
export function capabilitySet(names: readonly string[]): CapabilitySet {
  return names.reduce((set, name) => set | (bitOf.get(name) ?? 0n), noCapabilities);
}

export function capabilityBit(name: CapabilityName): bigint {
  return bitOf.get(name) ?? 0n;
}

/** Immutable: a change makes a new one, so that a child can share its parent's. */
export interface Credentials {
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly gid: number;
  readonly egid: number;
  readonly sgid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];
  readonly effective: CapabilitySet;
  readonly permitted: CapabilitySet;
  readonly inheritable: CapabilitySet;
  readonly bounding: CapabilitySet;
  readonly ambient: CapabilitySet;
  readonly userNamespace: UserNamespace;
  readonly noNewPrivs: boolean;
  /** PR_SET_KEEPCAPS; cleared by execve. */
  readonly keepCaps: boolean;
}
