/**
 * StartContainer: lets the waiting init go through execve. Created is a real state of the kernel, so
 * all that can still fail is what execve itself refuses; that is exit code 128 with reason StartError.
 */
import type { StartContainerRequest, StartContainerResponse } from "../../api/index.ts";
import { messageOf, RuntimeError } from "../../kernel/errors.ts";
import type { Shim, ShimContainer } from "../../kernel/kernel.ts";
import { attribute } from "../../trace/attribute.ts";
import { type Context, step, withoutDeadline } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import { next } from "../lifecycle.ts";
import { podAttributesOf } from "../pods/pod-record.ts";
import { isShimFailure } from "../shims.ts";
import { killLeftovers, recordEnd, stillThere } from "./apply-exit.ts";
import { compiledOf } from "./compiled-container.ts";
import { endOfFailedStart, endWithShim } from "./container-end.ts";
import { containerLifecycle } from "./container-lifecycle.ts";
import {
  type ContainerEnd,
  type ContainerRecord,
  containerAttributesOf,
} from "./container-record.ts";
import { explainRefusal } from "./explain-refusal.ts";

/**
 * @throws RuntimeError NOT_FOUND, FAILED_PRECONDITION when it is not CREATED or its pod not READY,
 * INVALID_ARGUMENT when its command cannot be executed; it is EXITED with code 128 then.
 */
export async function startContainer(
  parts: EngineParts,
  context: Context,
  request: StartContainerRequest,
): Promise<StartContainerResponse> {
  const { id } = parts.containers.need(request.containerId);
  await parts.locks.run(context, id, () => start(parts, context, stillThere(parts, id)));
  return {};
}

async function start(parts: EngineParts, context: Context, record: ContainerRecord): Promise<void> {
  const pod = parts.pods.need(record.podId);
  context.span?.set({ ...podAttributesOf(pod), ...containerAttributesOf(record) });
  if (pod.state !== "ready") {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      `container ${record.id} cannot start: its pod sandbox ${pod.id} is not ready`,
    );
  }
  const starting = parts.containers.update(record.id, {
    state: next(containerLifecycle, record.state, "start", record.id),
    startedAtNs: parts.world.clock.nowNs().toString(),
  });
  parts.crashPoint("S1");
  parts.crashPoint("S2");
  const shim = await shimForStart(parts, starting);
  parts.crashPoint("S3");
  parts.crashPoint("S4");
  const running = await release(parts, context, shim, starting);
  parts.crashPoint("S5");
  const current = stillThere(parts, record.id);
  parts.containers.update(record.id, {
    state: next(containerLifecycle, current.state, "started", record.id),
    startedAtNs: running.startedAtNs.toString(),
    pid: running.pid,
    startTime: running.startTime,
  });
  parts.crashPoint("S6");
  parts.crashPoint("S7");
}

async function shimForStart(parts: EngineParts, record: ContainerRecord): Promise<Shim> {
  try {
    return await parts.shims.need(record.podId);
  } catch (error) {
    const end = endOfFailedStart(parts.world.clock.nowNs(), messageOf(error));
    await endUnwatched(parts, record, end);
    throw error;
  }
}

/** Releases init. The work is short and not to be left half done, so it does not follow the caller's deadline. */
async function release(
  parts: EngineParts,
  context: Context,
  shim: Shim,
  record: ContainerRecord,
): Promise<ShimContainer> {
  try {
    return await step(
      withoutDeadline(context),
      "container.start",
      { ...containerAttributesOf(record), [attribute.pid]: record.pid },
      (stepContext) => shim.start(stepContext, record.id),
    );
  } catch (error) {
    const refusal = explainRefusal(
      error,
      "start container",
      compiledOf(parts, record.id)?.spec.process,
    );
    const end = endWithShim(parts.world.clock.nowNs(), record.startedAtNs);
    if (isShimFailure(error)) await endUnwatched(parts, record, end);
    else failStart(parts, record.id, refusal.message);
    throw refusal;
  }
}

/**
 * Without the shim nobody watches what runs or waits, and who is told that it did not start starts another. So it
 * is killed before the record says that nothing runs.
 */
async function endUnwatched(
  parts: EngineParts,
  record: ContainerRecord,
  end: ContainerEnd,
): Promise<void> {
  try {
    await killLeftovers(parts, record);
  } catch (error) {
    const state = next(containerLifecycle, stillThere(parts, record.id).state, "lost", record.id);
    parts.containers.update(record.id, { state });
    throw error;
  }
  recordEnd(parts, stillThere(parts, record.id), end);
}

function failStart(parts: EngineParts, id: string, message: string): void {
  const record = stillThere(parts, id);
  parts.containers.update(id, {
    state: next(containerLifecycle, record.state, "startFailed", id),
    end: endOfFailedStart(parts.world.clock.nowNs(), message),
  });
}
