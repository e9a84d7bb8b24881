/**
 * The engine: all CRI meaning behind one class. `start` recovers what an earlier daemon left; after
 * that there is one method an RPC, each delegating to the file of its name. Pure: the machine, the
 * clock and the registry are the World's.
 */
import type * as cri from "../api/index.ts";
import { messageOf } from "../kernel/errors.ts";
import type { World } from "../kernel/world.ts";
import { removeParentCgroupPlan } from "../oci/index.ts";
import type { Context } from "../trace/tracer.ts";
import { compiledOf } from "./containers/compiled-container.ts";
import {
  type ContainerRecord,
  containerRecordKind,
  isContainerRecord,
} from "./containers/container-record.ts";
import { containerStatus } from "./containers/container-status.ts";
import { createContainer } from "./containers/create-container.ts";
import { execSync } from "./containers/exec-sync.ts";
import { listContainers } from "./containers/list-containers.ts";
import { removeContainer } from "./containers/remove-container.ts";
import { reopenContainerLog } from "./containers/reopen-container-log.ts";
import { startContainer } from "./containers/start-container.ts";
import { stopContainer } from "./containers/stop-container.ts";
import { updateContainerResources } from "./containers/update-container-resources.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { EngineParts } from "./engine-parts.ts";
import { Images } from "./images/images.ts";
import { KeyedLocks } from "./keyed-locks.ts";
import { Network } from "./network/network.ts";
import { listPodSandbox } from "./pods/list-pod-sandbox.ts";
import { isPodRecord, type PodRecord, podRecordKind } from "./pods/pod-record.ts";
import { podSandboxStatus } from "./pods/pod-sandbox-status.ts";
import { removePodSandbox } from "./pods/remove-pod-sandbox.ts";
import { runPodSandbox } from "./pods/run-pod-sandbox.ts";
import { stopPodSandbox } from "./pods/stop-pod-sandbox.ts";
import { RecordStore } from "./record-store.ts";
import { recover } from "./recover.ts";
import { Shims } from "./shims.ts";
import { Snapshots } from "./snapshots/snapshots.ts";
import { status } from "./status.ts";
import { version } from "./version.ts";
import { shimListener } from "./watch-shims.ts";

export class Engine {
  readonly #parts: EngineParts;

  constructor(world: World, options: EngineOptions) {
    const snapshots = new Snapshots(world, options);
    this.#parts = {
      world,
      options,
      pods: new RecordStore<PodRecord>(world.records, podRecordKind, "pod sandbox", isPodRecord),
      containers: new RecordStore<ContainerRecord>(
        world.records,
        containerRecordKind,
        "container",
        isContainerRecord,
      ),
      locks: new KeyedLocks(),
      shims: new Shims(world, options),
      network: new Network(world, options.network),
      images: new Images(world, options, snapshots),
      snapshots,
      recovery: { done: false, problems: [] },
      crashPoint: (point) => options.crashPoint?.(point),
    };
  }

  /** What the RPCs work with, for the parts of the daemon that live beside them (streaming, admin calls). */
  get parts(): EngineParts {
    return this.#parts;
  }

  /**
   * Reconciles records with shims, cgroups, namespaces and mounts. Never rejects because of one bad
   * item: what could not be mended is in Status, condition RuntimeReady. Spans of what happens later by
   * itself, such as the end of a container, have the tracer of `context`.
   */
  async start(context: Context): Promise<void> {
    const background: Context = { tracer: context.tracer, span: undefined, signal: undefined };
    const failed = (what: string, error: unknown): void => {
      this.#parts.recovery.problems.push(`${what}: ${messageOf(error)}`);
    };
    this.#parts.world.kernel.listen(shimListener(this.#parts, background, failed));
    await recover(this.#parts, context);
  }

  /** Lets go of shims and watchers; pods and containers run on. Without any, our own cgroup goes too. */
  async close(context: Context): Promise<void> {
    const { world, options, shims, pods } = this.#parts;
    shims.disconnect();
    if (pods.all().length > 0) return;
    await world.kernel.run(
      context,
      removeParentCgroupPlan(world.kernel.facts, options.cgroupParentDefault),
    );
  }

  async version(_context: Context, _request: cri.VersionRequest): Promise<cri.VersionResponse> {
    return version(this.#parts.options);
  }

  async status(context: Context, request: cri.StatusRequest): Promise<cri.StatusResponse> {
    return await status(this.#parts, context, request);
  }

  /** The driver is cgroupfs, whatever the kubelet's own setting. */
  async runtimeConfig(
    _context: Context,
    _request: cri.RuntimeConfigRequest,
  ): Promise<cri.RuntimeConfigResponse> {
    return { linux: { cgroupDriver: "CGROUPFS" } };
  }

  /** The pod network is CNI's affair; a pod CIDR from the kubelet changes nothing here. */
  async updateRuntimeConfig(
    _context: Context,
    _request: cri.UpdateRuntimeConfigRequest,
  ): Promise<cri.UpdateRuntimeConfigResponse> {
    return {};
  }

  runPodSandbox(
    context: Context,
    request: cri.RunPodSandboxRequest,
  ): Promise<cri.RunPodSandboxResponse> {
    return runPodSandbox(this.#parts, context, request);
  }

  stopPodSandbox(
    context: Context,
    request: cri.StopPodSandboxRequest,
  ): Promise<cri.StopPodSandboxResponse> {
    return stopPodSandbox(this.#parts, context, request);
  }

  removePodSandbox(
    context: Context,
    request: cri.RemovePodSandboxRequest,
  ): Promise<cri.RemovePodSandboxResponse> {
    return removePodSandbox(this.#parts, context, request);
  }

  async podSandboxStatus(
    _context: Context,
    request: cri.PodSandboxStatusRequest,
  ): Promise<cri.PodSandboxStatusResponse> {
    return podSandboxStatus(this.#parts, request);
  }

  async listPodSandbox(
    _context: Context,
    request: cri.ListPodSandboxRequest,
  ): Promise<cri.ListPodSandboxResponse> {
    return listPodSandbox(this.#parts, request);
  }

  createContainer(
    context: Context,
    request: cri.CreateContainerRequest,
  ): Promise<cri.CreateContainerResponse> {
    return createContainer(this.#parts, context, request);
  }

  startContainer(
    context: Context,
    request: cri.StartContainerRequest,
  ): Promise<cri.StartContainerResponse> {
    return startContainer(this.#parts, context, request);
  }

  stopContainer(
    context: Context,
    request: cri.StopContainerRequest,
  ): Promise<cri.StopContainerResponse> {
    return stopContainer(this.#parts, context, request);
  }

  removeContainer(
    context: Context,
    request: cri.RemoveContainerRequest,
  ): Promise<cri.RemoveContainerResponse> {
    return removeContainer(this.#parts, context, request);
  }

  async listContainers(
    _context: Context,
    request: cri.ListContainersRequest,
  ): Promise<cri.ListContainersResponse> {
    return listContainers(this.#parts, request);
  }

  async containerStatus(
    _context: Context,
    request: cri.ContainerStatusRequest,
  ): Promise<cri.ContainerStatusResponse> {
    return containerStatus(this.#parts, request);
  }

  updateContainerResources(
    context: Context,
    request: cri.UpdateContainerResourcesRequest,
  ): Promise<cri.UpdateContainerResourcesResponse> {
    return updateContainerResources(this.#parts, context, request);
  }

  reopenContainerLog(
    context: Context,
    request: cri.ReopenContainerLogRequest,
  ): Promise<cri.ReopenContainerLogResponse> {
    return reopenContainerLog(this.#parts, context, request);
  }

  execSync(context: Context, request: cri.ExecSyncRequest): Promise<cri.ExecSyncResponse> {
    return execSync(this.#parts, context, request);
  }

  async listImages(
    _context: Context,
    request: cri.ListImagesRequest,
  ): Promise<cri.ListImagesResponse> {
    return { images: this.#parts.images.list(request.filter) };
  }

  async imageStatus(
    _context: Context,
    request: cri.ImageStatusRequest,
  ): Promise<cri.ImageStatusResponse> {
    return this.#parts.images.status(request.image, request.verbose);
  }

  async pullImage(context: Context, request: cri.PullImageRequest): Promise<cri.PullImageResponse> {
    const { image, auth, sandboxConfig } = request;
    return { imageRef: await this.#parts.images.pull(context, image, auth, sandboxConfig) };
  }

  async removeImage(
    context: Context,
    request: cri.RemoveImageRequest,
  ): Promise<cri.RemoveImageResponse> {
    await this.#parts.images.remove(context, request.image);
    return {};
  }

  imageFsInfo(
    _context: Context,
    _request: cri.ImageFsInfoRequest,
  ): Promise<cri.ImageFsInfoResponse> {
    return this.#parts.images.fsInfo();
  }

  /** Admin call: brings in the images of an archive or layout on this machine. */
  async loadImage(context: Context, request: cri.LoadImageRequest): Promise<cri.LoadImageResponse> {
    const images = await this.#parts.images.load(context, request.path);
    return {
      images: images.map(({ id, repoTags, repoDigests, sizeBytes }) => ({
        id,
        references: [...repoTags, ...repoDigests],
        sizeBytes,
      })),
    };
  }

  /**
   * Admin call: what a container, or a pause container by its pod's id, was compiled to.
   * @throws RuntimeError NOT_FOUND
   */
  async containerPlan(
    _context: Context,
    request: cri.ContainerPlanRequest,
  ): Promise<cri.ContainerPlanResponse> {
    const { pods, containers } = this.#parts;
    const { id } = pods.find(request.containerId) ?? containers.need(request.containerId);
    const compiled = compiledOf(this.#parts, id);
    return { text: compiled?.planText ?? "", json: JSON.stringify(compiled?.spec ?? null) };
  }
}
