/**
 * dockershim: CRI in front, Docker's API behind. It translates and nothing else, so each call here is three
 * steps: what the kubelet said, what dockerd heard, what containerd was asked to do.
 */
import type { CriClient } from "../../actors/cri-client.ts";
import type { Runtime } from "../../cri/service/runtime.ts";
import { attribute } from "../../trace/attribute.ts";
import type { StepId } from "../../trace/catalogue.ts";
import { type Attributes, type Context, step } from "../../trace/tracer.ts";

/** One request of Docker's HTTP API. */
interface DockerRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly status: number;
}

/** dockerd hears a request and asks containerd by `rpc`, if it has to; `work` is what containerd does. */
export async function viaDockerd<T>(
  context: Context,
  request: DockerRequest,
  rpc: string | undefined,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const attributes = { "http.request.method": request.method, "url.path": request.path };
  return step(context, "docker.api", attributes, async (inner, span) => {
    const result =
      rpc === undefined
        ? await work(inner)
        : await step(inner, "containerd.api", { "rpc.method": rpc }, work);
    span.set({ "http.response.status_code": request.status });
    return result;
  });
}

const shortId = (id: string) => id.slice(0, 12);

/** A CriClient that a kubelet takes for a runtime, in front of `engine`, which plays containerd. */
export function dockerShim(engine: () => Runtime): CriClient {
  const call = <T>(
    context: Context,
    id: StepId,
    attributes: Attributes,
    request: DockerRequest,
    rpc: string | undefined,
    work: (context: Context) => Promise<T>,
  ) => step(context, id, attributes, (inner) => viaDockerd(inner, request, rpc, work));
  return {
    // Polls, which diagrams leave out, go straight through.
    version: (context, request) => engine().version(context, request),
    status: (context, request) => engine().status(context, request),
    podSandboxStatus: (context, request) => engine().podSandboxStatus(context, request),
    listPodSandbox: (context, request) => engine().listPodSandbox(context, request),
    imageStatus: (context, request) => engine().imageStatus(context, request),
    containerStatus: (context, request) => engine().containerStatus(context, request),
    listContainers: (context, request) => engine().listContainers(context, request),
    execSync: (context, request) => engine().execSync(context, request),
    runPodSandbox: (context, request) => {
      const { name, namespace } = request.config?.metadata ?? { name: "", namespace: "" };
      const attributes = { [attribute.podName]: name, [attribute.podNamespace]: namespace };
      const path = `/containers/create?name=k8s_POD_${name}_${namespace}`;
      const docker = { method: "POST", path, status: 201 } as const;
      return call(
        context,
        "dockershim.RunPodSandbox",
        attributes,
        docker,
        "Tasks/Create",
        (inner) => engine().runPodSandbox(inner, request),
      );
    },
    pullImage: (context, request) => {
      const docker = {
        method: "POST",
        path: `/images/create?fromImage=${request.image?.image ?? ""}`,
        status: 200,
      } as const;
      const attributes = { [attribute.imageName]: request.image?.image ?? "" };
      return call(context, "dockershim.PullImage", attributes, docker, undefined, (inner) =>
        engine().pullImage(inner, request),
      );
    },
    createContainer: (context, request) => {
      const name = request.config?.metadata?.name ?? "";
      const attributes = {
        [attribute.sandboxId]: request.podSandboxId,
        [attribute.containerName]: name,
      };
      const path = `/containers/create?name=k8s_${name}`;
      const docker = { method: "POST", path, status: 201 } as const;
      return call(
        context,
        "dockershim.CreateContainer",
        attributes,
        docker,
        "Containers/Create",
        (inner) => engine().createContainer(inner, request),
      );
    },
    startContainer: (context, request) => {
      const path = `/containers/${shortId(request.containerId)}/start`;
      const attributes = { [attribute.containerId]: request.containerId };
      const docker = { method: "POST", path, status: 204 } as const;
      return call(
        context,
        "dockershim.StartContainer",
        attributes,
        docker,
        "Tasks/Start",
        (inner) => engine().startContainer(inner, request),
      );
    },
    stopContainer: (context, request) => {
      const path = `/containers/${shortId(request.containerId)}/stop?t=${request.timeout}`;
      const attributes = { [attribute.containerId]: request.containerId };
      const docker = { method: "POST", path, status: 204 } as const;
      return call(context, "dockershim.StopContainer", attributes, docker, "Tasks/Kill", (inner) =>
        engine().stopContainer(inner, request),
      );
    },
    removeContainer: (context, request) => {
      const path = `/containers/${shortId(request.containerId)}`;
      const attributes = { [attribute.containerId]: request.containerId };
      const docker = { method: "DELETE", path, status: 204 } as const;
      return call(
        context,
        "dockershim.RemoveContainer",
        attributes,
        docker,
        "Containers/Delete",
        (inner) => engine().removeContainer(inner, request),
      );
    },
    stopPodSandbox: (context, request) => {
      const path = `/containers/${shortId(request.podSandboxId)}/stop`;
      const attributes = { [attribute.sandboxId]: request.podSandboxId };
      const docker = { method: "POST", path, status: 204 } as const;
      return call(context, "dockershim.StopPodSandbox", attributes, docker, "Tasks/Kill", (inner) =>
        engine().stopPodSandbox(inner, request),
      );
    },
    removePodSandbox: (context, request) => {
      const path = `/containers/${shortId(request.podSandboxId)}`;
      const attributes = { [attribute.sandboxId]: request.podSandboxId };
      const docker = { method: "DELETE", path, status: 204 } as const;
      return call(
        context,
        "dockershim.RemovePodSandbox",
        attributes,
        docker,
        "Containers/Delete",
        (inner) => engine().removePodSandbox(inner, request),
      );
    },
  };
}
