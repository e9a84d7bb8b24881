/**
 * StopContainer: the stop signal, a grace period, then SIGKILL to everything. The grace period holds no
 * lock, so a second call with a shorter one, or the removal of the pod, is not kept waiting.
 */
import type { StopContainerRequest, StopContainerResponse } from "../../api/index.ts";
import type { ContainerExit, Shim } from "../../kernel/kernel.ts";
import { type Context, step, withoutDeadline } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import { throwIfGivenUp } from "../keyed-locks.ts";
import { podAttributesOf } from "../pods/pod-record.ts";
import { isShimFailure, noReason } from "../shims.ts";
import { applyExit, killLeftovers, recordEnd, settled } from "./apply-exit.ts";
import { endUnseen } from "./container-end.ts";
import type { ContainerState } from "./container-lifecycle.ts";
import { type ContainerRecord, containerAttributesOf } from "./container-record.ts";

const SIGKILL = 9;
const msPerSecond = 1000;
/** After SIGKILL a container is gone within milliseconds; after this its cgroup is emptied by force. */
const killGraceMs = 5000;

/** Unknown, created and exited containers are stopped already: no error. */
export async function stopContainer(
  parts: EngineParts,
  context: Context,
  request: StopContainerRequest,
): Promise<StopContainerResponse> {
  const record = parts.containers.findNamed(request.containerId);
  if (record === undefined) return {};
  const pod = parts.pods.get(record.podId);
  context.span?.set({
    ...(pod === undefined ? {} : podAttributesOf(pod)),
    ...containerAttributesOf(record),
  });
  await settled(parts, context, record.id);
  await bringToEnd(parts, context, record.id, Math.max(0, request.timeout) * msPerSecond);
  return {};
}

/** States in which there is something to stop; a container that only waits to be started is left waiting. */
const stoppable: readonly ContainerState[] = ["starting", "running", "unknown"];

/**
 * Ends a container whose state is one of `states`; returns when its record says so. Any other is left
 * as it is.
 */
export async function bringToEnd(
  parts: EngineParts,
  context: Context,
  id: string,
  graceMs: number,
  states: readonly ContainerState[] = stoppable,
): Promise<void> {
  const record = parts.containers.get(id);
  if (record === undefined || !states.includes(record.state)) return;
  const shim = await parts.shims.findAnswering(record.podId);
  if (shim === undefined) {
    await endWithoutShim(parts, record);
    return;
  }
  await step(
    context,
    "container.stop",
    { ...containerAttributesOf(record), "vitrine.stop.grace_ms": graceMs },
    async (stepContext) => {
      const exit = await signalUntilExit(parts, stepContext, shim, record, graceMs);
      if (exit === undefined) await endWithoutShim(parts, record);
      else await parts.locks.run(withoutDeadline(context), id, () => applyExit(parts, exit));
    },
  );
  parts.crashPoint("T4");
  parts.crashPoint("T5");
}

/** The exit; undefined when the shim died or does not answer, and cannot say. */
async function signalUntilExit(
  parts: EngineParts,
  context: Context,
  shim: Shim,
  record: ContainerRecord,
  graceMs: number,
): Promise<ContainerExit | undefined> {
  const exited = shim.wait(record.id).catch(() => undefined);
  try {
    if (graceMs > 0) {
      const exit = await askToStop(parts, context, shim, record, exited, graceMs);
      if (exit !== undefined) return exit;
    }
    return await kill(parts, shim, record, exited);
  } catch (error) {
    if (isShimFailure(error)) return undefined;
    throw error;
  }
}

/** Sends the stop signal; the exit if it came within the grace period. */
async function askToStop(
  parts: EngineParts,
  context: Context,
  shim: Shim,
  record: ContainerRecord,
  exited: Promise<ContainerExit | undefined>,
  graceMs: number,
): Promise<ContainerExit | undefined> {
  const { number } = record.stopSignal;
  await parts.shims.answered(record.podId, shim.kill(record.id, number, false));
  parts.crashPoint("T1");
  const exit = await within(parts, exited, graceMs, context);
  parts.crashPoint("T2");
  throwIfGivenUp(context);
  return exit;
}

async function kill(
  parts: EngineParts,
  shim: Shim,
  record: ContainerRecord,
  exited: Promise<ContainerExit | undefined>,
): Promise<ContainerExit | undefined> {
  await parts.shims.answered(record.podId, shim.kill(record.id, SIGKILL, true));
  parts.crashPoint("T3");
  return await within(parts, exited, killGraceMs, undefined);
}

/** The exit if it comes within `ms`, or before the caller gives up; undefined otherwise. */
async function within(
  parts: EngineParts,
  exited: Promise<ContainerExit | undefined>,
  ms: number,
  context: Context | undefined,
): Promise<ContainerExit | undefined> {
  const timer = new AbortController();
  const signals = context?.signal === undefined ? [timer.signal] : [timer.signal, context.signal];
  const timedOut = parts.world.clock
    .sleep(ms, AbortSignal.any(signals))
    .then(() => undefined)
    .catch(() => undefined);
  try {
    return await Promise.race([exited, timedOut]);
  } finally {
    timer.abort(noReason);
  }
}

/** Nobody is there to say how it ended: its cgroup is emptied, and the end is unknown. */
async function endWithoutShim(parts: EngineParts, record: ContainerRecord): Promise<void> {
  await killLeftovers(parts, record);
  const current = parts.containers.get(record.id);
  if (current === undefined) return;
  const message = "it was killed while its shim could not be asked";
  recordEnd(parts, current, endUnseen(parts.world.clock.nowNs(), current.startedAtNs, message));
}
