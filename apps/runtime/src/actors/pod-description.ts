/** A pod as a person describes it, short; pod-messages.ts makes the CRI messages of it. */
import type {
  LinuxContainerResources,
  LinuxContainerSecurityContext,
  Mount,
  PortMapping,
} from "../api/index.ts";

export interface ContainerDescription {
  readonly name: string;
  /** Reference: tag, digest or id. */
  readonly image: string;
  /** Replaces the image's entrypoint. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  readonly mounts?: readonly Partial<Mount>[];
  readonly resources?: Partial<LinuxContainerResources>;
  readonly security?: Partial<LinuxContainerSecurityContext>;
  readonly tty?: boolean;
  readonly stdin?: boolean;
}

export interface PodDescription {
  readonly name: string;
  readonly namespace: string;
  /** Unique on this node, over time too. */
  readonly uid: string;
  readonly hostname?: string;
  /** Absolute directory of the containers' logs. */
  readonly logDirectory: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly dns?: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
  readonly portMappings?: readonly Partial<PortMapping>[];
  /** Host network, pid or ipc instead of the pod's own. */
  readonly hostNamespaces?: readonly ("network" | "pid" | "ipc")[];
  readonly cgroupParent?: string;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly runtimeHandler?: string;
  readonly containers: readonly ContainerDescription[];
}
