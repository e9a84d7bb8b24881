/**
 * What the engine is told once, at start: directories, images, handlers, limits. The composition root
 * makes it from config.toml; tests and the simulator start from `defaultEngineOptions`.
 */
import type { OciRlimit } from "../oci/index.ts";
import type { NetworkOptions } from "./network/network-options.ts";

/** One RuntimeClass handler (`[runtimes.<name>]`). */
export interface RuntimeHandlerOptions {
  /** Globs of pod annotations that reach the OCI spec; none by default (CVE-2023-6476, CVE-2024-3154). */
  readonly podAnnotations: readonly string[];
  /** The same for container annotations. */
  readonly containerAnnotations: readonly string[];
  /** A privileged container of this handler does not get the devices of the host. */
  readonly privilegedWithoutHostDevices: boolean;
}

/**
 * Boundaries between an intent and its effect. Tests kill the daemon at each of them; the letters are
 * P run pod, C create, S start, T stop container, R remove container, D stop and remove pod, I pull image.
 */
export type CrashPoint =
  | `P${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14}`
  | `C${1 | 2 | 3 | 4 | 5 | 6 | 7}`
  | `S${1 | 2 | 3 | 4 | 5 | 6 | 7}`
  | `T${1 | 2 | 3 | 4 | 5}`
  | `R${1 | 2 | 3 | 4 | 5 | 6}`
  | `D${1 | 2 | 3 | 4 | 5 | 6}`
  | `I${1 | 2 | 3 | 4 | 5 | 6 | 7}`;

export interface EngineOptions {
  /** Survives a reboot: /var/lib/vitrine, mode 0700. */
  readonly rootDirectory: string;
  /** On tmpfs: /run/vitrine, mode 0711. */
  readonly stateDirectory: string;
  /** Where network namespaces are bound: /run/netns. */
  readonly netnsDirectory: string;
  /** Image of the pause container. */
  readonly sandboxImage: string;
  /** Version of the program, as Version and the recordings show it. */
  readonly runtimeVersion: string;
  /** Handler of pods that name none. */
  readonly defaultRuntime: string;
  readonly runtimes: Readonly<Record<string, RuntimeHandlerOptions>>;
  /** Directory, inside each cgroup hierarchy, of pods that name no cgroup parent. */
  readonly cgroupParentDefault: string;
  /** What a container without a seccomp profile gets: "unconfined", "runtime/default" or a file's absolute path. */
  readonly unsetSeccompProfile: string;
  /** Limits every container starts with. */
  readonly rlimits: readonly OciRlimit[];
  /** At most this many tasks a container; 0 means no limit. */
  readonly pidsLimit: number;
  /** Longer lines are cut into P pieces (kubelet's log format). */
  readonly logLineBytesMax: number;
  /** ExecSync keeps this much of each stream and discards the rest. */
  readonly execOutputBytesMax: number;
  /** How long ExecSync waits for children that hold its pipes after the command ended. */
  readonly execDrainMs: number;
  /** Bytes of a pod's /dev/shm. */
  readonly shmBytes: number;
  /** net.ipv4.ip_unprivileged_port_start=0 in pods with a network of their own. */
  readonly unprivilegedPorts: boolean;
  /** net.ipv4.ping_group_range for everybody in pods with a network of their own. */
  readonly unprivilegedPing: boolean;
  /** How long recovery may spend on one pod or container. */
  readonly recoveryItemMs: number;
  readonly network: NetworkOptions;
  /** Called at every boundary; a test ends the process in it. */
  readonly crashPoint?: (point: CrashPoint) => void;
}

const mebibyte = 1 << 20;

/** The defaults of config.toml. A test puts its own directories in. */
export const defaultEngineOptions: EngineOptions = {
  rootDirectory: "/var/lib/vitrine",
  stateDirectory: "/run/vitrine",
  netnsDirectory: "/run/netns",
  sandboxImage: "vitrine.local/pause:1",
  runtimeVersion: "0.1.0",
  defaultRuntime: "vitrine",
  runtimes: {
    vitrine: {
      podAnnotations: [],
      containerAnnotations: [],
      privilegedWithoutHostDevices: false,
    },
  },
  cgroupParentDefault: "/vitrine",
  unsetSeccompProfile: "unconfined",
  rlimits: [],
  pidsLimit: 0,
  logLineBytesMax: 16 << 10,
  execOutputBytesMax: 16 * mebibyte,
  execDrainMs: 5000,
  shmBytes: 64 * mebibyte,
  unprivilegedPorts: true,
  unprivilegedPing: true,
  recoveryItemMs: 10_000,
  network: {
    confDir: "/etc/cni/net.d",
    binDirs: ["/opt/cni/bin", "/usr/lib/cni"],
    resultsDirectory: "/var/lib/vitrine/cni/results",
    addTimeoutMs: 60_000,
    delTimeoutMs: 60_000,
    internalLoopback: true,
    ipPreference: "ipv4",
  },
};
