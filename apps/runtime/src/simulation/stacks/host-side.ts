/**
 * What stays on the host when a container has a second kernel: containerd pulls the image, makes the snapshot
 * and starts the shim; what the shim starts then is no runc.
 */
import { imageSpec } from "../../actors/pod-messages.ts";
import {
  mountContainerRoot,
  releaseContainerRoot,
} from "../../engine/containers/container-root.ts";
import { PlanBuilder } from "../../kernel/plan.ts";
import { attribute } from "../../trace/attribute.ts";
import type { StepId } from "../../trace/catalogue.ts";
import { type Attributes, type Context, step } from "../../trace/tracer.ts";
import type { Stage } from "../stage.ts";

export class HostSide {
  readonly #stage: Stage;
  readonly #id: string;
  readonly #name: string;

  constructor(stage: Stage, id: string, name: string) {
    this.#stage = stage;
    this.#id = id;
    this.#name = name;
  }

  get #attributes() {
    return { [attribute.containerId]: this.#id, [attribute.containerName]: this.#name };
  }

  get #shimDirectory(): string {
    return `${this.#stage.engine.parts.options.stateDirectory}/shims/${this.#id}`;
  }

  /** A call of the kubelet; Vitrine's CRI service knows no second kernels, so the steps are taken one by one here. */
  #call<T>(id: StepId, attributes: Attributes, work: (context: Context) => Promise<T>): Promise<T> {
    return step(this.#stage.context, id, attributes, work);
  }

  /** The pod is a sandbox in another sense here: `work` starts what stands between it and the host. */
  runPodSandbox(work: (context: Context) => Promise<void>): Promise<void> {
    const pod = { [attribute.podName]: this.#name, [attribute.podNamespace]: "default" };
    return this.#call("cri.RunPodSandbox", pod, async (context) => {
      const { parts } = this.#stage.engine;
      await step(context, "pod.shim", {}, async (inner, span) => {
        const path = this.#shimDirectory;
        const plan = new PlanBuilder("shim directory");
        plan.add("host", { op: "mkdir", path, mode: 0o711, parents: true });
        await parts.world.kernel.run(inner, plan.build());
        span.set({ [attribute.pid]: (await parts.shims.start(inner, this.#id)).pid });
        await work(inner);
      });
    });
  }

  pullImage(image: string): Promise<void> {
    return this.#call("cri.PullImage", { [attribute.imageName]: image }, async (context) => {
      await this.#stage.engine.pullImage(context, { image: imageSpec(image) });
    });
  }

  /** A snapshot on the host, and what the shim does when it is asked to create; that tells the pid. */
  createContainer(image: string, work: (context: Context) => Promise<number>): Promise<void> {
    return this.#call("cri.CreateContainer", this.#attributes, async (context) => {
      const { parts } = this.#stage.engine;
      const { chainId } = parts.images.resolve(image);
      await mountContainerRoot(parts, context, this.#id, chainId, false);
      await step(context, "container.create", this.#attributes, async (inner, span) => {
        span.set({ [attribute.pid]: await work(inner) });
      });
    });
  }

  startContainer(work: (context: Context) => Promise<void>): Promise<void> {
    return this.#call("cri.StartContainer", this.#attributes, (context) =>
      step(context, "container.start", this.#attributes, work),
    );
  }

  /** Everything in reverse, after `work`, which ends what the shim had started. */
  removePodSandbox(work: (context: Context) => Promise<void>): Promise<void> {
    const pod = { [attribute.podName]: this.#name, [attribute.podNamespace]: "default" };
    return this.#call("cri.RemovePodSandbox", pod, async (context) => {
      const { parts } = this.#stage.engine;
      await step(context, "container.release", this.#attributes, async (inner) => {
        await work(inner);
        await parts.shims.shutdown(this.#id);
        const plan = new PlanBuilder("shim directory");
        plan.add("host", { op: "removeTree", path: this.#shimDirectory }, ["ENOENT"]);
        await parts.world.kernel.run(inner, plan.build());
        await releaseContainerRoot(parts, inner, this.#id);
      });
    });
  }
}
