// Generated from proto/runtime.proto by scripts/gen.ts; do not edit.
import type { ContainerStatus } from "./container.ts";
import type { PodSandboxStatus } from "./pod.ts";

export interface VersionRequest {
  /** of the kubelet's runtime API, 0.1.0 */
  readonly version: string;
}

export interface VersionResponse {
  /** a kubelet insists on 0.1.0 */
  readonly version: string;
  readonly runtimeName: string;
  /** semantic version */
  readonly runtimeVersion: string;
  readonly runtimeApiVersion: string;
}

/** `type` is RuntimeReady or NetworkReady; both must be there. */
export interface RuntimeCondition {
  readonly type: string;
  readonly status: boolean;
  /** one CamelCase word */
  readonly reason: string;
  /** for people */
  readonly message: string;
}

export interface RuntimeStatus {
  readonly conditions: readonly RuntimeCondition[];
}

export interface StatusRequest {
  /** fills `info` */
  readonly verbose: boolean;
}

export interface RuntimeHandlerFeatures {
  readonly recursiveReadOnlyMounts: boolean;
  readonly userNamespaces: boolean;
}

export interface RuntimeHandler {
  /** empty for the default one */
  readonly name: string;
  readonly features?: RuntimeHandlerFeatures | undefined;
}

/** What holds whatever the handler. */
export interface RuntimeFeatures {
  readonly supplementalGroupsPolicy: boolean;
  readonly userNamespacesHostNetwork: boolean;
  readonly mountOptions: boolean;
}

export interface StatusResponse {
  readonly status?: RuntimeStatus | undefined;
  readonly info: Readonly<Record<string, string>>;
  readonly runtimeHandlers: readonly RuntimeHandler[];
  readonly features?: RuntimeFeatures | undefined;
}

export interface NetworkConfig {
  /** one or two, by comma */
  readonly podCidr: string;
}

export interface RuntimeConfig {
  readonly networkConfig?: NetworkConfig | undefined;
}

export interface UpdateRuntimeConfigRequest {
  readonly runtimeConfig?: RuntimeConfig | undefined;
}

export type UpdateRuntimeConfigResponse = Readonly<Record<never, never>>;

export type RuntimeConfigRequest = Readonly<Record<never, never>>;

export type CgroupDriver =
  | "SYSTEMD"
  | "CGROUPFS";

export interface LinuxRuntimeConfiguration {
  /** overrides the kubelet's own setting */
  readonly cgroupDriver: CgroupDriver;
}

export interface RuntimeConfigResponse {
  readonly linux?: LinuxRuntimeConfiguration | undefined;
}

export type GetEventsRequest = Readonly<Record<never, never>>;

export type ContainerEventType =
  | "CONTAINER_CREATED_EVENT"
  | "CONTAINER_STARTED_EVENT"
  | "CONTAINER_STOPPED_EVENT"
  | "CONTAINER_DELETED_EVENT";

/** One change of a container; of the sandbox itself when container_id is the sandbox's id. */
export interface ContainerEventResponse {
  readonly containerId: string;
  readonly containerEventType: ContainerEventType;
  /** Unix nanoseconds */
  readonly createdAt: number;
  readonly podSandboxStatus?: PodSandboxStatus | undefined;
  readonly containersStatuses: readonly ContainerStatus[];
}
