/**
 * Brings the records of one pod in line with what its shim and the kernel say: at start, and when the
 * connection to a shim breaks. Truth is the kernel's; where nobody can say, unknown beats invented.
 */
import type { Shim, ShimContainer } from "../kernel/kernel.ts";
import type { Context } from "../trace/tracer.ts";
import { killLeftovers, recordEnd } from "./containers/apply-exit.ts";
import { endOfExit, endUnseen, endWithShim } from "./containers/container-end.ts";
import { containerLifecycle } from "./containers/container-lifecycle.ts";
import type { ContainerEnd, ContainerRecord } from "./containers/container-record.ts";
import { forgetContainer, releaseContainer } from "./containers/remove-container.ts";
import type { EngineParts } from "./engine-parts.ts";
import { next } from "./lifecycle.ts";
import { podLifecycle } from "./pods/pod-lifecycle.ts";
import type { PodRecord } from "./pods/pod-record.ts";
import { pauseCgroups } from "./pods/release-pod.ts";

/** Reconciles a pod and its containers. The caller holds the pod's lock. */
export async function reconcilePod(
  parts: EngineParts,
  context: Context,
  podId: string,
): Promise<void> {
  const pod = parts.pods.get(podId);
  if (pod === undefined || pod.state === "stopped") return;
  const rebooted = pod.bootId !== parts.world.kernel.facts.bootId;
  const shim = rebooted ? undefined : await parts.shims.find(pod.id);
  const seen = await containersOf(shim);
  await reconcilePause(parts, pod, seen);
  for (const container of parts.containers.all()) {
    if (container.podId !== pod.id) continue;
    await parts.locks.run(context, container.id, () =>
      reconcileContainer(parts, context, container.id, seen?.get(container.id), () =>
        endWithoutWitness(parts, container, rebooted, shim),
      ),
    );
  }
}

/** What the shim says of each of its containers; undefined when there is no shim to ask. */
async function containersOf(
  shim: Shim | undefined,
): Promise<ReadonlyMap<string, ShimContainer> | undefined> {
  if (shim === undefined) return undefined;
  return new Map((await shim.list()).map((container) => [container.containerId, container]));
}

/** A pod is as good as its pause container; one that was still in the making will never be ready. */
async function reconcilePause(
  parts: EngineParts,
  pod: PodRecord,
  seen: ReadonlyMap<string, ShimContainer> | undefined,
): Promise<void> {
  if (pod.state === "creating") {
    parts.pods.update(pod.id, { state: next(podLifecycle, pod.state, "abandon", pod.id) });
    return;
  }
  if (pod.state !== "ready" || seen?.get(pod.id)?.state === "running") return;
  parts.pods.update(pod.id, { state: next(podLifecycle, pod.state, "pauseExited", pod.id) });
  if (seen !== undefined) return;
  const [cgroup] = pauseCgroups(parts, pod);
  if (cgroup !== undefined) await parts.world.kernel.emptyCgroup(cgroup);
}

/**
 * Reconciles one container, whose lock the caller holds, with what its shim says of it. `unseenEnd` is
 * asked when the shim knows nothing of a container that ought to live.
 */
async function reconcileContainer(
  parts: EngineParts,
  context: Context,
  id: string,
  seen: ShimContainer | undefined,
  unseenEnd: () => ContainerEnd,
): Promise<void> {
  const record = parts.containers.get(id);
  if (record === undefined || record.state === "exited") return;
  if (record.state === "creating" || record.state === "removing") {
    await releaseContainer(parts, context, record);
    forgetContainer(parts, id);
    return;
  }
  if (seen === undefined) {
    await killLeftovers(parts, record);
    recordEnd(parts, record, unseenEnd());
    return;
  }
  if (seen.exit !== undefined) {
    const startedAtNs = record.startedAtNs;
    recordEnd(parts, record, endOfExit(seen.exit, startedAtNs));
    if (record.sharesPids) await killLeftovers(parts, record);
    return;
  }
  adoptLiving(parts, record, seen);
}

/** The container lives: its record says what the kernel says. */
function adoptLiving(parts: EngineParts, record: ContainerRecord, seen: ShimContainer): void {
  const state = seen.state === "created" ? "created" : "running";
  if (record.state === state) return;
  // A record that says "created" while the command runs cannot be: "starting" is written before init is released.
  const from = record.state === "created" ? "starting" : record.state;
  parts.containers.update(record.id, {
    state: next(containerLifecycle, from, state === "created" ? "created" : "started", record.id),
    startedAtNs: state === "created" ? "0" : seen.startedAtNs.toString(),
    pid: seen.pid,
    startTime: seen.startTime,
  });
}

function endWithoutWitness(
  parts: EngineParts,
  record: ContainerRecord,
  rebooted: boolean,
  shim: Shim | undefined,
): ContainerEnd {
  const now = parts.world.clock.nowNs();
  if (rebooted) {
    return endUnseen(now, record.startedAtNs, "the machine was restarted while it ran");
  }
  if (shim === undefined) return endWithShim(now, record.startedAtNs);
  return endUnseen(now, record.startedAtNs, "its shim knows nothing of it");
}
