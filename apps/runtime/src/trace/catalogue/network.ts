/** Runtime steps of the network: the namespace, and CNI. */
import type { CatalogueEntry } from "./entry.ts";

const cniSpec = "https://github.com/containernetworking/cni/blob/main/SPEC.md";

export const networkSteps = {
  "network.namespace": {
    level: 2,
    from: "runtime",
    to: "oci",
    label: "make network namespace {vitrine.netns.path}",
    attributes: {
      "vitrine.netns.path": "where the namespace is bound, so that it lives without a process",
    },
    why: "A new network namespace starts with nothing but a loopback interface that is down: no route, no neighbour, no packet of the host.",
    link: "https://man7.org/linux/man-pages/man7/network_namespaces.7.html",
  },
  "network.namespace.remove": {
    level: 2,
    from: "runtime",
    to: "kernel",
    label: "remove network namespace {vitrine.netns.path}",
    attributes: { "vitrine.netns.path": "where the namespace was bound" },
    why: "Once its binding is gone and its last process has ended, the kernel tears the namespace down with every interface in it.",
    link: "https://man7.org/linux/man-pages/man7/network_namespaces.7.html",
  },
  "network.attach": {
    level: 2,
    from: "runtime",
    to: "runtime",
    label: "attach to network {vitrine.cni.network}",
    reply: "{k8s.pod.ip}",
    attributes: {
      "vitrine.cni.network": "name of the network",
      "vitrine.cni.source": "the configuration file it came from, or built-in",
      "k8s.pod.ip": "the pod's first address",
    },
    why: "The runtime knows nothing of bridges or routes; it runs the plugins that the node's administrator has chosen, one after another.",
    link: cniSpec,
  },
  "network.detach": {
    level: 2,
    from: "runtime",
    to: "runtime",
    label: "detach from the network",
    attributes: {},
    why: "Each plugin gives back what it took, in reverse order; without this the pool would lose an address with every pod.",
    link: cniSpec,
  },
  "cni.plugin": {
    level: 2,
    from: "runtime",
    to: "cni",
    label: "{vitrine.cni.command} {vitrine.cni.plugin}",
    reply: "{vitrine.cni.ips}",
    attributes: {
      "vitrine.cni.command": "ADD, DEL, CHECK or STATUS",
      "vitrine.cni.plugin": "type of the plugin, which is the name of its program",
      "vitrine.cni.network": "name of the network",
      "vitrine.cni.ifname": "interface inside the pod",
      "vitrine.cni.ips": "addresses in the plugin's result",
      "process.executable.path": "the program",
      "process.pid": "its pid",
      "process.exit.code": "its exit code",
    },
    why: "A CNI plugin is a program: parameters in its environment, configuration on its stdin, the result as JSON on its stdout.",
    link: cniSpec,
  },
} as const satisfies Record<string, CatalogueEntry>;
