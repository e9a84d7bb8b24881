/** Version: who we are. A kubelet insists that `version` is "0.1.0", the version of its runtime API. */
import type { VersionResponse } from "../api/index.ts";
import type { EngineOptions } from "./engine-options.ts";

const kubeletRuntimeApiVersion = "0.1.0";

export function version(options: EngineOptions): VersionResponse {
  return {
    version: kubeletRuntimeApiVersion,
    runtimeName: "vitrine",
    runtimeVersion: options.runtimeVersion,
    runtimeApiVersion: "v1",
  };
}
