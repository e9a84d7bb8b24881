/** The engine's options as far as they reach into a container, in the compiler's form. */
import type { RuntimeOptions } from "../oci/request.ts";
import type { EngineOptions, RuntimeHandlerOptions } from "./engine-options.ts";

/** `cgroupParent` is the pod's: the compiler puts a container below it when the CRI names no other. */
export function ociOptionsOf(
  options: EngineOptions,
  handler: RuntimeHandlerOptions,
  cgroupParent: string,
): RuntimeOptions {
  return {
    cgroupParent,
    unsetSeccompProfile: options.unsetSeccompProfile,
    rlimits: options.rlimits,
    pidsLimit: options.pidsLimit,
    privilegedWithoutHostDevices: handler.privilegedWithoutHostDevices,
    unprivilegedPorts: options.unprivilegedPorts,
    unprivilegedIcmp: options.unprivilegedPing,
  };
}
