// Generated from proto/container.proto by scripts/gen.ts; do not edit.
import type { ContainerConfig, ContainerMetadata, ImageSpec, Mount, PodSandboxConfig, Signal } from "./config.ts";
import type { ContainerResources, LinuxContainerResources, WindowsContainerResources } from "./resources.ts";

export type ContainerState =
  | "CONTAINER_CREATED"
  | "CONTAINER_RUNNING"
  | "CONTAINER_EXITED"
  | "CONTAINER_UNKNOWN";

export interface CreateContainerRequest {
  readonly podSandboxId: string;
  readonly config?: ContainerConfig | undefined;
  /** the one RunPodSandbox had */
  readonly sandboxConfig?: PodSandboxConfig | undefined;
}

export interface CreateContainerResponse {
  readonly containerId: string;
}

export interface StartContainerRequest {
  readonly containerId: string;
}

export type StartContainerResponse = Readonly<Record<never, never>>;

/** Stop signal, then SIGKILL when `timeout` is over. Idempotent. */
export interface StopContainerRequest {
  readonly containerId: string;
  /** seconds; 0 kills at once */
  readonly timeout: number;
}

export type StopContainerResponse = Readonly<Record<never, never>>;

/** Removes the container, killing it first when it runs. Idempotent. */
export interface RemoveContainerRequest {
  readonly containerId: string;
}

export type RemoveContainerResponse = Readonly<Record<never, never>>;

export interface ContainerStateValue {
  readonly state: ContainerState;
}

/** Every condition that is given must hold. */
export interface ContainerFilter {
  readonly id: string;
  readonly state?: ContainerStateValue | undefined;
  readonly podSandboxId: string;
  readonly labelSelector: Readonly<Record<string, string>>;
}

export interface ListContainersRequest {
  readonly filter?: ContainerFilter | undefined;
}

export interface Container {
  readonly id: string;
  readonly podSandboxId: string;
  readonly metadata?: ContainerMetadata | undefined;
  readonly image?: ImageSpec | undefined;
  readonly imageRef: string;
  readonly state: ContainerState;
  /** Unix nanoseconds */
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly imageId: string;
}

export interface ListContainersResponse {
  readonly containers: readonly Container[];
}

export interface StreamContainersRequest {
  readonly filter?: ContainerFilter | undefined;
}

export interface StreamContainersResponse {
  readonly containers: readonly Container[];
}

export interface ContainerStatusRequest {
  readonly containerId: string;
  /** fills `info` */
  readonly verbose: boolean;
}

/** Whom the first process runs as. */
export interface LinuxContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly supplementalGroups: readonly number[];
}

export interface ContainerUser {
  readonly linux?: LinuxContainerUser | undefined;
}

export interface ContainerStatus {
  readonly id: string;
  readonly metadata?: ContainerMetadata | undefined;
  readonly state: ContainerState;
  /** Unix nanoseconds, as the next two; 0 is "not yet" */
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  readonly image?: ImageSpec | undefined;
  readonly imageRef: string;
  /** one CamelCase word: Completed, Error, OOMKilled, StartError */
  readonly reason: string;
  /** for people */
  readonly message: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** absolute */
  readonly logPath: string;
  readonly resources?: ContainerResources | undefined;
  readonly imageId: string;
  readonly user?: ContainerUser | undefined;
  readonly stopSignal: Signal;
}

export interface ContainerStatusResponse {
  readonly status?: ContainerStatus | undefined;
  readonly info: Readonly<Record<string, string>>;
}

export interface UpdateContainerResourcesRequest {
  readonly containerId: string;
  readonly linux?: LinuxContainerResources | undefined;
  readonly windows?: WindowsContainerResources | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

export type UpdateContainerResourcesResponse = Readonly<Record<never, never>>;

/** The log file was renamed; write to a new one of the old name. */
export interface ReopenContainerLogRequest {
  readonly containerId: string;
}

export type ReopenContainerLogResponse = Readonly<Record<never, never>>;

export interface ExecSyncRequest {
  readonly containerId: string;
  readonly cmd: readonly string[];
  /** seconds; 0 waits for ever */
  readonly timeout: number;
}

export interface ExecSyncResponse {
  /** at most 16 MiB, the rest is dropped */
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

export interface ExecRequest {
  readonly containerId: string;
  readonly cmd: readonly string[];
  /** excludes stderr */
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface ExecResponse {
  /** good for one use */
  readonly url: string;
}

export interface AttachRequest {
  readonly containerId: string;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface AttachResponse {
  /** good for one use */
  readonly url: string;
}

export interface CheckpointContainerRequest {
  readonly containerId: string;
  /** path of the archive */
  readonly location: string;
  /** seconds */
  readonly timeout: number;
}

export type CheckpointContainerResponse = Readonly<Record<never, never>>;
