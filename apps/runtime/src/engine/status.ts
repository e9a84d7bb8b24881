/**
 * Status: whether pods can be run here, and what the runtime can do. It promises nothing that the
 * machine, or this version, does not keep.
 */
import type {
  RuntimeCondition,
  RuntimeHandler,
  StatusRequest,
  StatusResponse,
} from "../api/index.ts";
import type { Context } from "../trace/tracer.ts";
import type { EngineParts } from "./engine-parts.ts";
import { runtimeHandlerNames } from "./runtime-handlers.ts";

export async function status(
  parts: EngineParts,
  context: Context,
  request: StatusRequest,
): Promise<StatusResponse> {
  const network = await parts.network.status(context);
  const conditions = [runtimeCondition(parts), { type: "NetworkReady", ...network }];
  return {
    status: { conditions },
    info: request.verbose ? { config: JSON.stringify(configInfoOf(parts)) } : {},
    runtimeHandlers: runtimeHandlerNames(parts.options).map((name) => handlerOf(parts, name)),
    features: {
      supplementalGroupsPolicy: true,
      userNamespacesHostNetwork: false,
      mountOptions: true,
    },
  };
}

function runtimeCondition(parts: EngineParts): RuntimeCondition {
  const { problems } = parts.recovery;
  return {
    type: "RuntimeReady",
    status: parts.recovery.done,
    reason: parts.recovery.done ? "" : "Recovering",
    message: parts.recovery.done
      ? problems.map((problem) => `recovered with a problem: ${problem}`).join("; ")
      : "the records of an earlier daemon are being reconciled",
  };
}

function handlerOf(parts: EngineParts, name: string): RuntimeHandler {
  return {
    name,
    features: {
      recursiveReadOnlyMounts: hasRecursiveMountSetattr(parts.world.kernel.facts.release),
      userNamespaces: false,
    },
  };
}

/** mount_setattr(2) with AT_RECURSIVE came with Linux 5.12. */
function hasRecursiveMountSetattr(release: string): boolean {
  const [major = 0, minor = 0] = release.split(".").map((part) => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 12);
}

function configInfoOf(parts: EngineParts): object {
  const { options } = parts;
  const { facts } = parts.world.kernel;
  return {
    rootDir: options.rootDirectory,
    stateDir: options.stateDirectory,
    netnsDir: options.netnsDirectory,
    sandboxImage: options.sandboxImage,
    defaultRuntime: options.defaultRuntime,
    runtimes: options.runtimes,
    cgroupDriver: "cgroupfs",
    cgroupHierarchies: facts.cgroups,
    kernel: { release: facts.release, mode: facts.mode, architecture: facts.architecture },
    pods: parts.pods.all().length,
    containers: parts.containers.all().length,
    problems: parts.recovery.problems,
  };
}
