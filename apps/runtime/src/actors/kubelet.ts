/**
 * The kubelet, as far as one node's pods need one: makes pods through a PodClient, probes them, replaces
 * containers that ended, reports upwards. It asks the runtime for the truth and keeps none of its own.
 */
import type { ContainerStatus } from "../api/index.ts";
import { messageOf } from "../kernel/errors.ts";
import type { Clock } from "../kernel/world.ts";
import { attribute } from "../trace/attribute.ts";
import { type Context, step } from "../trace/tracer.ts";
import { type ApiServer, type PodStatus, podAttributes } from "./api-server.ts";
import type { CriClient } from "./cri-client.ts";
import { PodClient, type RunningPod } from "./pod-client.ts";
import type { ContainerDescription, PodDescription } from "./pod-description.ts";

/** An exec probe (livenessProbe.exec), with the kubelet's default threshold. */
export interface LivenessProbe {
  readonly command: readonly string[];
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
}

export const defaultProbe: Omit<LivenessProbe, "command"> = {
  periodSeconds: 10,
  timeoutSeconds: 1,
  failureThreshold: 3,
};

/** Pod and container ids of a pod this kubelet made. */
interface Kept {
  readonly spec: PodDescription;
  readonly running: RunningPod;
  readonly ids: Map<string, string>;
  restarts: number;
}

export class Kubelet {
  readonly #cri: CriClient;
  readonly #clock: Clock;
  readonly #api: ApiServer;
  readonly #client: PodClient;
  readonly #pods = new Map<string, Kept>();

  constructor(nodeName: string, cri: CriClient, clock: Clock, api: ApiServer) {
    this.#cri = cri;
    this.#clock = clock;
    this.#api = api;
    this.#client = new PodClient(cri, clock);
    api.watchNode(nodeName, (context, pod) => this.#make(context, pod.spec));
  }

  /** Id of a container as it is now: a restart makes a new one. */
  containerId(podName: string, containerName: string): string | undefined {
    return this.#pods.get(podName)?.ids.get(containerName);
  }

  async #make(context: Context, spec: PodDescription): Promise<void> {
    try {
      const running = await this.#client.runPod(context, spec);
      const ids = new Map(running.containers.map(({ name, id }) => [name, id]));
      this.#pods.set(spec.name, { spec, running, ids, restarts: 0 });
      await this.#report(context, spec, { phase: "Running", podIp: running.ip });
    } catch (error) {
      await this.#report(context, spec, { phase: "Pending", reason: messageOf(error) });
    }
  }

  #report(context: Context, spec: PodDescription, status: Partial<PodStatus>): Promise<void> {
    const known = { phase: "Pending", podIp: "", reason: "", restarts: 0 } as const;
    return this.#api.updateStatus(context, spec.name, { ...known, ...status });
  }

  /**
   * Looks at every container of a pod as the kubelet's sync loop does, and replaces those that have ended
   * (restartPolicy Always). Returns why each was replaced: what the runtime says, or `because` when the kubelet
   * itself has ended it.
   */
  async sync(context: Context, podName: string, because?: string): Promise<readonly string[]> {
    const kept = this.#pods.get(podName);
    if (kept === undefined) return [];
    const reasons: string[] = [];
    for (const container of kept.spec.containers) {
      const status = await this.#statusOf(context, kept, container.name);
      if (status?.state !== "CONTAINER_EXITED") continue;
      const reason = because ?? (status.reason || `exit code ${status.exitCode}`);
      reasons.push(reason);
      await this.#replace(context, kept, container, reason);
    }
    return reasons;
  }

  async #statusOf(
    context: Context,
    kept: Kept,
    containerName: string,
  ): Promise<ContainerStatus | undefined> {
    const containerId = kept.ids.get(containerName);
    if (containerId === undefined) return undefined;
    return (await this.#cri.containerStatus(context, { containerId, verbose: false })).status;
  }

  async #replace(
    context: Context,
    kept: Kept,
    container: ContainerDescription,
    reason: string,
  ): Promise<void> {
    const { spec, running } = kept;
    const attributes = {
      ...podAttributes(spec),
      [attribute.containerName]: container.name,
      "vitrine.pod.reason": reason,
      "vitrine.restart.count": kept.restarts + 1,
    };
    await step(context, "cluster.restart", attributes, async () => {});
    await this.#report(context, spec, {
      phase: "Running",
      podIp: running.ip,
      reason,
      restarts: kept.restarts,
    });
    const old = kept.ids.get(container.name);
    kept.restarts++;
    const attempt = kept.restarts;
    const id = await this.#client.runContainer(
      context,
      running.sandboxId,
      spec,
      container,
      {},
      attempt,
    );
    kept.ids.set(container.name, id);
    if (old !== undefined) await this.#cri.removeContainer(context, { containerId: old });
    await this.#report(context, spec, { phase: "Running", podIp: running.ip, restarts: attempt });
  }

  /** One round of a liveness probe; true when the container answered well. */
  async #probeOnce(
    context: Context,
    kept: Kept,
    containerName: string,
    probe: LivenessProbe,
  ): Promise<boolean> {
    const attributes = { ...podAttributes(kept.spec), [attribute.containerName]: containerName };
    return step(context, "cluster.probe", attributes, async (inner, span) => {
      const containerId = kept.ids.get(containerName) ?? "";
      const result = await this.#cri
        .execSync(inner, { containerId, cmd: [...probe.command], timeout: probe.timeoutSeconds })
        .then(({ exitCode }) => (exitCode === 0 ? "success" : `exit code ${exitCode}`), messageOf);
      span.set({ "vitrine.probe.result": result });
      return result === "success";
    });
  }

  /**
   * Probes until the container has failed `failureThreshold` times in a row, then kills and replaces it.
   * Gives up, false, after `rounds` rounds without that.
   */
  async probeUntilRestart(
    context: Context,
    podName: string,
    containerName: string,
    probe: LivenessProbe,
    rounds: number,
  ): Promise<boolean> {
    const kept = this.#pods.get(podName);
    if (kept === undefined) return false;
    let failures = 0;
    for (let round = 0; round < rounds; round++) {
      failures = (await this.#probeOnce(context, kept, containerName, probe)) ? 0 : failures + 1;
      if (failures >= probe.failureThreshold) {
        const containerId = kept.ids.get(containerName) ?? "";
        await this.#cri.stopContainer(context, { containerId, timeout: 30 });
        await this.sync(context, podName, "liveness probe failed");
        return true;
      }
      await this.#clock.sleep(probe.periodSeconds * 1000, context.signal);
    }
    return false;
  }

  /** Takes a pod down: containers with their grace, sandbox, everything removed. */
  async remove(context: Context, podName: string, graceSeconds = 30): Promise<void> {
    const kept = this.#pods.get(podName);
    if (kept === undefined) return;
    await this.#client.stopPod(context, kept.running.sandboxId, graceSeconds);
    await this.#client.removePod(context, kept.running.sandboxId);
    this.#pods.delete(podName);
    await this.#report(context, kept.spec, { phase: "Succeeded" });
  }
}
