/** Steps above the runtime: what a user, the API server, the scheduler and the kubelet say to each other. */
import type { CatalogueEntry } from "./entry.ts";

const api = "https://kubernetes.io/docs/concepts/overview/kubernetes-api/";
const pods = "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/";
const scheduling = "https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/";
const nodes = "https://kubernetes.io/docs/concepts/architecture/nodes/";

const pod = {
  "k8s.pod.name": "name of the pod",
  "k8s.namespace.name": "namespace of the pod",
} as const;

export const clusterSteps = {
  "cluster.apply": {
    level: 1,
    from: "user",
    to: "apiServer",
    label: "kubectl apply: pod {k8s.namespace.name}/{k8s.pod.name}",
    reply: "created, phase Pending",
    attributes: pod,
    why: "Nothing happens on a node because of this call: it only writes down what is wanted.",
    link: api,
  },
  "cluster.watch": {
    level: 1,
    oneWay: true,
    from: "apiServer",
    to: "scheduler",
    label: "watch: pod {k8s.pod.name} has no node",
    attributes: pod,
    why: "Nobody calls the scheduler; it watches for pods without a node and so does its work.",
    link: scheduling,
  },
  "cluster.bind": {
    level: 1,
    from: "scheduler",
    to: "apiServer",
    label: "bind {k8s.pod.name} to {k8s.node.name}",
    reply: "bound",
    attributes: { ...pod, "k8s.node.name": "the chosen node" },
    why: "Of the nodes with room enough the best is chosen, and that too is only written down.",
    link: scheduling,
  },
  "cluster.assign": {
    level: 1,
    oneWay: true,
    from: "apiServer",
    to: "kubelet",
    label: "watch: pod {k8s.pod.name} is yours",
    attributes: pod,
    why: "The kubelet watches for pods bound to its own node: from here on the pod is its business.",
    link: nodes,
  },
  "cluster.status": {
    level: 1,
    from: "kubelet",
    to: "apiServer",
    label: "status of {k8s.pod.name}: phase {vitrine.pod.phase}",
    reply: "stored",
    attributes: {
      ...pod,
      "vitrine.pod.phase": "Pending, Running, Succeeded or Failed",
      "vitrine.pod.reason": "why a container is not running: OOMKilled, CrashLoopBackOff ...",
      "k8s.pod.ip": "the pod's address",
    },
    why: "What the runtime reported goes up again, so that everybody who watches the API server knows.",
    link: pods,
  },
  "cluster.observe": {
    level: 1,
    oneWay: true,
    from: "apiServer",
    to: "user",
    label: "kubectl get pod: {k8s.pod.name} {vitrine.pod.phase}",
    attributes: { ...pod, "vitrine.pod.phase": "phase as the API server has it" },
    why: "What kubectl shows is what the kubelet last reported, never the node itself.",
    link: api,
  },
  "cluster.probe": {
    level: 1,
    from: "kubelet",
    to: "container",
    label: "liveness probe of {container.name}",
    reply: "{vitrine.probe.result}",
    attributes: {
      ...pod,
      "container.name": "name of the container",
      "vitrine.probe.result": "success, or what went wrong",
    },
    why: "A process can run and still serve nobody; a probe asks it, as a client would.",
    link: "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
  },
  "cluster.restart": {
    level: 1,
    from: "kubelet",
    to: "kubelet",
    label: "restart {container.name}: {vitrine.pod.reason}",
    attributes: {
      ...pod,
      "container.name": "name of the container",
      "vitrine.pod.reason": "what ended it",
      "vitrine.restart.count": "restarts so far",
    },
    why: "A container is never started twice: the kubelet makes a new one in the same sandbox, so the address stays.",
    link: pods,
  },
} as const satisfies Record<string, CatalogueEntry>;
