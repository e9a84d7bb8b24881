/**
 * Every key of config.toml: its place in both layouts containerd has (version 2 and version 3), its
 * schema, default and documentation. The parser, `vitrined config default` and docs/configuration.md
 * derive from this table; a key that is not here does not exist.
 */
import { z } from "zod";

const absolutePath = z.string().regex(/^\/(?:[^\0]*)$/, "must be an absolute path");
const count = z.int().nonnegative();
const pathList = z.array(absolutePath);

/** sun_path of unix(7), less what the temporary name adds. */
const socketPath = absolutePath.refine(
  (path) => Buffer.byteLength(path) <= 95,
  "must be at most 95 bytes long, because it names a socket",
);

interface Key<Schema extends z.ZodType> {
  /** Place in a file of version 3, and of version 2 where that differs. */
  readonly path: readonly string[];
  readonly path2?: readonly string[];
  readonly schema: Schema;
  readonly default: z.infer<Schema>;
  /** Sentences for the commented file and the docs. */
  readonly doc: string;
}

function key<Schema extends z.ZodType>(definition: Key<Schema>): Key<Schema> {
  return definition;
}

const images3 = ["plugins", "io.containerd.cri.v1.images"];
const runtime3 = ["plugins", "io.containerd.cri.v1.runtime"];
const cri2 = ["plugins", "io.containerd.grpc.v1.cri"];

/** Where the tables `runtimes.<name>` lie. */
export const runtimesPath = {
  2: [...cri2, "containerd", "runtimes"],
  3: [...runtime3, "containerd", "runtimes"],
} as const;

export const configKeys = {
  root: key({
    path: ["root"],
    schema: absolutePath,
    default: "/var/lib/vitrine",
    doc: "Directory of everything that survives a reboot: records, images, writable layers. Made with mode 0700.",
  }),
  state: key({
    path: ["state"],
    schema: absolutePath,
    default: "/run/vitrine",
    doc: "Directory of everything that does not: sockets, mount points. Belongs on a tmpfs. Made with mode 0711.",
  }),
  address: key({
    path: ["grpc", "address"],
    schema: socketPath,
    default: "/run/vitrine/vitrine.sock",
    doc: "The CRI socket; a kubelet's containerRuntimeEndpoint is unix:// and this path. Mode 0660.",
  }),
  gid: key({
    path: ["grpc", "gid"],
    schema: count,
    default: 0,
    doc: "Group that may use the CRI socket. Whoever can, is root on this machine.",
  }),
  logLevel: key({
    path: ["debug", "level"],
    schema: z.enum(["trace", "debug", "info", "warn", "error"]),
    default: "info",
    doc: "What is logged to standard error, as JSON lines: trace, debug, info, warn or error.",
  }),
  sandboxImage: key({
    path: [...images3, "pinned_images", "sandbox"],
    path2: [...cri2, "sandbox_image"],
    schema: z.string().min(1),
    default: "vitrine.local/pause:1",
    doc: "Image of the pause container that holds a pod's namespaces. The default is built with the project and loaded at start.",
  }),
  snapshotter: key({
    path: [...images3, "snapshotter"],
    path2: [...cri2, "containerd", "snapshotter"],
    schema: z.literal("overlayfs"),
    default: "overlayfs",
    doc: "How layers become a root file system. There is overlayfs and nothing else.",
  }),
  registryConfigPath: key({
    path: [...images3, "registry", "config_path"],
    path2: [...cri2, "registry", "config_path"],
    schema: z.string(),
    default: "/etc/vitrine/certs.d",
    doc: "Directories with <registry host>/hosts.toml (mirrors, certificates), several by colon, as containerd has them.",
  }),
  maxConcurrentDownloads: key({
    path: [...images3, "max_concurrent_downloads"],
    path2: [...cri2, "max_concurrent_downloads"],
    schema: z.int().min(1).max(64),
    default: 3,
    doc: "Blobs of one image that are fetched at the same time.",
  }),
  defaultRuntimeName: key({
    path: [...runtime3, "containerd", "default_runtime_name"],
    path2: [...cri2, "containerd", "default_runtime_name"],
    schema: z.string().min(1),
    default: "vitrine",
    doc: "Handler of pods that name none (no RuntimeClass). One of the runtimes below.",
  }),
  logLineBytesMax: key({
    path: [...runtime3, "max_container_log_line_size"],
    path2: [...cri2, "max_container_log_line_size"],
    schema: z
      .int()
      .min(256)
      .max(1 << 20),
    default: 16384,
    doc: "Bytes; longer lines of a container are cut into several entries of its log (P, P, ... F).",
  }),
  unprivilegedPorts: key({
    path: [...runtime3, "enable_unprivileged_ports"],
    path2: [...cri2, "enable_unprivileged_ports"],
    schema: z.boolean(),
    default: true,
    doc: "Ports below 1024 need no capability in pods with a network of their own.",
  }),
  unprivilegedPing: key({
    path: [...runtime3, "enable_unprivileged_icmp"],
    path2: [...cri2, "enable_unprivileged_icmp"],
    schema: z.boolean(),
    default: true,
    doc: "ping needs no capability in pods with a network of their own.",
  }),
  unsetSeccompProfile: key({
    path: [...runtime3, "unset_seccomp_profile"],
    path2: [...cri2, "unset_seccomp_profile"],
    schema: z.union([z.enum(["", "unconfined", "runtime/default"]), absolutePath]),
    default: "",
    doc: 'Seccomp profile of containers that name none: "unconfined" (also when empty), "runtime/default" or the absolute path of a profile.',
  }),
  cniBinDirs: key({
    path: [...runtime3, "cni", "bin_dirs"],
    schema: pathList,
    default: ["/opt/cni/bin", "/usr/lib/cni"],
    doc: "Directories with CNI plugins, searched in this order. Version 2 files have bin_dir, one directory.",
  }),
  cniConfDir: key({
    path: [...runtime3, "cni", "conf_dir"],
    path2: [...cri2, "cni", "conf_dir"],
    schema: absolutePath,
    default: "/etc/cni/net.d",
    doc: "Directory with CNI configuration; the first file by name is used. Without one, the project's own bridge is.",
  }),
  internalLoopback: key({
    path: [...runtime3, "cni", "use_internal_loopback"],
    schema: z.boolean(),
    default: true,
    doc: "Bring a pod's lo up without executing the loopback plugin: one process less.",
  }),
  ipPreference: key({
    path: [...runtime3, "cni", "ip_pref"],
    path2: [...cri2, "cni", "ip_pref"],
    schema: z.enum(["ipv4", "ipv6", "cni"]),
    default: "ipv4",
    doc: "Which address of a pod is its first: ipv4, ipv6, or cni for the order the plugin gave.",
  }),
  cniAddTimeoutMs: key({
    path: ["vitrine", "cni", "add_timeout_ms"],
    schema: z.int().min(1),
    default: 300_000,
    doc: "How long a CNI plugin may take to connect a pod, milliseconds; then it is killed with all it started.",
  }),
  cniDelTimeoutMs: key({
    path: ["vitrine", "cni", "del_timeout_ms"],
    schema: z.int().min(1),
    default: 60_000,
    doc: "The same for disconnecting.",
  }),
  bridgeEnabled: key({
    path: ["vitrine", "bridge", "enabled"],
    schema: z.boolean(),
    default: true,
    doc: "Whether the project's own bridge plugin connects pods while there is no CNI configuration.",
  }),
  bridgeName: key({
    path: ["vitrine", "bridge", "name"],
    schema: z
      .string()
      .regex(/^[a-z][a-z0-9_.-]{0,14}$/, "must be an interface name of 15 characters at most"),
    default: "vitrine0",
    doc: "Its bridge interface.",
  }),
  bridgeSubnet: key({
    path: ["vitrine", "bridge", "subnet"],
    schema: z.cidrv4(),
    default: "10.187.0.0/16",
    doc: "IPv4 network its pods get addresses from; the first address is the bridge's.",
  }),
  netnsDirectory: key({
    path: ["vitrine", "netns_dir"],
    schema: absolutePath,
    default: "/run/netns",
    doc: "Where network namespaces get their names, so that `ip netns` sees them.",
  }),
  cgroupParent: key({
    path: ["vitrine", "cgroup_parent"],
    schema: absolutePath,
    default: "/vitrine",
    doc: "Parent cgroup of pods that name none (a kubelet always names one).",
  }),
  pidsLimit: key({
    path: ["vitrine", "pids_limit"],
    schema: count,
    default: 0,
    doc: "At most this many tasks a container; 0 means no limit of its own (a kubelet limits the pod).",
  }),
  shmBytes: key({
    path: ["vitrine", "shm_bytes"],
    schema: count,
    default: 64 << 20,
    doc: "Size of a pod's /dev/shm, bytes.",
  }),
  execOutputBytesMax: key({
    path: ["vitrine", "exec_output_bytes_max"],
    schema: z
      .int()
      .min(1)
      .max(16 << 20),
    default: 8 << 20,
    doc: "Bytes of each of stdout and stderr that ExecSync keeps; the rest is discarded. One gRPC message takes 16 MiB.",
  }),
  execDrainMs: key({
    path: ["vitrine", "exec_drain_ms"],
    schema: count,
    default: 500,
    doc: "How long ExecSync waits, after the command has ended, for children that hold its output open; milliseconds.",
  }),
  recoveryItemMs: key({
    path: ["vitrine", "recovery_item_ms"],
    schema: z.int().min(1),
    default: 10_000,
    doc: "How long a start may spend on finding one pod or container again, milliseconds.",
  }),
  tracingEnabled: key({
    path: ["vitrine", "tracing", "enabled"],
    schema: z.boolean(),
    default: true,
    doc: "Whether there are spans at all. OTLP export is switched on by the standard OTEL_* variables.",
  }),
  pollRatio: key({
    path: ["vitrine", "tracing", "poll_ratio"],
    schema: z.number().min(0).max(1),
    default: 0,
    doc: "Part of the polling calls (List*, *Status, Version, ImageFsInfo) that get spans, 0 to 1. A kubelet polls every second.",
  }),
  ringEvents: key({
    path: ["vitrine", "tracing", "ring_events"],
    schema: z
      .int()
      .min(16)
      .max(1 << 20),
    default: 8192,
    doc: "Span events (start and end count each) kept for readers of the trace stream that come late.",
  }),
  traceAddress: key({
    path: ["vitrine", "tracing", "address"],
    schema: socketPath,
    default: "/run/vitrine/trace.sock",
    doc: "Socket of the trace stream, for the dashboard and `vitrine trace`.",
  }),
  traceGid: key({
    path: ["vitrine", "tracing", "gid"],
    schema: count,
    default: 0,
    doc: "Group that may read the trace stream: 0 makes the socket root's alone (0600), another group gets 0660.",
  }),
  recordPath: key({
    path: ["vitrine", "tracing", "record"],
    schema: z.union([absolutePath, z.literal("")]),
    default: "",
    doc: "File that every span is appended to, as OTLP JSON Lines; mode 0600. Empty records nothing.",
  }),
} as const;

/** Keys of one table `runtimes.<name>`. */
export const runtimeKeys = {
  runtimeType: key({
    path: ["runtime_type"],
    schema: z.enum(["io.vitrine.oci.v1", "io.containerd.runc.v2"]),
    default: "io.vitrine.oci.v1",
    doc: "Which OCI runtime: vitrine-oci, also under the name that containerd's files have here.",
  }),
  podAnnotations: key({
    path: ["pod_annotations"],
    schema: z.array(z.string()),
    default: [],
    doc: "Globs of pod annotations that reach the OCI spec. None by default: annotations have broken out of runtimes.",
  }),
  containerAnnotations: key({
    path: ["container_annotations"],
    schema: z.array(z.string()),
    default: [],
    doc: "The same for annotations of containers.",
  }),
  privilegedWithoutHostDevices: key({
    path: ["privileged_without_host_devices"],
    schema: z.boolean(),
    default: false,
    doc: "A privileged container of this handler does not get the devices of the host.",
  }),
} as const;

export type ConfigKeys = typeof configKeys;
type Values<Keys extends Record<string, { readonly schema: z.ZodType }>> = {
  readonly [Name in keyof Keys]: z.infer<Keys[Name]["schema"]>;
};

export type RuntimeSettings = Values<typeof runtimeKeys>;

/** The configuration, complete. */
export type Settings = Values<ConfigKeys> & {
  readonly runtimes: Readonly<Record<string, RuntimeSettings>>;
};
