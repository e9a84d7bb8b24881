/**
 * CRI calls: one entry an RPC, id "cri.<Rpc>", span name the full method (OpenTelemetry's rpc.method),
 * and the two calls of Vitrine's own Admin service.
 */
import type { CatalogueEntry } from "./entry.ts";

const link = "https://kubernetes.io/docs/concepts/containers/cri/";

const everyCall = {
  "rpc.system.name": "always grpc",
  "rpc.method": "full name of the method",
  "rpc.status_code": "name of the gRPC status the caller got",
} as const;

const podAttributes = {
  "vitrine.sandbox.id": "id of the pod sandbox",
  "k8s.pod.name": "name of the pod",
  "k8s.namespace.name": "its namespace",
  "k8s.pod.uid": "its uid",
} as const;

const containerAttributes = {
  "container.id": "id of the container",
  "container.name": "its name in the pod",
  "vitrine.sandbox.id": "id of the pod sandbox it lives in",
} as const;

const imageAttributes = { "container.image.name": "image as the caller named it" } as const;

interface Said {
  readonly label: string;
  readonly why: string;
  readonly reply?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

function call(service: string, rpc: string, said: Said): CatalogueEntry {
  return {
    span: `${service}/${rpc}`,
    level: 1,
    from: "client",
    to: "runtime",
    label: said.label,
    ...(said.reply === undefined ? {} : { reply: said.reply }),
    attributes: { ...everyCall, ...said.attributes },
    why: said.why,
    link,
  };
}

const runtime = (rpc: string, said: Said) => call("runtime.v1.RuntimeService", rpc, said);
const image = (rpc: string, said: Said) => call("runtime.v1.ImageService", rpc, said);
const admin = (rpc: string, said: Said) => call("vitrine.v1.Admin", rpc, said);

const pod = (rpc: string, why: string): CatalogueEntry =>
  runtime(rpc, {
    label: `${rpc} {k8s.namespace.name}/{k8s.pod.name}`,
    why,
    attributes: podAttributes,
  });
const container = (rpc: string, why: string): CatalogueEntry =>
  runtime(rpc, { label: `${rpc} {container.name}`, why, attributes: containerAttributes });
const plain = (rpc: string, why: string): CatalogueEntry => runtime(rpc, { label: rpc, why });

export const criSteps = {
  "cri.Version": plain("Version", "A kubelet first asks who answers and which API it speaks."),
  "cri.Status": plain(
    "Status",
    "Every five seconds a kubelet asks whether pods can run here and whether they would get a network.",
  ),
  "cri.RuntimeConfig": plain(
    "RuntimeConfig",
    "Kubelet and runtime must manage cgroups the same way, so the kubelet asks the runtime how.",
  ),
  "cri.UpdateRuntimeConfig": plain(
    "UpdateRuntimeConfig",
    "The kubelet tells the runtime the address range this node's pods get.",
  ),
  "cri.RunPodSandbox": runtime("RunPodSandbox", {
    label: "RunPodSandbox {k8s.namespace.name}/{k8s.pod.name}",
    reply: "sandbox {vitrine.sandbox.id}",
    why: "A pod is first an empty sandbox: network, namespaces and cgroup that its containers will share.",
    attributes: podAttributes,
  }),
  "cri.StopPodSandbox": pod(
    "StopPodSandbox",
    "Whatever still runs in the pod is ended, and its address goes back.",
  ),
  "cri.RemovePodSandbox": pod(
    "RemovePodSandbox",
    "Only now the records and files of the pod go; until then its state can be asked for.",
  ),
  "cri.PodSandboxStatus": pod(
    "PodSandboxStatus",
    "The caller learns the pod's address and whether the sandbox is still ready.",
  ),
  "cri.ListPodSandbox": plain(
    "ListPodSandbox",
    "A kubelet compares every second what should run with what does.",
  ),
  "cri.StreamPodSandboxes": plain(
    "StreamPodSandboxes",
    "The same list in pieces, for nodes where one message would grow too large.",
  ),
  "cri.UpdatePodSandboxResources": pod(
    "UpdatePodSandboxResources",
    "The pod as a whole was resized; the runtime is told.",
  ),
  "cri.CreateContainer": runtime("CreateContainer", {
    label: "CreateContainer {container.name}",
    reply: "container {container.id}",
    why: "The container is built completely, up to the last moment before its command runs.",
    attributes: { ...containerAttributes, ...imageAttributes },
  }),
  "cri.StartContainer": container(
    "StartContainer",
    "Creating and starting are two calls, so that everything can be checked before the command runs.",
  ),
  "cri.StopContainer": runtime("StopContainer", {
    label: "StopContainer {container.name}",
    why: "The command is asked to end, and killed when the grace period is over.",
    attributes: {
      ...containerAttributes,
      "vitrine.stop.grace_seconds": "seconds between stop signal and SIGKILL",
    },
  }),
  "cri.RemoveContainer": container(
    "RemoveContainer",
    "The writable layer and the records of a container that has ended are given back.",
  ),
  "cri.ContainerStatus": container(
    "ContainerStatus",
    "State, exit code and times of one container: what kubectl describe shows comes from here.",
  ),
  "cri.ListContainers": plain(
    "ListContainers",
    "A kubelet compares every second what should run with what does.",
  ),
  "cri.StreamContainers": plain(
    "StreamContainers",
    "The same list in pieces, for nodes where one message would grow too large.",
  ),
  "cri.UpdateContainerResources": container(
    "UpdateContainerResources",
    "Limits live in cgroup files, so they can change while the container runs.",
  ),
  "cri.ReopenContainerLog": container(
    "ReopenContainerLog",
    "The kubelet renamed the log file; a new one of the old name must be opened.",
  ),
  "cri.ExecSync": runtime("ExecSync", {
    label: "ExecSync {container.name}",
    reply: "exit {process.exit.code}",
    why: "A probe or an operator runs one more command in the container's namespaces and waits for its end.",
    attributes: { ...containerAttributes, "process.exit.code": "exit code of the command" },
  }),
  "cri.Exec": container(
    "Exec",
    "The runtime hands out a URL where the command's terminal streams.",
  ),
  "cri.Attach": container(
    "Attach",
    "The runtime hands out a URL where the container's own streams are.",
  ),
  "cri.PortForward": pod(
    "PortForward",
    "The runtime hands out a URL that leads to ports of the pod.",
  ),
  "cri.ContainerStats": container(
    "ContainerStats",
    "What one container uses now, read from cgroups.",
  ),
  "cri.ListContainerStats": plain(
    "ListContainerStats",
    "What every container uses now, for eviction.",
  ),
  "cri.StreamContainerStats": plain("StreamContainerStats", "The same figures in pieces."),
  "cri.PodSandboxStats": pod("PodSandboxStats", "What one pod uses now, network included."),
  "cri.ListPodSandboxStats": plain("ListPodSandboxStats", "What every pod uses now."),
  "cri.StreamPodSandboxStats": plain("StreamPodSandboxStats", "The same figures in pieces."),
  "cri.ListMetricDescriptors": plain(
    "ListMetricDescriptors",
    "Which metrics the runtime can measure, with their label names.",
  ),
  "cri.ListPodSandboxMetrics": plain("ListPodSandboxMetrics", "The metrics themselves."),
  "cri.StreamPodSandboxMetrics": plain("StreamPodSandboxMetrics", "The same metrics in pieces."),
  "cri.GetContainerEvents": plain(
    "GetContainerEvents",
    "Instead of asking every second, a caller can be told what changes.",
  ),
  "cri.CheckpointContainer": container(
    "CheckpointContainer",
    "A running container is frozen into a file, to be examined or continued elsewhere.",
  ),
  "cri.CheckpointPod": pod("CheckpointPod", "A whole pod is frozen into a file."),
  "cri.RestorePod": plain("RestorePod", "A frozen pod comes to life again."),
  "cri.ListImages": image("ListImages", {
    label: "ListImages",
    why: "The kubelet decides from this list which images to remove when the disk fills.",
  }),
  "cri.StreamImages": image("StreamImages", {
    label: "StreamImages",
    why: "The same list in pieces, for nodes where one message would grow too large.",
  }),
  "cri.ImageStatus": image("ImageStatus", {
    label: "ImageStatus {container.image.name}",
    why: "An image that is here already need not be pulled.",
    attributes: imageAttributes,
  }),
  "cri.PullImage": image("PullImage", {
    label: "PullImage {container.image.name}",
    reply: "{container.image.id}",
    why: "An image must lie unpacked on the node before a container can be made of it.",
    attributes: { ...imageAttributes, "container.image.id": "digest of the image configuration" },
  }),
  "cri.RemoveImage": image("RemoveImage", {
    label: "RemoveImage {container.image.name}",
    why: "Images nobody uses are removed when the disk fills.",
    attributes: imageAttributes,
  }),
  "cri.ImageFsInfo": image("ImageFsInfo", {
    label: "ImageFsInfo",
    why: "The kubelet evicts pods before the disk of the images is full.",
  }),
  "admin.LoadImage": admin("LoadImage", {
    label: "LoadImage {vitrine.image.path}",
    why: "An image can come from a file, where there is no registry.",
    attributes: { "vitrine.image.path": "path of the archive or directory" },
  }),
  "admin.ContainerPlan": admin("ContainerPlan", {
    label: "ContainerPlan {container.name}",
    why: "The Plan a container was built with can be read afterwards.",
    attributes: { "container.id": "id of the container" },
  }),
} as const satisfies Record<string, CatalogueEntry>;
