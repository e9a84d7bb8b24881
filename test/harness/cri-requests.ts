/** CRI messages for tests, complete, with what most of them do not care about filled in. */
import type {
  ContainerConfig,
  CreateContainerRequest,
  LinuxContainerSecurityContext,
  Mount,
  NamespaceOption,
  PodSandboxConfig,
} from "../../apps/runtime/src/api/index.ts";

export const namespaceOptions: NamespaceOption = {
  network: "POD",
  pid: "CONTAINER",
  ipc: "POD",
  targetId: "",
};

let serial = 0;

/** A pod of its own name each time. */
export function podConfig(changed: Partial<PodSandboxConfig> = {}): PodSandboxConfig {
  serial += 1;
  const name = `pod-${process.pid}-${serial}`;
  return {
    metadata: { name, namespace: "test", uid: `uid-${serial}`, attempt: 0 },
    hostname: name,
    logDirectory: "",
    portMappings: [],
    labels: { app: name },
    annotations: { note: "pod" },
    ...changed,
  };
}

/** A pod on the network of the host: nothing of CNI is involved. */
export function hostNetworkPod(changed: Partial<PodSandboxConfig> = {}): PodSandboxConfig {
  return podConfig({
    linux: {
      cgroupParent: "",
      sysctls: {},
      securityContext: {
        namespaceOptions: { ...namespaceOptions, network: "NODE" },
        readonlyRootfs: false,
        supplementalGroups: [],
        privileged: false,
        seccompProfilePath: "",
        supplementalGroupsPolicy: "Merge",
      },
    },
    ...changed,
  });
}

export const containerSecurity: LinuxContainerSecurityContext = {
  privileged: false,
  namespaceOptions,
  runAsUsername: "",
  readonlyRootfs: false,
  supplementalGroups: [],
  apparmorProfile: "",
  seccompProfilePath: "",
  noNewPrivs: false,
  maskedPaths: [],
  readonlyPaths: [],
  supplementalGroupsPolicy: "Merge",
};

export function containerConfig(changed: Partial<ContainerConfig> = {}): ContainerConfig {
  return {
    metadata: { name: "main", attempt: 0 },
    image: {
      image: "vitrine.test/busybox:1",
      annotations: {},
      userSpecifiedImage: "busybox:1",
      runtimeHandler: "",
      imageRef: "",
    },
    command: ["sh", "-c", "echo hello; exec sleep 1000"],
    args: [],
    workingDir: "",
    envs: [],
    mounts: [],
    devices: [],
    labels: { part: "main" },
    annotations: { note: "container" },
    logPath: "",
    stdin: false,
    stdinOnce: false,
    tty: false,
    linux: { securityContext: containerSecurity },
    cdiDevices: [],
    stopSignal: "SIGNAL_RUNTIME_DEFAULT",
    ...changed,
  };
}

export function createRequest(
  podSandboxId: string,
  pod: PodSandboxConfig,
  changed: Partial<ContainerConfig> = {},
): CreateContainerRequest {
  return { podSandboxId, config: containerConfig(changed), sandboxConfig: pod };
}

/** For a container with another security context. */
export function withSecurity(
  changed: Partial<LinuxContainerSecurityContext>,
): Partial<ContainerConfig> {
  return { linux: { securityContext: { ...containerSecurity, ...changed } } };
}

/** For a container of another image. */
export function withImage(image: string): Partial<ContainerConfig> {
  const unset = { annotations: {}, userSpecifiedImage: "", runtimeHandler: "", imageRef: "" };
  return { image: { image, ...unset } };
}

/** For a container with one mount, of /tmp on /mnt. */
export function withMount(changed: Partial<Mount>): Partial<ContainerConfig> {
  const mount: Mount = {
    containerPath: "/mnt",
    hostPath: "/tmp",
    readonly: false,
    selinuxRelabel: false,
    propagation: "PROPAGATION_PRIVATE",
    uidMappings: [],
    gidMappings: [],
    recursiveReadOnly: false,
    imageSubPath: "",
    mountOptions: [],
    ...changed,
  };
  return { mounts: [mount] };
}
