// Generated from proto/config.proto by scripts/gen.ts; do not edit.
import type { LinuxContainerResources, WindowsContainerConfig, WindowsPodSandboxConfig } from "./resources.ts";
import type { IDMapping, LinuxContainerSecurityContext, LinuxSandboxSecurityContext } from "./security.ts";
import type { KeyValue } from "./value.ts";

/** Name and namespace are the Kubernetes object's; `attempt` counts sandboxes made for one pod. */
export interface PodSandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
}

/** The lines of the pod's resolv.conf, see resolv.conf(5). */
export interface DNSConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export type Protocol =
  | "TCP"
  | "UDP"
  | "SCTP";

export interface PortMapping {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** 0: not published */
  readonly hostPort: number;
  readonly hostIp: string;
}

export interface LinuxPodSandboxConfig {
  /** a path for cgroupfs, a name ending in .slice for systemd */
  readonly cgroupParent: string;
  readonly securityContext?: LinuxSandboxSecurityContext | undefined;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly overhead?: LinuxContainerResources | undefined;
  /** sum over the containers */
  readonly resources?: LinuxContainerResources | undefined;
}

export interface PodSandboxConfig {
  readonly metadata?: PodSandboxMetadata | undefined;
  readonly hostname: string;
  /** absolute; log_path of the containers is relative to it */
  readonly logDirectory: string;
  readonly dnsConfig?: DNSConfig | undefined;
  readonly portMappings: readonly PortMapping[];
  readonly labels: Readonly<Record<string, string>>;
  /** returned byte for byte */
  readonly annotations: Readonly<Record<string, string>>;
  readonly linux?: LinuxPodSandboxConfig | undefined;
  readonly windows?: WindowsPodSandboxConfig | undefined;
}

/** An image as the caller names it: tag, digest or id. */
export interface ImageSpec {
  readonly image: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** what the user wrote in the pod */
  readonly userSpecifiedImage: string;
  readonly runtimeHandler: string;
  readonly imageRef: string;
}

/** How mounts made later travel between host and container, mount_namespaces(7). */
export type MountPropagation =
  | "PROPAGATION_PRIVATE"
  | "PROPAGATION_HOST_TO_CONTAINER"
  | "PROPAGATION_BIDIRECTIONAL";

/** A directory or file of the host, or an image, inside the container. */
export interface Mount {
  readonly containerPath: string;
  /** empty when `image` is given */
  readonly hostPath: string;
  readonly readonly: boolean;
  readonly selinuxRelabel: boolean;
  readonly propagation: MountPropagation;
  readonly uidMappings: readonly IDMapping[];
  readonly gidMappings: readonly IDMapping[];
  /** needs readonly and PROPAGATION_PRIVATE */
  readonly recursiveReadOnly: boolean;
  readonly image?: ImageSpec | undefined;
  readonly imageSubPath: string;
  readonly mountOptions: readonly string[];
}

export interface Device {
  readonly containerPath: string;
  readonly hostPath: string;
  /** of r, w and m */
  readonly permissions: string;
}

/** A device of the Container Device Interface: vendor.com/class=name. */
export interface CDIDevice {
  readonly name: string;
}

export interface LinuxContainerConfig {
  readonly resources?: LinuxContainerResources | undefined;
  readonly securityContext?: LinuxContainerSecurityContext | undefined;
}

export interface ContainerMetadata {
  readonly name: string;
  /** counts restarts */
  readonly attempt: number;
}

export interface ContainerConfig {
  readonly metadata?: ContainerMetadata | undefined;
  readonly image?: ImageSpec | undefined;
  /** replaces the image's entrypoint */
  readonly command: readonly string[];
  /** replaces the image's cmd */
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly envs: readonly KeyValue[];
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly logPath: string;
  readonly stdin: boolean;
  /** the first client that leaves closes stdin */
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly linux?: LinuxContainerConfig | undefined;
  readonly windows?: WindowsContainerConfig | undefined;
  readonly cdiDevices: readonly CDIDevice[];
  readonly stopSignal: Signal;
}

/** Signals by name. The numbers are the API's own, not Linux's. */
export type Signal =
  | "SIGNAL_RUNTIME_DEFAULT"
  | "SIGNAL_SIGABRT"
  | "SIGNAL_SIGALRM"
  | "SIGNAL_SIGBUS"
  | "SIGNAL_SIGCHLD"
  | "SIGNAL_SIGCLD"
  | "SIGNAL_SIGCONT"
  | "SIGNAL_SIGFPE"
  | "SIGNAL_SIGHUP"
  | "SIGNAL_SIGILL"
  | "SIGNAL_SIGINT"
  | "SIGNAL_SIGIO"
  | "SIGNAL_SIGIOT"
  | "SIGNAL_SIGKILL"
  | "SIGNAL_SIGPIPE"
  | "SIGNAL_SIGPOLL"
  | "SIGNAL_SIGPROF"
  | "SIGNAL_SIGPWR"
  | "SIGNAL_SIGQUIT"
  | "SIGNAL_SIGSEGV"
  | "SIGNAL_SIGSTKFLT"
  | "SIGNAL_SIGSTOP"
  | "SIGNAL_SIGSYS"
  | "SIGNAL_SIGTERM"
  | "SIGNAL_SIGTRAP"
  | "SIGNAL_SIGTSTP"
  | "SIGNAL_SIGTTIN"
  | "SIGNAL_SIGTTOU"
  | "SIGNAL_SIGURG"
  | "SIGNAL_SIGUSR1"
  | "SIGNAL_SIGUSR2"
  | "SIGNAL_SIGVTALRM"
  | "SIGNAL_SIGWINCH"
  | "SIGNAL_SIGXCPU"
  | "SIGNAL_SIGXFSZ"
  | "SIGNAL_SIGRTMIN"
  | "SIGNAL_SIGRTMINPLUS1"
  | "SIGNAL_SIGRTMINPLUS2"
  | "SIGNAL_SIGRTMINPLUS3"
  | "SIGNAL_SIGRTMINPLUS4"
  | "SIGNAL_SIGRTMINPLUS5"
  | "SIGNAL_SIGRTMINPLUS6"
  | "SIGNAL_SIGRTMINPLUS7"
  | "SIGNAL_SIGRTMINPLUS8"
  | "SIGNAL_SIGRTMINPLUS9"
  | "SIGNAL_SIGRTMINPLUS10"
  | "SIGNAL_SIGRTMINPLUS11"
  | "SIGNAL_SIGRTMINPLUS12"
  | "SIGNAL_SIGRTMINPLUS13"
  | "SIGNAL_SIGRTMINPLUS14"
  | "SIGNAL_SIGRTMINPLUS15"
  | "SIGNAL_SIGRTMAXMINUS14"
  | "SIGNAL_SIGRTMAXMINUS13"
  | "SIGNAL_SIGRTMAXMINUS12"
  | "SIGNAL_SIGRTMAXMINUS11"
  | "SIGNAL_SIGRTMAXMINUS10"
  | "SIGNAL_SIGRTMAXMINUS9"
  | "SIGNAL_SIGRTMAXMINUS8"
  | "SIGNAL_SIGRTMAXMINUS7"
  | "SIGNAL_SIGRTMAXMINUS6"
  | "SIGNAL_SIGRTMAXMINUS5"
  | "SIGNAL_SIGRTMAXMINUS4"
  | "SIGNAL_SIGRTMAXMINUS3"
  | "SIGNAL_SIGRTMAXMINUS2"
  | "SIGNAL_SIGRTMAXMINUS1"
  | "SIGNAL_SIGRTMAX";
