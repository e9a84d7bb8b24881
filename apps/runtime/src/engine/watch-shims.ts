/** What the engine does when a shim reports an exit, or dies itself. */
import type { ContainerExit, ShimListener } from "../kernel/kernel.ts";
import { attribute } from "../trace/attribute.ts";
import { type Context, step } from "../trace/tracer.ts";
import { applyExit } from "./containers/apply-exit.ts";
import { containerAttributesOf } from "./containers/container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { next } from "./lifecycle.ts";
import { podLifecycle } from "./pods/pod-lifecycle.ts";
import { podAttributesOf } from "./pods/pod-record.ts";
import { reconcilePod } from "./reconcile-pod.ts";

/** The listener for `kernel.listen`. `failed` hears of what went wrong in the background. */
export function shimListener(
  parts: EngineParts,
  context: Context,
  failed: (what: string, error: unknown) => void,
): ShimListener {
  return {
    exited: (podId, exit) => {
      const work =
        exit.containerId === podId
          ? pauseExited(parts, context, podId, exit)
          : containerExited(parts, context, exit);
      work.catch((error: unknown) => failed(`exit of container ${exit.containerId}`, error));
    },
    lost: (podId) => {
      parts.shims.forget(podId);
      shimLost(parts, context, podId).catch((error: unknown) =>
        failed(`loss of the shim of pod sandbox ${podId}`, error),
      );
    },
  };
}

async function containerExited(
  parts: EngineParts,
  context: Context,
  exit: ContainerExit,
): Promise<void> {
  const record = parts.containers.get(exit.containerId);
  if (record === undefined) return;
  const pod = parts.pods.get(record.podId);
  const attributes = {
    ...(pod === undefined ? {} : podAttributesOf(pod)),
    ...containerAttributesOf(record),
    [attribute.pid]: exit.pid,
    [attribute.exitCode]: exit.exitCode,
  };
  await step(context, "container.exited", attributes, async (stepContext) => {
    await parts.locks.run(stepContext, record.id, () => applyExit(parts, exit));
  });
}

async function pauseExited(
  parts: EngineParts,
  context: Context,
  podId: string,
  exit: ContainerExit,
): Promise<void> {
  await parts.locks.run(context, podId, async () => {
    const pod = parts.pods.get(podId);
    // While it is being stopped, its end is no news.
    if (pod?.state !== "ready") return;
    const attributes = { ...podAttributesOf(pod), [attribute.exitCode]: exit.exitCode };
    await step(context, "pod.pause_exited", attributes, async () => {
      const state = next(podLifecycle, pod.state, "pauseExited", podId);
      parts.pods.update(podId, { state });
    });
  });
}

/** A shim that closed its connection may still live: it is asked again before it counts as dead. */
async function shimLost(parts: EngineParts, context: Context, podId: string): Promise<void> {
  await parts.locks.run(context, podId, async () => {
    const pod = parts.pods.get(podId);
    if (pod === undefined || (pod.state !== "ready" && pod.state !== "notReady")) return;
    await step(context, "pod.shim_lost", podAttributesOf(pod), (stepContext) =>
      reconcilePod(parts, stepContext, podId),
    );
  });
}
