/** RemovePodSandbox: stops the pod, removes its containers, and forgets it. */
import type { RemovePodSandboxRequest, RemovePodSandboxResponse } from "../../api/index.ts";
import type { Context } from "../../trace/tracer.ts";
import { removeContainer } from "../containers/remove-container.ts";
import type { EngineParts } from "../engine-parts.ts";
import { next } from "../lifecycle.ts";
import { podLifecycle } from "./pod-lifecycle.ts";
import { type PodRecord, podAttributesOf } from "./pod-record.ts";
import { forgetPod } from "./release-pod.ts";
import { stopPod } from "./stop-pod-sandbox.ts";

/** An unknown pod is no error. */
export async function removePodSandbox(
  parts: EngineParts,
  context: Context,
  request: RemovePodSandboxRequest,
): Promise<RemovePodSandboxResponse> {
  const record = parts.pods.findNamed(request.podSandboxId);
  if (record === undefined) return {};
  context.span?.set(podAttributesOf(record));
  await parts.locks.run(context, record.id, async () => {
    const current = parts.pods.get(record.id);
    if (current !== undefined) await removePod(parts, context, current);
  });
  return {};
}

async function removePod(parts: EngineParts, context: Context, record: PodRecord): Promise<void> {
  await stopPod(parts, context, record);
  for (const { id, podId } of parts.containers.all()) {
    if (podId === record.id) await removeContainer(parts, context, { containerId: id });
  }
  const stopped = parts.pods.get(record.id) ?? record;
  const state = next(podLifecycle, stopped.state, "remove", record.id);
  await forgetPod(parts, context, parts.pods.update(record.id, { state }));
}
