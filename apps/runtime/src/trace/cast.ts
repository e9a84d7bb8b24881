/**
 * Casts: one runtime plays the parts of others. containerd, CRI-O and Docker take the same steps in the same
 * order (all of them are what the kernel and OCI demand); what differs is who takes which. A recording that
 * names a cast (resource attribute vitrine.cast) is drawn with its lifelines, and says so.
 */
import type { Lifeline } from "./lifeline.ts";

type Ends = readonly [from: Lifeline, to: Lifeline];

export interface Cast {
  readonly title: string;
  /** One sentence: what this stack is, and since or until when. */
  readonly why: string;
  /** Who plays each of Vitrine's own lifelines. */
  readonly parts: Readonly<Partial<Record<Lifeline, Lifeline>>>;
  /** Steps that belong to a part of their own; a key ending in "." is a prefix of step ids. */
  readonly steps: Readonly<Record<string, Ends>>;
}

const containerdSteps: Readonly<Record<string, Ends>> = {
  "image.pull": ["criPlugin", "imageService"],
  "image.resolve": ["imageService", "registry"],
  "image.token": ["imageService", "registry"],
  "image.fetch": ["contentStore", "registry"],
  "image.unpack": ["imageService", "snapshotter"],
  "image.remove": ["criPlugin", "imageService"],
  "snapshot.": ["criPlugin", "snapshotter"],
  "network.namespace": ["criPlugin", "kernel"],
  "network.namespace.remove": ["criPlugin", "kernel"],
};

/** dockerd keeps images and layers itself, in a graph driver; containerd only runs what it is given. */
const dockerImages: Readonly<Record<string, Ends>> = {
  "image.": ["dockerd", "registry"],
  "image.unpack": ["dockerd", "kernel"],
  "image.remove": ["dockerd", "kernel"],
  "snapshot.": ["dockerd", "kernel"],
};

export const casts = {
  kubernetes: {
    title: "Kubernetes over Vitrine",
    why: "The kubelet is the client: what it asks, the API server has asked of it.",
    parts: { client: "kubelet" },
    steps: {},
  },
  lone: {
    title: "Vitrine, a container without a pod",
    why: "Nothing but a container: no kubelet, no sandbox, no CNI.",
    parts: {},
    steps: {},
  },
  containerd: {
    title: "containerd with its CRI plugin",
    why: "The default of most clusters: the kubelet talks to containerd, whose plugins share the work.",
    parts: { client: "kubelet", runtime: "criPlugin", shim: "containerdShim", oci: "runc" },
    steps: containerdSteps,
  },
  dockershim: {
    title: "dockershim, before Kubernetes 1.24",
    why: "The kubelet spoke CRI to a part of itself, which spoke Docker's API to dockerd, which drove containerd.",
    parts: { client: "dockerd", runtime: "containerd", shim: "containerdShim", oci: "runc" },
    steps: {
      ...dockerImages,
      "network.": ["dockershim", "cni"],
      "network.namespace": ["dockerd", "kernel"],
      "network.namespace.remove": ["dockerd", "kernel"],
      "cni.": ["dockershim", "cni"],
    },
  },
  criDockerd: {
    title: "Docker Engine with cri-dockerd",
    why: "dockershim went on as a daemon of its own, for clusters that keep Docker Engine.",
    parts: {
      dockershim: "criDockerd",
      client: "dockerd",
      runtime: "containerd",
      shim: "containerdShim",
      oci: "runc",
    },
    steps: {
      ...dockerImages,
      "network.": ["criDockerd", "cni"],
      "network.namespace": ["dockerd", "kernel"],
      "network.namespace.remove": ["dockerd", "kernel"],
      "cni.": ["criDockerd", "cni"],
    },
  },
  docker: {
    title: "docker run",
    why: "dockerd keeps images, networks and volumes; the container itself is containerd's and runc's work.",
    parts: {
      dockershim: "docker",
      client: "dockerd",
      runtime: "containerd",
      shim: "containerdShim",
      oci: "runc",
    },
    steps: { ...dockerImages, "network.": ["dockerd", "kernel"] },
  },
  ctr: {
    title: "ctr run",
    why: "containerd without Kubernetes: no pod, no CNI, one container.",
    parts: { client: "ctr", runtime: "containerd", shim: "containerdShim", oci: "runc" },
    steps: {
      "image.pull": ["containerd", "imageService"],
      "image.resolve": ["imageService", "registry"],
      "image.fetch": ["contentStore", "registry"],
      "image.unpack": ["imageService", "snapshotter"],
      "snapshot.": ["containerd", "snapshotter"],
    },
  },
  crio: {
    title: "CRI-O",
    why: "A runtime with no other client than the kubelet; conmon watches each container.",
    parts: { client: "kubelet", runtime: "crio", shim: "conmon", oci: "runc" },
    steps: {
      "network.namespace": ["crio", "kernel"],
      "network.namespace.remove": ["crio", "kernel"],
    },
  },
  gvisor: {
    title: "gVisor",
    why: "The container's system calls end in a kernel of its own, in user space; few reach the host's.",
    parts: { client: "kubelet", runtime: "containerd", shim: "containerdShim", oci: "runsc" },
    steps: {},
  },
  gvisorGuest: {
    title: "gVisor, inside the sentry",
    why: "What the container asks of a kernel, the sentry does.",
    parts: {
      client: "runsc",
      runtime: "runsc",
      shim: "containerdShim",
      oci: "runsc",
      kernel: "sentry",
    },
    steps: { "image.": ["containerd", "registry"] },
  },
  kataGuest: {
    title: "Kata Containers, inside the guest",
    why: "The agent does in the guest what runc does on a host.",
    parts: {
      client: "agent",
      runtime: "agent",
      shim: "agent",
      oci: "agent",
      kernel: "guestKernel",
    },
    steps: {},
  },
  kata: {
    title: "Kata Containers",
    why: "Each pod is a virtual machine: a guest kernel stands between the container and the host.",
    parts: { client: "kubelet", runtime: "containerd", shim: "kataShim", oci: "kataShim" },
    steps: {},
  },
} as const satisfies Record<string, Cast>;

export type CastName = keyof typeof casts;

/** The cast of this name; undefined for no name, and for one that a recording made up. */
export function castOf(name: string | undefined): Cast | undefined {
  return name !== undefined && Object.hasOwn(casts, name) ? casts[name as CastName] : undefined;
}

/** Where the arrow of a step goes when `cast` plays. */
export function recast(cast: Cast, step: string, from: string, to: string): Ends {
  const area = step.slice(0, step.indexOf(".") + 1);
  const own = cast.steps[step] ?? cast.steps[area];
  if (own !== undefined) return own;
  const part = (lifeline: string): Lifeline =>
    cast.parts[lifeline as Lifeline] ?? (lifeline as Lifeline);
  return [part(from), part(to)];
}
