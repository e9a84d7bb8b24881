/** The SELinux label a container starts with; undefined without SELinux or without any word of the CRI. */
import type { SELinuxOption } from "../api/index.ts";
import { type HostFacts, RuntimeError } from "../kernel/index.ts";

/** user:role:type:level, with the usual parts for what is not given (container-selinux). */
export function selinuxLabel(
  facts: HostFacts,
  options: SELinuxOption | undefined,
): string | undefined {
  if (!facts.selinux || options === undefined) return undefined;
  const parts = [
    options.user || "system_u",
    options.role || "system_r",
    options.type || "container_t",
    options.level || "s0",
  ];
  for (const part of parts) {
    if (!/^[A-Za-z0-9_:,.-]+$/.test(part)) {
      throw new RuntimeError(
        "INVALID_ARGUMENT",
        `${JSON.stringify(part)} is no part of an SELinux label`,
      );
    }
  }
  return parts.join(":");
}
