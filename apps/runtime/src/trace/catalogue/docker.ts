/**
 * Steps of the Docker stacks. The names of the lifelines are those of the oldest of them, dockershim; casts give
 * the same steps to cri-dockerd and to the docker command line.
 */
import type { CatalogueEntry } from "./entry.ts";

const shimSource = "https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/";
const engineApi = "https://docs.docker.com/reference/api/engine/";
const containerdApi = "https://github.com/containerd/containerd/tree/main/api/services";

const podWords = {
  "k8s.pod.name": "name of the pod",
  "k8s.namespace.name": "namespace of the pod",
} as const;
const containerId = { "container.id": "id of the container" } as const;
const sandboxId = { "vitrine.sandbox.id": "id of the sandbox" } as const;

/** `words` follow the RPC's name in the label: what it is about. */
function shimCall(
  rpc: string,
  words: string,
  attributes: Readonly<Record<string, string>>,
  why: string,
): CatalogueEntry {
  return {
    level: 1,
    from: "kubelet",
    to: "dockershim",
    label: `${rpc} ${words}`,
    attributes,
    why,
    link: shimSource,
  };
}

export const dockerSteps = {
  "dockershim.RunPodSandbox": shimCall(
    "RunPodSandbox",
    "{k8s.namespace.name}/{k8s.pod.name}",
    podWords,
    "dockershim made a sandbox out of what Docker had: one more container, that only pauses.",
  ),
  "dockershim.PullImage": shimCall(
    "PullImage",
    "{container.image.name}",
    { "container.image.name": "image as the user wrote it" },
    "Images were Docker's, so pods and docker run shared them.",
  ),
  "dockershim.CreateContainer": shimCall(
    "CreateContainer",
    "{container.name}",
    { "container.name": "name of the container", ...sandboxId },
    "A CRI message is turned into a request of Docker's API: the translation was all dockershim did.",
  ),
  "dockershim.StartContainer": shimCall(
    "StartContainer",
    "{container.id}",
    containerId,
    "One hop more than today, at each call.",
  ),
  "dockershim.StopContainer": shimCall(
    "StopContainer",
    "{container.id}",
    containerId,
    "Stopping travels down the same stack.",
  ),
  "dockershim.RemoveContainer": shimCall(
    "RemoveContainer",
    "{container.id}",
    containerId,
    "So does removing.",
  ),
  "dockershim.StopPodSandbox": shimCall(
    "StopPodSandbox",
    "{vitrine.sandbox.id}",
    sandboxId,
    "The pause container ends, and dockershim gives the address back.",
  ),
  "dockershim.RemovePodSandbox": shimCall(
    "RemovePodSandbox",
    "{vitrine.sandbox.id}",
    sandboxId,
    "The last container of the pod goes.",
  ),
  "docker.run": {
    level: 1,
    from: "user",
    to: "dockershim",
    label: "docker run {container.image.name}",
    attributes: { "container.image.name": "image as the user wrote it" },
    why: "The command line does nothing by itself: it asks dockerd, three times.",
    link: "https://docs.docker.com/reference/cli/docker/container/run/",
  },
  "docker.api": {
    level: 2,
    from: "dockershim",
    to: "dockerd",
    label: "{http.request.method} {url.path}",
    reply: "{http.response.status_code}",
    attributes: {
      "http.request.method": "method of Docker's HTTP API",
      "url.path": "path of Docker's HTTP API",
      "http.response.status_code": "its answer",
    },
    why: "dockerd is driven over HTTP on a unix socket, by whoever may write to that socket.",
    link: engineApi,
  },
  "docker.network": {
    level: 2,
    from: "dockerd",
    to: "kernel",
    label: "libnetwork: {vitrine.docker.network}",
    reply: "{vitrine.docker.ip}",
    attributes: {
      "vitrine.docker.network": "the network the container joins",
      "vitrine.docker.ip": "address of the container",
    },
    why: "Docker has its own network code, so docker run needs no CNI.",
    link: "https://docs.docker.com/engine/network/",
  },
  "containerd.api": {
    level: 2,
    from: "dockerd",
    to: "containerd",
    label: "{rpc.method}",
    attributes: { "rpc.method": "method of containerd's gRPC API" },
    why: "Since 1.11 dockerd starts no container itself: containerd does, for Docker as for Kubernetes.",
    link: containerdApi,
  },
  "ctr.run": {
    level: 1,
    from: "user",
    to: "ctr",
    label: "ctr run {container.image.name} {container.name}",
    attributes: {
      "container.image.name": "image as the user wrote it",
      "container.name": "id the user chose",
    },
    why: "ctr speaks containerd's own API: no pod, no CNI, no kubelet, only what containerd itself does.",
    link: "https://github.com/containerd/containerd/blob/main/docs/getting-started.md",
  },
  "ctr.pull": {
    level: 1,
    from: "user",
    to: "ctr",
    label: "ctr images pull {container.image.name}",
    attributes: { "container.image.name": "image as the user wrote it" },
    why: "Pulling and running are two commands here: containerd pulls nothing by itself.",
    link: "https://github.com/containerd/containerd/blob/main/docs/getting-started.md",
  },
  "ctr.api": {
    level: 2,
    from: "ctr",
    to: "containerd",
    label: "{rpc.method}",
    attributes: { "rpc.method": "method of containerd's gRPC API" },
    why: "Container and task are two things: the container is a record, the task is its running process.",
    link: containerdApi,
  },
} as const satisfies Record<string, CatalogueEntry>;
