/**
 * The pause container: a process that does nothing but hold the pod's namespaces, so that they live on
 * while the containers in them come and go.
 */
import type { Shim, ShimContainer } from "../../kernel/kernel.ts";
import {
  type Compiled,
  compileSandbox,
  prepareSandbox,
  type SandboxRequest,
} from "../../oci/index.ts";
import { type Context, step } from "../../trace/tracer.ts";
import { filterOf } from "../containers/compile-container.ts";
import { keepCompiled } from "../containers/compiled-container.ts";
import { mountContainerRoot } from "../containers/container-root.ts";
import { explainRefusal } from "../containers/explain-refusal.ts";
import { defaultEngineOptions } from "../engine-options.ts";
import type { EngineParts } from "../engine-parts.ts";
import { ociOptionsOf } from "../oci-options.ts";
import { podPathsOf } from "../paths.ts";
import { runtimeHandlerOf } from "../runtime-handlers.ts";
import { podFilesOf } from "./pod-files.ts";
import { type PodRecord, usesHostIpc } from "./pod-record.ts";

export interface Pause {
  readonly pid: number;
  readonly startTime: number;
  readonly imageId: string;
}

/**
 * Creates and starts the pause container once the shim lives and the network namespace exists.
 * What it makes is found again by the pod's id; `releasePod` undoes it.
 */
export async function runPause(
  parts: EngineParts,
  context: Context,
  record: PodRecord,
  shimStarting: Promise<Shim>,
  netns: Promise<string | undefined>,
): Promise<Pause> {
  const { kernel } = parts.world;
  const image = await parts.images.ensure(context, parts.options.sandboxImage);
  // The image that comes with the program has every mount point. Another may be nothing but a program, as
  // registry.k8s.io/pause is: then they are made in a layer of its own, before the root turns read-only.
  const complete = parts.options.sandboxImage === defaultEngineOptions.sandboxImage;
  const rootfs = await mountContainerRoot(parts, context, record.id, image.chainId, complete);
  parts.crashPoint("P9");
  const request: SandboxRequest = {
    facts: kernel.facts,
    options: ociOptionsOf(
      parts.options,
      runtimeHandlerOf(parts.options, record.runtimeHandler),
      record.cgroupParent,
    ),
    id: record.id,
    config: record.config,
    image: image.config,
    rootfs,
    files: podFilesOf(podPathsOf(parts.options, record.id), usesHostIpc(record.config)),
  };
  const groundwork = await prepareSandbox(kernel.files, request);
  const compiled = compileSandbox(request, groundwork, {
    netnsPath: await netns,
    seccompFilter: filterOf(parts, groundwork.seccompProfile),
  });
  keepCompiled(parts, record.id, compiled);
  await step(
    context,
    "pod.cgroup",
    { "vitrine.cgroup.parent": record.cgroupParent },
    (stepContext) => kernel.run(stepContext, compiled.cgroupPlan),
  );
  parts.crashPoint("P4");
  const shim = await shimStarting;
  parts.crashPoint("P11");
  const started = await createAndStart(parts, context, record.id, shim, compiled);
  return { pid: started.pid, startTime: started.startTime, imageId: image.id };
}

async function createAndStart(
  parts: EngineParts,
  context: Context,
  podId: string,
  shim: Shim,
  compiled: Compiled,
): Promise<ShimContainer> {
  try {
    await step(context, "pod.pause_create", {}, (stepContext) =>
      shim.create(stepContext, {
        containerId: podId,
        plan: compiled.plan,
        io: {
          logLineBytesMax: parts.options.logLineBytesMax,
          terminal: false,
          stdin: false,
          stdinOnce: false,
        },
        cgroupPaths: compiled.cgroupPaths,
      }),
    );
    parts.crashPoint("P12");
    const started = await step(context, "pod.pause_start", {}, (stepContext) =>
      shim.start(stepContext, podId),
    );
    parts.crashPoint("P13");
    return started;
  } catch (error) {
    throw explainRefusal(error, "run pause container", compiled.spec.process);
  }
}
