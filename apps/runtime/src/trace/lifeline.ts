/**
 * Lifelines: the columns of every sequence diagram, left to right. The first group is Vitrine's own; the
 * others are the parts of the stacks that lessons show, and a cast (cast.ts) says who of them plays what.
 */
export const lifelines = {
  user: { title: "user", why: "somebody with kubectl, docker or ctr" },
  apiServer: {
    title: "API server",
    why: "keeps what is wanted and what is, for everybody to watch",
  },
  scheduler: { title: "scheduler", why: "chooses a node for a pod that has none" },
  kubelet: { title: "kubelet", why: "makes the pods of its node what the API server says" },
  dockershim: { title: "dockershim", why: "CRI for dockerd, inside the kubelet until 1.24" },
  criDockerd: {
    title: "cri-dockerd",
    why: "dockershim outside the kubelet, as a daemon of its own",
  },
  docker: { title: "docker", why: "Docker's command line" },
  dockerd: {
    title: "dockerd",
    why: "Docker Engine: images, networks and volumes, over containerd",
  },
  ctr: { title: "ctr", why: "containerd's command line, without Kubernetes" },
  client: { title: "client", why: "who calls the runtime: a kubelet, crictl, or the demo" },
  containerd: { title: "containerd", why: "the daemon whose plugins stand to the right of it" },
  criPlugin: { title: "CRI plugin", why: "the part of containerd that speaks CRI" },
  crio: { title: "CRI-O", why: "a runtime made for Kubernetes alone" },
  runtime: { title: "runtime", why: "vitrined, the daemon that speaks CRI" },
  imageService: { title: "image service", why: "names images, pulls and unpacks them" },
  contentStore: { title: "content store", why: "keeps blobs by their digest" },
  registry: { title: "registry", why: "where image blobs come from" },
  snapshotter: { title: "snapshotter", why: "makes file systems out of layers" },
  cni: { title: "CNI", why: "network plugins, executed as programs" },
  shim: {
    title: "shim",
    why: "one small process a pod; it owns the containers and outlives the daemon",
  },
  containerdShim: {
    title: "containerd-shim",
    why: "owns the containers while containerd may restart",
  },
  conmon: { title: "conmon", why: "CRI-O's monitor: one small process a container" },
  kataShim: { title: "kata shim", why: "a shim whose container is a virtual machine" },
  oci: { title: "OCI runtime", why: "vitrine-oci, the short-lived process in runc's role" },
  runc: { title: "runc", why: "the OCI runtime: makes a container and is gone" },
  runsc: { title: "runsc", why: "gVisor's OCI runtime: starts a sentry instead of a container" },
  hypervisor: { title: "hypervisor", why: "runs a guest kernel on virtual hardware" },
  kernel: { title: "kernel", why: "Linux, or the model of it" },
  sentry: {
    title: "sentry",
    why: "gVisor's kernel in user space: answers the container's system calls",
  },
  gofer: { title: "gofer", why: "opens files for the sentry, which may not" },
  guestKernel: { title: "guest kernel", why: "a Linux of its own inside the virtual machine" },
  agent: { title: "agent", why: "makes the containers inside the guest" },
  container: { title: "container", why: "the process inside" },
  attacker: { title: "attacker", why: "a process inside that tries to get out" },
  blockDevice: { title: "disk", why: "where blocks are copied when somebody writes" },
} as const satisfies Record<string, { readonly title: string; readonly why: string }>;

export type Lifeline = keyof typeof lifelines;

/** Left to right. */
export const lifelineOrder: readonly string[] = Object.keys(lifelines);
