/**
 * What an actor needs of a runtime: the CRI calls, one method each. The engine has this shape itself, and
 * so has the gRPC client of cri/, so an actor drives either without knowing which.
 */
import type { ImageServiceMethods, RuntimeServiceMethods } from "../api/index.ts";
import type { Context } from "../trace/tracer.ts";

type Methods = RuntimeServiceMethods & ImageServiceMethods;

/** The calls a pod client makes. */
type Used =
  | "Version"
  | "Status"
  | "RunPodSandbox"
  | "PodSandboxStatus"
  | "StopPodSandbox"
  | "RemovePodSandbox"
  | "ListPodSandbox"
  | "ImageStatus"
  | "PullImage"
  | "CreateContainer"
  | "StartContainer"
  | "ContainerStatus"
  | "StopContainer"
  | "RemoveContainer"
  | "ListContainers"
  | "ExecSync";

export type CriClient = {
  readonly [Name in Used as Uncapitalize<Name>]: (
    context: Context,
    request: Methods[Name]["request"],
  ) => Promise<Methods[Name]["response"]>;
};
