/** CRI messages of a described pod, complete as a decoder would hand them out, labelled as a kubelet labels them. */
import type {
  ContainerConfig,
  ImageSpec,
  LinuxContainerResources,
  LinuxContainerSecurityContext,
  Mount,
  NamespaceOption,
  PodSandboxConfig,
  PortMapping,
} from "../api/index.ts";
import type { ContainerDescription, PodDescription } from "./pod-description.ts";

const encoder = new TextEncoder();

/** Labels by which a kubelet finds its pods and containers again. */
function podLabels(pod: PodDescription): Readonly<Record<string, string>> {
  return {
    ...pod.labels,
    "io.kubernetes.pod.name": pod.name,
    "io.kubernetes.pod.namespace": pod.namespace,
    "io.kubernetes.pod.uid": pod.uid,
  };
}

function namespaces(pod: PodDescription): NamespaceOption {
  const host = new Set(pod.hostNamespaces);
  return {
    network: host.has("network") ? "NODE" : "POD",
    pid: host.has("pid") ? "NODE" : "CONTAINER",
    ipc: host.has("ipc") ? "NODE" : "POD",
    targetId: "",
  };
}

function portMapping(port: Partial<PortMapping>): PortMapping {
  return { protocol: "TCP", containerPort: 0, hostPort: 0, hostIp: "", ...port };
}

/** The sandbox's configuration; `attempt` counts sandboxes made for this pod. */
export function sandboxConfig(pod: PodDescription, attempt = 0): PodSandboxConfig {
  return {
    metadata: { name: pod.name, uid: pod.uid, namespace: pod.namespace, attempt },
    hostname: pod.hostname ?? pod.name,
    logDirectory: pod.logDirectory,
    ...(pod.dns === undefined ? {} : { dnsConfig: pod.dns }),
    portMappings: (pod.portMappings ?? []).map(portMapping),
    labels: podLabels(pod),
    annotations: pod.annotations ?? {},
    linux: {
      cgroupParent: pod.cgroupParent ?? "",
      sysctls: pod.sysctls ?? {},
      securityContext: {
        namespaceOptions: namespaces(pod),
        readonlyRootfs: true,
        supplementalGroups: [],
        privileged: pod.containers.some((container) => container.security?.privileged === true),
        seccompProfilePath: "",
        seccomp: { profileType: "RuntimeDefault", localhostRef: "" },
        supplementalGroupsPolicy: "Merge",
      },
    },
  };
}

function resources(given: Partial<LinuxContainerResources> | undefined): LinuxContainerResources {
  return {
    cpuPeriod: 0,
    cpuQuota: 0,
    cpuShares: 0,
    memoryLimitInBytes: 0,
    oomScoreAdj: 0,
    cpusetCpus: "",
    cpusetMems: "",
    hugepageLimits: [],
    unified: {},
    memorySwapLimitInBytes: 0,
    ...given,
  };
}

/** What a kubelet masks and makes read-only in every container that is not privileged. */
const maskedPaths = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

function security(
  pod: PodDescription,
  container: ContainerDescription,
): LinuxContainerSecurityContext {
  const privileged = container.security?.privileged === true;
  return {
    capabilities: { addCapabilities: [], dropCapabilities: [], addAmbientCapabilities: [] },
    privileged,
    namespaceOptions: namespaces(pod),
    runAsUsername: "",
    readonlyRootfs: false,
    supplementalGroups: [],
    apparmorProfile: "",
    seccompProfilePath: "",
    noNewPrivs: false,
    maskedPaths: privileged ? [] : maskedPaths,
    readonlyPaths: privileged ? [] : readonlyPaths,
    seccomp: { profileType: privileged ? "Unconfined" : "RuntimeDefault", localhostRef: "" },
    supplementalGroupsPolicy: "Merge",
    ...container.security,
  };
}

function mount(given: Partial<Mount>): Mount {
  return {
    containerPath: "",
    hostPath: "",
    readonly: false,
    selinuxRelabel: false,
    propagation: "PROPAGATION_PRIVATE",
    uidMappings: [],
    gidMappings: [],
    recursiveReadOnly: false,
    imageSubPath: "",
    mountOptions: [],
    ...given,
  };
}

/** An image as ImageStatus, PullImage and CreateContainer take it; `user` is what the pod's author wrote. */
export function imageSpec(image: string, user = image): ImageSpec {
  return { image, annotations: {}, userSpecifiedImage: user, runtimeHandler: "", imageRef: "" };
}

/** One container's configuration; `imageRef` is what the runtime called the image, `attempt` counts restarts. */
export function containerConfig(
  pod: PodDescription,
  container: ContainerDescription,
  imageRef: string,
  attempt = 0,
): ContainerConfig {
  return {
    metadata: { name: container.name, attempt },
    image: imageSpec(imageRef, container.image),
    command: container.command ?? [],
    args: container.args ?? [],
    workingDir: container.workingDir ?? "",
    envs: Object.entries(container.env ?? {}).map(([key, value]) => ({
      key,
      value: encoder.encode(value),
    })),
    mounts: (container.mounts ?? []).map(mount),
    devices: [],
    labels: { ...podLabels(pod), "io.kubernetes.container.name": container.name },
    annotations: {},
    logPath: `${container.name}/${attempt}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: false,
    tty: container.tty ?? false,
    linux: { resources: resources(container.resources), securityContext: security(pod, container) },
    cdiDevices: [],
    stopSignal: "SIGNAL_RUNTIME_DEFAULT",
  };
}
