/**
 * The engine: all CRI meaning behind one class. `start` recovers what an earlier daemon left; after
 * that there is one method an RPC, each delegating to the file of its name. Pure: the machine, the
 * clock and the registry are the World's.
 */
import type * as cri from "../api/index.ts";
import { RuntimeError } from "../kernel/errors.ts";
import type { World } from "../kernel/world.ts";
import type { Context } from "../trace/tracer.ts";
import type { EngineOptions } from "./engine-options.ts";

function notYet(rpc: string): Promise<never> {
  return Promise.reject(new RuntimeError("UNIMPLEMENTED", `${rpc} is not implemented yet`));
}

export class Engine {
  readonly world: World;
  readonly options: EngineOptions;

  constructor(world: World, options: EngineOptions) {
    this.world = world;
    this.options = options;
  }

  /** Reconciles records with shims, cgroups, namespaces and mounts. Never rejects because of one bad item. */
  start(_context: Context): Promise<void> {
    return Promise.resolve();
  }

  /** Lets go of shims and watchers; pods and containers run on. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  version(_context: Context, _request: cri.VersionRequest): Promise<cri.VersionResponse> {
    return notYet("Version");
  }

  status(_context: Context, _request: cri.StatusRequest): Promise<cri.StatusResponse> {
    return notYet("Status");
  }

  runtimeConfig(
    _context: Context,
    _request: cri.RuntimeConfigRequest,
  ): Promise<cri.RuntimeConfigResponse> {
    return notYet("RuntimeConfig");
  }

  updateRuntimeConfig(
    _context: Context,
    _request: cri.UpdateRuntimeConfigRequest,
  ): Promise<cri.UpdateRuntimeConfigResponse> {
    return notYet("UpdateRuntimeConfig");
  }

  runPodSandbox(
    _context: Context,
    _request: cri.RunPodSandboxRequest,
  ): Promise<cri.RunPodSandboxResponse> {
    return notYet("RunPodSandbox");
  }

  stopPodSandbox(
    _context: Context,
    _request: cri.StopPodSandboxRequest,
  ): Promise<cri.StopPodSandboxResponse> {
    return notYet("StopPodSandbox");
  }

  removePodSandbox(
    _context: Context,
    _request: cri.RemovePodSandboxRequest,
  ): Promise<cri.RemovePodSandboxResponse> {
    return notYet("RemovePodSandbox");
  }

  podSandboxStatus(
    _context: Context,
    _request: cri.PodSandboxStatusRequest,
  ): Promise<cri.PodSandboxStatusResponse> {
    return notYet("PodSandboxStatus");
  }

  listPodSandbox(
    _context: Context,
    _request: cri.ListPodSandboxRequest,
  ): Promise<cri.ListPodSandboxResponse> {
    return notYet("ListPodSandbox");
  }

  createContainer(
    _context: Context,
    _request: cri.CreateContainerRequest,
  ): Promise<cri.CreateContainerResponse> {
    return notYet("CreateContainer");
  }

  startContainer(
    _context: Context,
    _request: cri.StartContainerRequest,
  ): Promise<cri.StartContainerResponse> {
    return notYet("StartContainer");
  }

  stopContainer(
    _context: Context,
    _request: cri.StopContainerRequest,
  ): Promise<cri.StopContainerResponse> {
    return notYet("StopContainer");
  }

  removeContainer(
    _context: Context,
    _request: cri.RemoveContainerRequest,
  ): Promise<cri.RemoveContainerResponse> {
    return notYet("RemoveContainer");
  }

  listContainers(
    _context: Context,
    _request: cri.ListContainersRequest,
  ): Promise<cri.ListContainersResponse> {
    return notYet("ListContainers");
  }

  containerStatus(
    _context: Context,
    _request: cri.ContainerStatusRequest,
  ): Promise<cri.ContainerStatusResponse> {
    return notYet("ContainerStatus");
  }

  updateContainerResources(
    _context: Context,
    _request: cri.UpdateContainerResourcesRequest,
  ): Promise<cri.UpdateContainerResourcesResponse> {
    return notYet("UpdateContainerResources");
  }

  reopenContainerLog(
    _context: Context,
    _request: cri.ReopenContainerLogRequest,
  ): Promise<cri.ReopenContainerLogResponse> {
    return notYet("ReopenContainerLog");
  }

  execSync(_context: Context, _request: cri.ExecSyncRequest): Promise<cri.ExecSyncResponse> {
    return notYet("ExecSync");
  }

  listImages(_context: Context, _request: cri.ListImagesRequest): Promise<cri.ListImagesResponse> {
    return notYet("ListImages");
  }

  imageStatus(
    _context: Context,
    _request: cri.ImageStatusRequest,
  ): Promise<cri.ImageStatusResponse> {
    return notYet("ImageStatus");
  }

  pullImage(_context: Context, _request: cri.PullImageRequest): Promise<cri.PullImageResponse> {
    return notYet("PullImage");
  }

  removeImage(
    _context: Context,
    _request: cri.RemoveImageRequest,
  ): Promise<cri.RemoveImageResponse> {
    return notYet("RemoveImage");
  }

  imageFsInfo(
    _context: Context,
    _request: cri.ImageFsInfoRequest,
  ): Promise<cri.ImageFsInfoResponse> {
    return notYet("ImageFsInfo");
  }
}
