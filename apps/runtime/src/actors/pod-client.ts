/**
 * The pod client: a kubelet small enough to read. It makes the calls a kubelet makes for a static pod,
 * in its order, over any CriClient, and takes a pod down again.
 */
import type { ContainerStatus } from "../api/index.ts";
import { RuntimeError } from "../kernel/errors.ts";
import type { Clock } from "../kernel/world.ts";
import { type Context, withoutDeadline } from "../trace/tracer.ts";
import type { CriClient } from "./cri-client.ts";
import type { ContainerDescription, PodDescription } from "./pod-description.ts";
import { containerConfig, imageSpec, sandboxConfig } from "./pod-messages.ts";

export interface RunningContainer {
  readonly name: string;
  readonly id: string;
}

export interface RunningPod {
  readonly sandboxId: string;
  /** Empty for a pod on the host's network. */
  readonly ip: string;
  readonly containers: readonly RunningContainer[];
}

/** Told of each stage when it has been reached, for people who watch. */
export interface PodProgress {
  sandbox?(id: string, ip: string): void;
  pulling?(image: string): void;
  started?(container: RunningContainer): void;
}

/** How often a state is asked for while waiting, milliseconds. */
const pollMs = 50;

export class PodClient {
  readonly #cri: CriClient;
  readonly #clock: Pick<Clock, "sleep" | "monotonicNs">;

  constructor(cri: CriClient, clock: Pick<Clock, "sleep" | "monotonicNs">) {
    this.#cri = cri;
    this.#clock = clock;
  }

  /** Runs the pod with all its containers. When anything fails, what was made is taken down first. */
  async runPod(
    context: Context,
    pod: PodDescription,
    progress: PodProgress = {},
  ): Promise<RunningPod> {
    const config = sandboxConfig(pod);
    const runtimeHandler = pod.runtimeHandler ?? "";
    const { podSandboxId: sandboxId } = await this.#cri.runPodSandbox(context, {
      config,
      runtimeHandler,
    });
    try {
      const { status } = await this.#cri.podSandboxStatus(context, {
        podSandboxId: sandboxId,
        verbose: false,
      });
      const ip = status?.network?.ip ?? "";
      progress.sandbox?.(sandboxId, ip);
      const containers: RunningContainer[] = [];
      for (const container of pod.containers) {
        const id = await this.runContainer(context, sandboxId, pod, container, progress);
        containers.push({ name: container.name, id });
        progress.started?.({ name: container.name, id });
      }
      return { sandboxId, ip, containers };
    } catch (error) {
      await this.removePod(withoutDeadline(context), sandboxId).catch(() => undefined);
      throw error;
    }
  }

  /** One more container in a sandbox: image, create, start. Its id. `attempt` counts restarts. */
  async runContainer(
    context: Context,
    sandboxId: string,
    pod: PodDescription,
    container: ContainerDescription,
    progress: PodProgress = {},
    attempt = 0,
  ): Promise<string> {
    const imageRef = await this.#ensureImage(context, pod, container.image, progress);
    const { containerId } = await this.#cri.createContainer(context, {
      podSandboxId: sandboxId,
      config: containerConfig(pod, container, imageRef, attempt),
      sandboxConfig: sandboxConfig(pod),
    });
    await this.#cri.startContainer(context, { containerId });
    return containerId;
  }

  /** Pulls the image only when it is not here (imagePullPolicy IfNotPresent). */
  async #ensureImage(
    context: Context,
    pod: PodDescription,
    reference: string,
    progress: PodProgress,
  ): Promise<string> {
    const image = imageSpec(reference);
    const { image: present } = await this.#cri.imageStatus(context, { image, verbose: false });
    if (present !== undefined) return present.id;
    progress.pulling?.(reference);
    const { imageRef } = await this.#cri.pullImage(context, {
      image,
      sandboxConfig: sandboxConfig(pod),
    });
    return imageRef;
  }

  /** Stops every container with `graceSeconds`, then the sandbox. */
  async stopPod(context: Context, sandboxId: string, graceSeconds: number): Promise<void> {
    const containers = await this.#containersOf(context, sandboxId);
    const stops = containers.map((containerId) =>
      this.#cri.stopContainer(context, { containerId, timeout: graceSeconds }),
    );
    await Promise.all(stops);
    await this.#cri.stopPodSandbox(context, { podSandboxId: sandboxId });
  }

  /** Stops and removes the sandbox with whatever is in it. Repeating it is no error. */
  async removePod(context: Context, sandboxId: string): Promise<void> {
    await this.#cri.stopPodSandbox(context, { podSandboxId: sandboxId });
    for (const containerId of await this.#containersOf(context, sandboxId)) {
      await this.#cri.removeContainer(context, { containerId });
    }
    await this.#cri.removePodSandbox(context, { podSandboxId: sandboxId });
  }

  async #containersOf(context: Context, podSandboxId: string): Promise<readonly string[]> {
    const filter = { id: "", podSandboxId, labelSelector: {} };
    const { containers } = await this.#cri.listContainers(context, { filter });
    return containers.map((container) => container.id);
  }

  /** The status of a container once it has exited; DEADLINE_EXCEEDED when it has not within `timeoutMs`. */
  async waitForExit(
    context: Context,
    containerId: string,
    timeoutMs: number,
  ): Promise<ContainerStatus> {
    const until = this.#clock.monotonicNs() + BigInt(timeoutMs) * 1_000_000n;
    for (;;) {
      const { status } = await this.#cri.containerStatus(context, { containerId, verbose: false });
      if (status?.state === "CONTAINER_EXITED") return status;
      if (this.#clock.monotonicNs() > until) {
        throw new RuntimeError(
          "DEADLINE_EXCEEDED",
          `container ${containerId} still runs after ${timeoutMs} ms`,
        );
      }
      await this.#clock.sleep(pollMs, context.signal);
    }
  }
}
