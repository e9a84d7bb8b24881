/**
 * What the compiler is given. A *request* is data that the engine has anyway; the *groundwork* is what
 * must be read from the host for it (`prepareSandbox`, `prepareContainer`), so that compiling itself
 * asks nothing and can be repeated on any machine with the same result.
 */
import type { ContainerConfig, PodSandboxConfig } from "../api/index.ts";
import type { HostFacts, Plan, SeccompProfile } from "../kernel/index.ts";
import type { CpusetState } from "./cgroup-cpuset.ts";
import type { ResolvedDevice } from "./devices.ts";
import type { ImageConfig } from "./image-config.ts";
import type { ResolvedMount } from "./mount-sources.ts";
import type { OciRlimit, OciSpec } from "./spec.ts";
import type { ResolvedUser } from "./user.ts";

/** Choices of the runtime's configuration that reach into a container. */
export interface RuntimeOptions {
  /** Parent cgroup when the CRI names none, from the root of each hierarchy. */
  readonly cgroupParent: string;
  /** What a CRI config without any seccomp profile means: "unconfined", "runtime/default" or a file's absolute path. */
  readonly unsetSeccompProfile: string;
  /** Limits every container starts with. */
  readonly rlimits: readonly OciRlimit[];
  /** At most this many tasks a container; 0 means no limit. */
  readonly pidsLimit: number;
  /** Privileged containers get no device nodes of the host. */
  readonly privilegedWithoutHostDevices: boolean;
  /** Ports below 1024 and ping without capabilities inside a pod's own network namespace. */
  readonly unprivilegedPorts: boolean;
  readonly unprivilegedIcmp: boolean;
}

export const defaultRuntimeOptions: RuntimeOptions = {
  cgroupParent: "/vitrine",
  unsetSeccompProfile: "unconfined",
  rlimits: [],
  pidsLimit: 0,
  privilegedWithoutHostDevices: false,
  unprivilegedPorts: true,
  unprivilegedIcmp: true,
};

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat, clock ticks; 0 means unchecked. */
  readonly startTime: number;
}

/** Host paths of the files a pod's containers share; what is unset is not mounted. */
export interface PodFiles {
  readonly hostname?: string;
  readonly hosts?: string;
  readonly resolvConf?: string;
  /** The pod's tmpfs for /dev/shm. Not used with the host's IPC namespace. */
  readonly shm?: string;
}

export interface SandboxRequest {
  readonly facts: HostFacts;
  readonly options: RuntimeOptions;
  readonly id: string;
  readonly config: PodSandboxConfig;
  /** Of the sandbox (pause) image. */
  readonly image: ImageConfig;
  /** Where the root file system is mounted on the host. */
  readonly rootfs: string;
  readonly files: PodFiles;
}

export interface ContainerRequest {
  readonly facts: HostFacts;
  readonly options: RuntimeOptions;
  readonly id: string;
  readonly podId: string;
  readonly pod: PodSandboxConfig;
  readonly config: ContainerConfig;
  readonly image: ImageConfig;
  /** Where the root file system is mounted on the host. */
  readonly rootfs: string;
  readonly files: PodFiles;
  /** For each mount with an image: container path to the host directory the image is mounted at. */
  readonly imageMounts?: ReadonlyMap<string, string>;
}

/** What was read from the host for a request. */
export interface Groundwork {
  readonly user: ResolvedUser;
  readonly mounts: readonly ResolvedMount[];
  readonly devices: readonly ResolvedDevice[];
  readonly cpuset: CpusetState | undefined;
  /** For `kernel.compileSeccomp`; undefined means unconfined. */
  readonly seccompProfile: SeccompProfile | undefined;
  /** Capabilities the process may have: bounding, permitted and effective set. */
  readonly capabilities: readonly string[];
  readonly apparmorProfile: string | undefined;
  readonly warnings: readonly string[];
}

export interface Compiled {
  readonly spec: OciSpec;
  /** Host ops that make the cgroups and set their limits; `kernel.run` it before the shim runs `plan`. */
  readonly cgroupPlan: Plan;
  /** For `shim.create`: processes `oci` and `init`. */
  readonly plan: Plan;
  /** The container's directory in every cgroup hierarchy. */
  readonly cgroupPaths: readonly string[];
  /** What was asked and could not be given on this machine, in sentences. */
  readonly warnings: readonly string[];
}
