/** The one question permission checks end in: has this process that capability over that namespace? */
import { type CapabilityName, type Credentials, capabilityBit } from "./credentials.ts";
import type { UserNamespace } from "./user-namespace.ts";

/**
 * ns_capable(): the effective set counts in the process's own user namespace and in all below it; the owner
 * of a namespace has every capability in it when acting from its parent (user_namespaces(7)).
 */
export function capableIn(
  credentials: Credentials,
  namespace: UserNamespace,
  capability: CapabilityName,
): boolean {
  const own = credentials.userNamespace;
  for (let at: UserNamespace | undefined = namespace; at !== undefined; at = at.parent) {
    if (at === own) return (credentials.effective & capabilityBit(capability)) !== 0n;
    if (at.parent === own && at.ownerUid === credentials.euid) return true;
    if (at.level <= own.level) return false;
  }
  return false;
}
