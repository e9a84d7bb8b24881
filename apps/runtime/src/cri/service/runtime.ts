/** What the gRPC server needs of the runtime behind it: one method an RPC. The engine is one. */
import type { Context } from "../../trace/tracer.ts";
import type { Methods } from "./rpc-names.ts";

/** RPCs that have an implementation; every other one of the API answers UNIMPLEMENTED. */
export type Implemented =
  | "Version"
  | "Status"
  | "RuntimeConfig"
  | "UpdateRuntimeConfig"
  | "RunPodSandbox"
  | "StopPodSandbox"
  | "RemovePodSandbox"
  | "PodSandboxStatus"
  | "ListPodSandbox"
  | "CreateContainer"
  | "StartContainer"
  | "StopContainer"
  | "RemoveContainer"
  | "ContainerStatus"
  | "ListContainers"
  | "UpdateContainerResources"
  | "ReopenContainerLog"
  | "ExecSync"
  | "ListImages"
  | "ImageStatus"
  | "PullImage"
  | "RemoveImage"
  | "ImageFsInfo"
  | "LoadImage"
  | "ContainerPlan";

export type Runtime = {
  readonly [Name in Implemented as Uncapitalize<Name>]: (
    context: Context,
    request: Methods[Name]["request"],
  ) => Promise<Methods[Name]["response"]>;
};
