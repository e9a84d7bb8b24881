/** Changing capability sets (capset(2), prctl(2), capabilities(7)). */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "./capable.ts";
import { commitCredentials } from "./commit-credentials.ts";
import { type CapabilitySet, capabilitySet, noCapabilities } from "./credentials.ts";

export interface CapabilitySets {
  readonly effective: CapabilitySet;
  readonly permitted: CapabilitySet;
  readonly inheritable: CapabilitySet;
}

/** cap_capset(): permitted only shrinks; effective within it; inheritable within what is permitted or bounded. */
export function setCapabilities(caller: Process, sets: CapabilitySets): void {
  const before = caller.credentials;
  const { effective, permitted, inheritable } = sets;
  const mayAll = capableIn(before, before.userNamespace, "CAP_SETPCAP");
  if (!mayAll && (inheritable & ~(before.inheritable | before.permitted)) !== 0n) refuse("EPERM");
  if ((inheritable & ~(before.inheritable | before.bounding)) !== 0n) refuse("EPERM");
  if ((permitted & ~before.permitted) !== 0n) refuse("EPERM");
  if ((effective & ~permitted) !== 0n) refuse("EPERM");
  const ambient = before.ambient & permitted & inheritable;
  commitCredentials(caller, { ...before, effective, permitted, inheritable, ambient });
}

/** PR_CAPBSET_DROP. */
export function dropFromBounding(caller: Process, capability: string): void {
  const before = caller.credentials;
  const bit = capabilitySet([capability]);
  if (!capableIn(before, before.userNamespace, "CAP_SETPCAP")) refuse("EPERM");
  if (bit === noCapabilities) refuse("EINVAL");
  caller.credentials = { ...before, bounding: before.bounding & ~bit };
}

/** PR_CAP_AMBIENT_CLEAR_ALL, then PR_CAP_AMBIENT_RAISE of each: it has to be permitted and inheritable. */
export function replaceAmbient(caller: Process, capabilities: readonly string[]): void {
  caller.credentials = { ...caller.credentials, ambient: noCapabilities };
  for (const capability of capabilities) {
    const before = caller.credentials;
    const bit = capabilitySet([capability]);
    if (bit === noCapabilities) refuse("EINVAL");
    if ((before.permitted & before.inheritable & bit) === 0n) refuse("EPERM");
    caller.credentials = { ...before, ambient: before.ambient | bit };
  }
}
