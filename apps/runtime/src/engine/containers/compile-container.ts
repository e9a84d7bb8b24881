/** Puts together all that a container's Plan is compiled from, reading the host where it must. */
import { RuntimeError } from "../../kernel/errors.ts";
import type { SeccompProfile } from "../../kernel/kernel.ts";
import {
  type Compiled,
  type ContainerRequest,
  compileContainer,
  type ProcessIdentity,
  prepareContainer,
  type ResolvedUser,
} from "../../oci/index.ts";
import { type Context, step } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import type { ImageRecord } from "../images/images.ts";
import { ociOptionsOf } from "../oci-options.ts";
import { podPathsOf } from "../paths.ts";
import { podFilesOf } from "../pods/pod-files.ts";
import { type PodRecord, usesHostIpc } from "../pods/pod-record.ts";
import { runtimeHandlerOf } from "../runtime-handlers.ts";
import { keepCompiled } from "./compiled-container.ts";
import { type ContainerRecord, containerAttributesOf } from "./container-record.ts";
import { mountContainerRoot } from "./container-root.ts";
import { mountImages } from "./image-mounts.ts";

export interface ContainerCompilation {
  readonly compiled: Compiled;
  readonly user: ResolvedUser;
}

/**
 * Mounts the root file system and compiles the container.
 * @throws RuntimeError INVALID_ARGUMENT for whatever in the config cannot be done
 */
export async function compileForContainer(
  parts: EngineParts,
  context: Context,
  pod: PodRecord,
  record: ContainerRecord,
  image: ImageRecord,
): Promise<ContainerCompilation> {
  const { kernel } = parts.world;
  const { id, config } = record;
  const rootfs = await mountContainerRoot(parts, context, id, image.chainId, false);
  const imageMounts = await mountImages(parts, context, id, config.mounts);
  parts.crashPoint("C3");
  parts.crashPoint("C4");
  const request: ContainerRequest = {
    facts: kernel.facts,
    options: ociOptionsOf(
      parts.options,
      runtimeHandlerOf(parts.options, pod.runtimeHandler),
      pod.cgroupParent,
    ),
    id,
    podId: pod.id,
    pod: pod.config,
    config,
    image: image.config,
    rootfs,
    files: podFilesOf(podPathsOf(parts.options, pod.id), usesHostIpc(pod.config)),
    imageMounts,
  };
  return await step(context, "container.spec", containerAttributesOf(record), async () => {
    const groundwork = await prepareContainer(kernel.files, request);
    const target = targetOf(parts, record);
    const compiled = compileContainer(request, groundwork, {
      pause: { pid: pod.pid, startTime: pod.startTime },
      ...(target === undefined ? {} : { target }),
      seccompFilter: filterOf(parts, groundwork.seccompProfile),
    });
    keepCompiled(parts, id, compiled);
    parts.crashPoint("C5");
    return { compiled, user: groundwork.user };
  });
}

/** The BPF program of a profile; none for unconfined. */
export function filterOf(
  parts: EngineParts,
  profile: SeccompProfile | undefined,
): Uint8Array | undefined {
  return profile === undefined ? undefined : parts.world.kernel.compileSeccomp(profile);
}

/** The container whose pid namespace this one joins (mode TARGET): it must run, in the same pod. */
function targetOf(parts: EngineParts, record: ContainerRecord): ProcessIdentity | undefined {
  const options = record.config.linux?.securityContext?.namespaceOptions;
  if (options?.pid !== "TARGET") return undefined;
  const target = parts.containers.find(options.targetId);
  if (target === undefined || target.podId !== record.podId) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `target container ${JSON.stringify(options.targetId)} of the pid namespace is not in this pod`,
    );
  }
  if (target.state !== "running") {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      `target container ${target.id} of the pid namespace is not running`,
    );
  }
  return { pid: target.pid, startTime: target.startTime };
}
