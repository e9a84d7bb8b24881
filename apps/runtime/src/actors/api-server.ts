/**
 * The API server, as far as a pod needs one: it keeps what is wanted and what is, and tells whoever
 * watches. It never acts; that is the point of it.
 */
import { RuntimeError } from "../kernel/errors.ts";
import { attribute } from "../trace/attribute.ts";
import { type Attributes, type Context, step } from "../trace/tracer.ts";
import type { PodDescription } from "./pod-description.ts";

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

export interface PodStatus {
  readonly phase: PodPhase;
  readonly podIp: string;
  /** Why it is not running, or why it was restarted: "OOMKilled", "Error". */
  readonly reason: string;
  readonly restarts: number;
}

export interface PodObject {
  readonly spec: PodDescription;
  readonly nodeName: string | undefined;
  readonly status: PodStatus;
}

/** Told of a pod that is new to the watcher, or changed. */
export type PodWatcher = (context: Context, pod: PodObject) => Promise<void>;

export function podAttributes(spec: PodDescription): Attributes {
  return { [attribute.podName]: spec.name, [attribute.podNamespace]: spec.namespace };
}

export class ApiServer {
  readonly #pods = new Map<string, PodObject>();
  readonly #schedulers: PodWatcher[] = [];
  readonly #kubelets = new Map<string, PodWatcher>();

  /** Who is told of pods without a node. */
  watchUnbound(watcher: PodWatcher): void {
    this.#schedulers.push(watcher);
  }

  /** Who is told of the pods of one node. */
  watchNode(nodeName: string, watcher: PodWatcher): void {
    this.#kubelets.set(nodeName, watcher);
  }

  pod(name: string): PodObject {
    const pod = this.#pods.get(name);
    if (pod === undefined) throw new RuntimeError("NOT_FOUND", `there is no pod "${name}"`);
    return pod;
  }

  /** kubectl apply: the pod is stored, then whoever watches is told, one after another. */
  async apply(context: Context, spec: PodDescription): Promise<void> {
    await step(context, "cluster.apply", podAttributes(spec), async () => {
      const status: PodStatus = { phase: "Pending", podIp: "", reason: "", restarts: 0 };
      this.#pods.set(spec.name, { spec, nodeName: undefined, status });
    });
    for (const watcher of this.#schedulers) {
      await step(context, "cluster.watch", podAttributes(spec), async () => {});
      await watcher(context, this.pod(spec.name));
    }
  }

  /** The scheduler's decision; the node's kubelet is told. */
  async bind(context: Context, name: string, nodeName: string): Promise<void> {
    const pod = this.pod(name);
    const attributes = { ...podAttributes(pod.spec), "k8s.node.name": nodeName };
    await step(context, "cluster.bind", attributes, async () => {
      this.#pods.set(name, { ...pod, nodeName });
    });
    await step(context, "cluster.assign", podAttributes(pod.spec), async () => {});
    await this.#kubelets.get(nodeName)?.(context, this.pod(name));
  }

  /** What a kubelet reports. */
  async updateStatus(context: Context, name: string, status: PodStatus): Promise<void> {
    const pod = this.pod(name);
    const attributes = {
      ...podAttributes(pod.spec),
      "vitrine.pod.phase": status.phase,
      ...(status.reason === "" ? {} : { "vitrine.pod.reason": status.reason }),
      ...(status.podIp === "" ? {} : { [attribute.podIp]: status.podIp }),
    };
    await step(context, "cluster.status", attributes, async () => {
      this.#pods.set(name, { ...pod, status });
    });
  }

  /** kubectl get pod. */
  async observe(context: Context, name: string): Promise<PodStatus> {
    const { spec, status } = this.pod(name);
    const attributes = { ...podAttributes(spec), "vitrine.pod.phase": status.phase };
    return step(context, "cluster.observe", attributes, async () => status);
  }
}
