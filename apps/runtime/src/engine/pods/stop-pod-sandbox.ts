/**
 * StopPodSandbox: kills every container, gives the network back and ends the pause container. What
 * could not be given back keeps its record, and the next StopPodSandbox tries again.
 */
import type { StopPodSandboxRequest, StopPodSandboxResponse } from "../../api/index.ts";
import type { Context } from "../../trace/tracer.ts";
import { settled } from "../containers/apply-exit.ts";
import { bringToEnd } from "../containers/stop-container.ts";
import type { EngineParts } from "../engine-parts.ts";
import { next } from "../lifecycle.ts";
import { together } from "../undo.ts";
import { podLifecycle } from "./pod-lifecycle.ts";
import { type PodRecord, podAttributesOf } from "./pod-record.ts";
import { releasePod } from "./release-pod.ts";

/** An unknown pod and one that is stopped already are no error. */
export async function stopPodSandbox(
  parts: EngineParts,
  context: Context,
  request: StopPodSandboxRequest,
): Promise<StopPodSandboxResponse> {
  const record = parts.pods.findNamed(request.podSandboxId);
  if (record === undefined) return {};
  context.span?.set(podAttributesOf(record));
  await parts.locks.run(context, record.id, async () => {
    const current = parts.pods.get(record.id);
    if (current !== undefined) await stopPod(parts, context, current);
  });
  return {};
}

/** Stops a pod whose lock the caller holds. */
export async function stopPod(
  parts: EngineParts,
  context: Context,
  record: PodRecord,
): Promise<void> {
  // From here on no container of it is created or started any more.
  const state = next(podLifecycle, record.state, "stop", record.id);
  if (state !== record.state) parts.pods.update(record.id, { state });
  const containers = parts.containers.all().filter(({ podId }) => podId === record.id);
  await together(
    containers.map(async ({ id }) => {
      await settled(parts, context, id);
      // The process that waits to be started ends with the pod too.
      await bringToEnd(parts, context, id, 0, ["created", "starting", "running", "unknown"]);
    }),
  );
  parts.crashPoint("D1");
  if (state === "stopped") return;
  await releasePod(parts, context, { ...record, state });
}
