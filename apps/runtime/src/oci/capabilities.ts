/**
 * Capabilities: names and numbers (linux/capability.h, capabilities(7)), the set a container has by
 * default, and what CRI's add and drop lists make of it.
 */
import type { Capability } from "../api/index.ts";
import { capabilityNames, RuntimeError } from "../kernel/index.ts";

export { capabilityNames };

/** What container runtimes have agreed on: enough for ordinary images, nothing that administers the host. */
export const defaultCapabilities: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

/** The number of a capability, undefined for a name Linux does not know. */
export function capabilityNumber(name: string): number | undefined {
  const number = (capabilityNames as readonly string[]).indexOf(name);
  return number < 0 ? undefined : number;
}

export interface CapabilityRequest {
  readonly privileged: boolean;
  readonly capabilities: Capability | undefined;
  /** The daemon's own effective capabilities: nobody can hand on what he has not. */
  readonly available: readonly string[];
}

/**
 * The bounding, permitted and effective set of a container, in order of number.
 * ALL in a list is applied first, single names after it, additions before removals, so that
 * "add ALL, drop CHOWN" means what it says. INVALID_ARGUMENT for a name Linux does not know.
 */
export function resolveCapabilities(request: CapabilityRequest): {
  readonly capabilities: readonly string[];
  readonly warnings: readonly string[];
} {
  const available = new Set(request.available);
  if (request.privileged) return { capabilities: inOrder(available), warnings: [] };
  const add = (request.capabilities?.addCapabilities ?? []).map(fullName);
  const drop = (request.capabilities?.dropCapabilities ?? []).map(fullName);
  let chosen = new Set(defaultCapabilities);
  if (add.includes("ALL")) chosen = new Set(available);
  if (drop.includes("ALL")) chosen = new Set();
  for (const name of add) if (name !== "ALL") chosen.add(name);
  for (const name of drop) chosen.delete(name);
  const warnings = [];
  for (const name of chosen) {
    if (available.has(name)) continue;
    chosen.delete(name);
    if (add.includes(name)) {
      warnings.push(`capability ${name} was asked for, but the runtime has not got it itself`);
    }
  }
  if ((request.capabilities?.addAmbientCapabilities ?? []).length > 0) {
    warnings.push("ambient capabilities were asked for; containers start with none");
  }
  return { capabilities: inOrder(chosen), warnings };
}

function fullName(name: string): string {
  const upper = name.toUpperCase();
  if (upper === "ALL" || upper === "CAP_ALL") return "ALL";
  const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  if (capabilityNumber(full) === undefined) {
    throw new RuntimeError("INVALID_ARGUMENT", `unknown capability ${JSON.stringify(name)}`);
  }
  return full;
}

function inOrder(names: ReadonlySet<string>): readonly string[] {
  return capabilityNames.filter((name) => names.has(name));
}
