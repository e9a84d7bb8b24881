/** Lifelines: the columns of every sequence diagram, left to right. */
export const lifelines = {
  client: { title: "client", why: "who calls the runtime: a kubelet, crictl, or the demo" },
  runtime: { title: "runtime", why: "vitrined, the daemon that speaks CRI" },
  registry: { title: "registry", why: "where image blobs come from" },
  cni: { title: "CNI", why: "network plugins, executed as programs" },
  shim: {
    title: "shim",
    why: "one small process a pod; it owns the containers and outlives the daemon",
  },
  oci: { title: "OCI runtime", why: "vitrine-oci, the short-lived process in runc's role" },
  kernel: { title: "kernel", why: "Linux, or the model of it" },
  container: { title: "container", why: "the process inside" },
} as const satisfies Record<string, { readonly title: string; readonly why: string }>;

export type Lifeline = keyof typeof lifelines;
