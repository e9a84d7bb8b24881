// Generated from proto/api.proto by scripts/gen.ts; do not edit.
import type { AttachRequest, AttachResponse, CheckpointContainerRequest, CheckpointContainerResponse, ContainerStatusRequest, ContainerStatusResponse, CreateContainerRequest, CreateContainerResponse, ExecRequest, ExecResponse, ExecSyncRequest, ExecSyncResponse, ListContainersRequest, ListContainersResponse, RemoveContainerRequest, RemoveContainerResponse, ReopenContainerLogRequest, ReopenContainerLogResponse, StartContainerRequest, StartContainerResponse, StopContainerRequest, StopContainerResponse, StreamContainersRequest, StreamContainersResponse, UpdateContainerResourcesRequest, UpdateContainerResourcesResponse } from "./container.ts";
import type { ImageFsInfoRequest, ImageFsInfoResponse, ImageStatusRequest, ImageStatusResponse, ListImagesRequest, ListImagesResponse, PullImageRequest, PullImageResponse, RemoveImageRequest, RemoveImageResponse, StreamImagesRequest, StreamImagesResponse } from "./image.ts";
import type { CheckpointPodRequest, CheckpointPodResponse, ListPodSandboxRequest, ListPodSandboxResponse, PodSandboxStatusRequest, PodSandboxStatusResponse, PortForwardRequest, PortForwardResponse, RemovePodSandboxRequest, RemovePodSandboxResponse, RestorePodRequest, RestorePodResponse, RunPodSandboxRequest, RunPodSandboxResponse, StopPodSandboxRequest, StopPodSandboxResponse, StreamPodSandboxesRequest, StreamPodSandboxesResponse, UpdatePodSandboxResourcesRequest, UpdatePodSandboxResourcesResponse } from "./pod.ts";
import type { ContainerEventResponse, GetEventsRequest, RuntimeConfigRequest, RuntimeConfigResponse, StatusRequest, StatusResponse, UpdateRuntimeConfigRequest, UpdateRuntimeConfigResponse, VersionRequest, VersionResponse } from "./runtime.ts";
import type { ContainerStatsRequest, ContainerStatsResponse, ListContainerStatsRequest, ListContainerStatsResponse, ListMetricDescriptorsRequest, ListMetricDescriptorsResponse, ListPodSandboxMetricsRequest, ListPodSandboxMetricsResponse, ListPodSandboxStatsRequest, ListPodSandboxStatsResponse, PodSandboxStatsRequest, PodSandboxStatsResponse, StreamContainerStatsRequest, StreamContainerStatsResponse, StreamPodSandboxMetricsRequest, StreamPodSandboxMetricsResponse, StreamPodSandboxStatsRequest, StreamPodSandboxStatsResponse } from "./stats.ts";

/** Pods, containers, and the state of the runtime itself. */
export interface RuntimeServiceMethods {
  Version: {
    readonly request: VersionRequest;
    readonly response: VersionResponse;
    readonly stream: false;
  };
  Status: {
    readonly request: StatusRequest;
    readonly response: StatusResponse;
    readonly stream: false;
  };
  RuntimeConfig: {
    readonly request: RuntimeConfigRequest;
    readonly response: RuntimeConfigResponse;
    readonly stream: false;
  };
  UpdateRuntimeConfig: {
    readonly request: UpdateRuntimeConfigRequest;
    readonly response: UpdateRuntimeConfigResponse;
    readonly stream: false;
  };
  RunPodSandbox: {
    readonly request: RunPodSandboxRequest;
    readonly response: RunPodSandboxResponse;
    readonly stream: false;
  };
  StopPodSandbox: {
    readonly request: StopPodSandboxRequest;
    readonly response: StopPodSandboxResponse;
    readonly stream: false;
  };
  RemovePodSandbox: {
    readonly request: RemovePodSandboxRequest;
    readonly response: RemovePodSandboxResponse;
    readonly stream: false;
  };
  PodSandboxStatus: {
    readonly request: PodSandboxStatusRequest;
    readonly response: PodSandboxStatusResponse;
    readonly stream: false;
  };
  ListPodSandbox: {
    readonly request: ListPodSandboxRequest;
    readonly response: ListPodSandboxResponse;
    readonly stream: false;
  };
  StreamPodSandboxes: {
    readonly request: StreamPodSandboxesRequest;
    readonly response: StreamPodSandboxesResponse;
    readonly stream: true;
  };
  UpdatePodSandboxResources: {
    readonly request: UpdatePodSandboxResourcesRequest;
    readonly response: UpdatePodSandboxResourcesResponse;
    readonly stream: false;
  };
  CreateContainer: {
    readonly request: CreateContainerRequest;
    readonly response: CreateContainerResponse;
    readonly stream: false;
  };
  StartContainer: {
    readonly request: StartContainerRequest;
    readonly response: StartContainerResponse;
    readonly stream: false;
  };
  StopContainer: {
    readonly request: StopContainerRequest;
    readonly response: StopContainerResponse;
    readonly stream: false;
  };
  RemoveContainer: {
    readonly request: RemoveContainerRequest;
    readonly response: RemoveContainerResponse;
    readonly stream: false;
  };
  ContainerStatus: {
    readonly request: ContainerStatusRequest;
    readonly response: ContainerStatusResponse;
    readonly stream: false;
  };
  ListContainers: {
    readonly request: ListContainersRequest;
    readonly response: ListContainersResponse;
    readonly stream: false;
  };
  StreamContainers: {
    readonly request: StreamContainersRequest;
    readonly response: StreamContainersResponse;
    readonly stream: true;
  };
  UpdateContainerResources: {
    readonly request: UpdateContainerResourcesRequest;
    readonly response: UpdateContainerResourcesResponse;
    readonly stream: false;
  };
  ReopenContainerLog: {
    readonly request: ReopenContainerLogRequest;
    readonly response: ReopenContainerLogResponse;
    readonly stream: false;
  };
  ExecSync: {
    readonly request: ExecSyncRequest;
    readonly response: ExecSyncResponse;
    readonly stream: false;
  };
  Exec: {
    readonly request: ExecRequest;
    readonly response: ExecResponse;
    readonly stream: false;
  };
  Attach: {
    readonly request: AttachRequest;
    readonly response: AttachResponse;
    readonly stream: false;
  };
  PortForward: {
    readonly request: PortForwardRequest;
    readonly response: PortForwardResponse;
    readonly stream: false;
  };
  ContainerStats: {
    readonly request: ContainerStatsRequest;
    readonly response: ContainerStatsResponse;
    readonly stream: false;
  };
  ListContainerStats: {
    readonly request: ListContainerStatsRequest;
    readonly response: ListContainerStatsResponse;
    readonly stream: false;
  };
  StreamContainerStats: {
    readonly request: StreamContainerStatsRequest;
    readonly response: StreamContainerStatsResponse;
    readonly stream: true;
  };
  PodSandboxStats: {
    readonly request: PodSandboxStatsRequest;
    readonly response: PodSandboxStatsResponse;
    readonly stream: false;
  };
  ListPodSandboxStats: {
    readonly request: ListPodSandboxStatsRequest;
    readonly response: ListPodSandboxStatsResponse;
    readonly stream: false;
  };
  StreamPodSandboxStats: {
    readonly request: StreamPodSandboxStatsRequest;
    readonly response: StreamPodSandboxStatsResponse;
    readonly stream: true;
  };
  ListMetricDescriptors: {
    readonly request: ListMetricDescriptorsRequest;
    readonly response: ListMetricDescriptorsResponse;
    readonly stream: false;
  };
  ListPodSandboxMetrics: {
    readonly request: ListPodSandboxMetricsRequest;
    readonly response: ListPodSandboxMetricsResponse;
    readonly stream: false;
  };
  StreamPodSandboxMetrics: {
    readonly request: StreamPodSandboxMetricsRequest;
    readonly response: StreamPodSandboxMetricsResponse;
    readonly stream: true;
  };
  GetContainerEvents: {
    readonly request: GetEventsRequest;
    readonly response: ContainerEventResponse;
    readonly stream: true;
  };
  CheckpointContainer: {
    readonly request: CheckpointContainerRequest;
    readonly response: CheckpointContainerResponse;
    readonly stream: false;
  };
  CheckpointPod: {
    readonly request: CheckpointPodRequest;
    readonly response: CheckpointPodResponse;
    readonly stream: false;
  };
  RestorePod: {
    readonly request: RestorePodRequest;
    readonly response: RestorePodResponse;
    readonly stream: false;
  };
}

/** Images on this node. */
export interface ImageServiceMethods {
  ListImages: {
    readonly request: ListImagesRequest;
    readonly response: ListImagesResponse;
    readonly stream: false;
  };
  StreamImages: {
    readonly request: StreamImagesRequest;
    readonly response: StreamImagesResponse;
    readonly stream: true;
  };
  ImageStatus: {
    readonly request: ImageStatusRequest;
    readonly response: ImageStatusResponse;
    readonly stream: false;
  };
  PullImage: {
    readonly request: PullImageRequest;
    readonly response: PullImageResponse;
    readonly stream: false;
  };
  RemoveImage: {
    readonly request: RemoveImageRequest;
    readonly response: RemoveImageResponse;
    readonly stream: false;
  };
  ImageFsInfo: {
    readonly request: ImageFsInfoRequest;
    readonly response: ImageFsInfoResponse;
    readonly stream: false;
  };
}
