/**
 * RunPodSandbox: everything that the containers of a pod share, held by a pause container.
 *
 * The record comes first and the client's answer last; between them every acquisition has its undo
 * beside it. The shim starts and the network is made at the same time; the pause container needs the
 * network namespace only, so CNI works while it is being created.
 */
import type { RunPodSandboxRequest, RunPodSandboxResponse } from "../../api/index.ts";
import type { Shim } from "../../kernel/kernel.ts";
import { attribute } from "../../trace/attribute.ts";
import { type Context, step } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import { newId, podNameOf } from "../identifiers.ts";
import { throwIfGivenUp } from "../keyed-locks.ts";
import { next } from "../lifecycle.ts";
import { podPathsOf } from "../paths.ts";
import { runtimeHandlerOf } from "../runtime-handlers.ts";
import { together, type Undo, withUndo } from "../undo.ts";
import { checkPodConfig } from "./check-pod-config.ts";
import { makeNetwork } from "./make-network.ts";
import { cgroupParentOf, containerCgroups, missingCgroupLevels } from "./pod-cgroup.ts";
import { podFileContents, podFilesPlan, writeHosts } from "./pod-files.ts";
import { podLifecycle } from "./pod-lifecycle.ts";
import { type PodRecord, podAttributesOf, usesHostIpc, usesHostNetwork } from "./pod-record.ts";
import { forgetPod, releasePod } from "./release-pod.ts";
import { runPause } from "./run-pause.ts";

/**
 * @throws RuntimeError INVALID_ARGUMENT for a bad config or an unknown runtime handler, ALREADY_EXISTS
 * when the name is taken, NOT_FOUND when the pause image is nowhere to be had, UNAVAILABLE when CNI fails,
 * DEADLINE_EXCEEDED when the caller's deadline passed; nothing is left then.
 */
export async function runPodSandbox(
  parts: EngineParts,
  context: Context,
  request: RunPodSandboxRequest,
): Promise<RunPodSandboxResponse> {
  const { config, metadata } = checkPodConfig(request);
  runtimeHandlerOf(parts.options, request.runtimeHandler);
  const name = podNameOf(metadata);
  const id = newId(parts.world.random);
  context.span?.set(podAttributesOf({ id, config }));
  // A caller that gave up and tries again waits here until its first try has been rolled back.
  return await parts.locks.run(context, `pod-name ${name}`, () =>
    parts.locks.run(context, id, () =>
      withUndo(context, async (undo) => {
        const record = await reserve(parts, context, undo, {
          id,
          name,
          config,
          runtimeHandler: request.runtimeHandler,
        });
        await build(parts, context, record);
        parts.crashPoint("P14");
        return { podSandboxId: id };
      }),
    ),
  );
}

/** Records the intent, and with it reserves the name: after this, whatever is made is found again. */
async function reserve(
  parts: EngineParts,
  context: Context,
  undo: Undo,
  given: Pick<PodRecord, "id" | "name" | "config" | "runtimeHandler">,
): Promise<PodRecord> {
  const { kernel, clock } = parts.world;
  const ours = parts.options.cgroupParentDefault;
  const cgroupParent = cgroupParentOf(given.config, ours, given.id);
  // Refuses a parent that is no path below the root, before it is in any record.
  containerCgroups(kernel.facts, cgroupParent, ours, given.id);
  const record: PodRecord = {
    version: 1,
    ...given,
    state: podLifecycle.initial,
    createdAtNs: clock.nowNs().toString(),
    bootId: kernel.facts.bootId,
    cgroupParent,
    cgroupMade: await missingCgroupLevels(kernel.files, kernel.facts, cgroupParent, ours),
    netns: usesHostNetwork(given.config) ? "" : podPathsOf(parts.options, given.id).netns,
    ips: [],
    pauseImageId: "",
    pid: 0,
    startTime: 0,
  };
  await step(context, "pod.reserve", { "vitrine.reserved_name": record.name }, async () => {
    parts.crashPoint("P1");
    parts.pods.create(record);
    parts.crashPoint("P2");
  });
  undo.defer("the record", (undoContext, failures) =>
    abandon(parts, undoContext, record.id, failures.length > 0),
  );
  undo.defer("what the kernel holds of it", (undoContext) =>
    releasePod(parts, undoContext, parts.pods.get(record.id) ?? record),
  );
  return record;
}

/** Drops the record of a pod that did not come to be; with something left of it, keeps it for the client to remove. */
async function abandon(
  parts: EngineParts,
  context: Context,
  id: string,
  somethingLeft: boolean,
): Promise<void> {
  const record = parts.pods.get(id);
  if (record === undefined) return;
  if (somethingLeft) return leaveToClient(parts, id);
  try {
    await forgetPod(parts, context, record);
  } catch (error) {
    leaveToClient(parts, id);
    throw error;
  }
}

/** Pods in the making are in no list: one that is left as such could not be removed, and its name not be used again. */
function leaveToClient(parts: EngineParts, id: string): void {
  const record = parts.pods.get(id);
  if (record?.state !== "creating") return;
  parts.pods.update(id, { state: next(podLifecycle, record.state, "abandon", id) });
}

async function build(parts: EngineParts, context: Context, record: PodRecord): Promise<void> {
  await makeFiles(parts, context, record);
  const shim = startShim(parts, context, record.id);
  const network = makeNetwork(parts, context, record);
  // What is wrong with the config comes out in the pause container: its error goes before the network's.
  const [pause, ips] = await together([
    runPause(parts, context, record, shim, network.namespace),
    network.attached,
    shim,
  ]);
  await writeHosts(parts, context, record.config, podPathsOf(parts.options, record.id), ips);
  throwIfGivenUp(context);
  const current = parts.pods.get(record.id) ?? record;
  parts.pods.update(record.id, {
    state: next(podLifecycle, current.state, "ran", record.id),
    ips,
    pid: pause.pid,
    startTime: pause.startTime,
    pauseImageId: pause.imageId,
  });
}

/** Directories, files and /dev/shm in one go. */
async function makeFiles(parts: EngineParts, context: Context, record: PodRecord): Promise<void> {
  const { kernel } = parts.world;
  const { config } = record;
  const contents = await podFileContents(kernel, config);
  const shmBytes = usesHostIpc(config) ? undefined : parts.options.shmBytes;
  const plan = podFilesPlan(podPathsOf(parts.options, record.id), contents, shmBytes);
  await step(context, "pod.files", { "vitrine.pod.hostname": contents.hostname }, (stepContext) =>
    kernel.run(stepContext, plan),
  );
  parts.crashPoint("P3");
  parts.crashPoint("P8");
}

async function startShim(parts: EngineParts, context: Context, podId: string): Promise<Shim> {
  return await step(context, "pod.shim", {}, async (stepContext, span) => {
    const shim = await parts.shims.start(stepContext, podId);
    span.set({ [attribute.pid]: shim.pid });
    parts.crashPoint("P10");
    return shim;
  });
}
