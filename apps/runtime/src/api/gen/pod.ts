// Generated from proto/pod.proto by scripts/gen.ts; do not edit.
import type { ContainerConfig, PodSandboxConfig, PodSandboxMetadata } from "./config.ts";
import type { ContainerStatus } from "./container.ts";
import type { LinuxContainerResources } from "./resources.ts";
import type { NamespaceOption } from "./security.ts";

/** READY: network and namespaces exist. NOTREADY: stopped, or lost something it needs. */
export type PodSandboxState =
  | "SANDBOX_READY"
  | "SANDBOX_NOTREADY";

export interface RunPodSandboxRequest {
  readonly config?: PodSandboxConfig | undefined;
  /** empty: the default one */
  readonly runtimeHandler: string;
}

export interface RunPodSandboxResponse {
  readonly podSandboxId: string;
}

/** Stops every container of the sandbox and gives its network back. Idempotent. */
export interface StopPodSandboxRequest {
  readonly podSandboxId: string;
}

export type StopPodSandboxResponse = Readonly<Record<never, never>>;

/** Removes the sandbox and whatever is in it. Idempotent: unknown is success. */
export interface RemovePodSandboxRequest {
  readonly podSandboxId: string;
}

export type RemovePodSandboxResponse = Readonly<Record<never, never>>;

export interface PodSandboxStatusRequest {
  readonly podSandboxId: string;
  /** fills `info` */
  readonly verbose: boolean;
}

export interface PodIP {
  readonly ip: string;
}

export interface PodSandboxNetworkStatus {
  readonly ip: string;
  /** without the first */
  readonly additionalIps: readonly PodIP[];
}

export interface Namespace {
  readonly options?: NamespaceOption | undefined;
}

export interface LinuxPodSandboxStatus {
  readonly namespaces?: Namespace | undefined;
}

export interface PodSandboxStatus {
  readonly id: string;
  readonly metadata?: PodSandboxMetadata | undefined;
  readonly state: PodSandboxState;
  /** Unix nanoseconds */
  readonly createdAt: number;
  readonly network?: PodSandboxNetworkStatus | undefined;
  readonly linux?: LinuxPodSandboxStatus | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly runtimeHandler: string;
}

export interface PodSandboxStatusResponse {
  readonly status?: PodSandboxStatus | undefined;
  readonly info: Readonly<Record<string, string>>;
  readonly containersStatuses: readonly ContainerStatus[];
  /** Unix nanoseconds */
  readonly timestamp: number;
}

export interface PodSandboxStateValue {
  readonly state: PodSandboxState;
}

/** Every condition that is given must hold. */
export interface PodSandboxFilter {
  readonly id: string;
  readonly state?: PodSandboxStateValue | undefined;
  readonly labelSelector: Readonly<Record<string, string>>;
}

export interface ListPodSandboxRequest {
  readonly filter?: PodSandboxFilter | undefined;
}

export interface PodSandbox {
  readonly id: string;
  readonly metadata?: PodSandboxMetadata | undefined;
  readonly state: PodSandboxState;
  /** Unix nanoseconds */
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly runtimeHandler: string;
}

export interface ListPodSandboxResponse {
  readonly items: readonly PodSandbox[];
}

export interface StreamPodSandboxesRequest {
  readonly filter?: PodSandboxFilter | undefined;
}

export interface StreamPodSandboxesResponse {
  readonly podSandboxes: readonly PodSandbox[];
}

export interface UpdatePodSandboxResourcesRequest {
  readonly podSandboxId: string;
  readonly overhead?: LinuxContainerResources | undefined;
  readonly resources?: LinuxContainerResources | undefined;
}

export type UpdatePodSandboxResourcesResponse = Readonly<Record<never, never>>;

export interface PortForwardRequest {
  readonly podSandboxId: string;
  readonly port: readonly number[];
}

export interface PortForwardResponse {
  /** good for one use */
  readonly url: string;
}

export interface CheckpointPodRequest {
  readonly podSandboxId: string;
  readonly outputPath: string;
  /** empty: all */
  readonly containerIds: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

export type CheckpointPodResponse = Readonly<Record<never, never>>;

export interface RestorePodRequest {
  readonly checkpointPath: string;
  readonly config?: PodSandboxConfig | undefined;
  readonly runtimeHandler: string;
  readonly options: Readonly<Record<string, string>>;
  readonly containerConfigs: readonly ContainerConfig[];
}

export interface RestoredContainer {
  readonly name: string;
  readonly containerId: string;
}

export interface RestorePodResponse {
  readonly podSandboxId: string;
  readonly restoredContainers: readonly RestoredContainer[];
}
