/** RemoveContainer: ends the container if need be and removes all of it but its log, which is the client's. */
import type { RemoveContainerRequest, RemoveContainerResponse } from "../../api/index.ts";
import { type Context, step } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import { next } from "../lifecycle.ts";
import { podAttributesOf } from "../pods/pod-record.ts";
import { removeOwnCgroups } from "../pods/remove-cgroups.ts";
import { isShimFailure } from "../shims.ts";
import { releaseAll } from "../undo.ts";
import { killLeftovers } from "./apply-exit.ts";
import { forgetCompiled } from "./compiled-container.ts";
import { containerLifecycle } from "./container-lifecycle.ts";
import { type ContainerRecord, containerAttributesOf } from "./container-record.ts";
import { releaseContainerRoot } from "./container-root.ts";

/** An unknown container is no error. */
export async function removeContainer(
  parts: EngineParts,
  context: Context,
  request: RemoveContainerRequest,
): Promise<RemoveContainerResponse> {
  const record = parts.containers.findNamed(request.containerId);
  if (record === undefined) return {};
  const pod = parts.pods.get(record.podId);
  context.span?.set({
    ...(pod === undefined ? {} : podAttributesOf(pod)),
    ...containerAttributesOf(record),
  });
  await parts.locks.run(context, record.id, async () => {
    const current = parts.containers.get(record.id);
    if (current === undefined) return;
    const state = next(containerLifecycle, current.state, "remove", record.id);
    const removing = parts.containers.update(record.id, { state });
    parts.crashPoint("R1");
    await releaseContainer(parts, context, removing);
    parts.crashPoint("R5");
    forgetContainer(parts, record.id);
    parts.crashPoint("R6");
  });
  return {};
}

/**
 * Gives back what a container holds: process, cgroup, root file system. For the rollback of a
 * CreateContainer and for recovery too; nothing there is no error.
 */
export async function releaseContainer(
  parts: EngineParts,
  context: Context,
  record: ContainerRecord,
): Promise<void> {
  await step(context, "container.release", containerAttributesOf(record), async (stepContext) => {
    await releaseAll([
      ["process", () => forgetProcess(parts, record)],
      ["cgroup", () => removeOwnCgroups(parts, stepContext, record.cgroupPaths)],
      ["root file system", () => releaseContainerRoot(parts, stepContext, record.id)],
    ]);
  });
}

/** The shim kills the container and forgets it; whatever is left in its cgroup then is killed too. */
async function forgetProcess(parts: EngineParts, record: ContainerRecord): Promise<void> {
  try {
    const shim = await parts.shims.find(record.podId);
    if (shim !== undefined) await parts.shims.answered(record.podId, shim.remove(record.id));
  } catch (error) {
    if (!isShimFailure(error)) throw error;
  }
  parts.crashPoint("R2");
  await killLeftovers(parts, record);
}

/** Drops the record and what was compiled for the container. */
export function forgetContainer(parts: EngineParts, id: string): void {
  parts.world.records.transaction(() => {
    forgetCompiled(parts, id);
    parts.containers.delete(id);
  });
}
