/** The compiler's three doors. Pure: whatever has to be read has been read by `prepare.ts`. */
import { type Plan, RuntimeError } from "../kernel/index.ts";
import { cgroupDirectories } from "./cgroup-path.ts";
import { cgroupPlan } from "./cgroup-plan.ts";
import { containerSpec, type Neighbours } from "./container-spec.ts";
import { checkExecBounds } from "./exec-bounds.ts";
import { containerPlan } from "./plan-container.ts";
import { type ExecRequest, execPlan, execProcess } from "./plan-exec.ts";
import type { BindSource } from "./plan-mounts.ts";
import type { NamedProcesses } from "./plan-namespaces.ts";
import type { Compiled, ContainerRequest, Groundwork, SandboxRequest } from "./request.ts";
import { sandboxSpec } from "./sandbox-spec.ts";
import type { OciIdMapping, OciNamespace, OciProcess, OciSpec } from "./spec.ts";

export interface SandboxSurroundings {
  /** Of the pod's network namespace, made beforehand; unset with the host's network. */
  readonly netnsPath?: string | undefined;
  /** `groundwork.seccompProfile`, compiled by the kernel seam. */
  readonly seccompFilter?: Uint8Array | undefined;
}

/** The pause container of a pod. */
export function compileSandbox(
  request: SandboxRequest,
  groundwork: Groundwork,
  surroundings: SandboxSurroundings,
): Compiled {
  const spec = sandboxSpec(request, groundwork, surroundings.netnsPath);
  return compile("create sandbox", request, groundwork, spec, {}, surroundings.seccompFilter);
}

export interface ContainerSurroundings extends Neighbours {
  /** `groundwork.seccompProfile`, compiled by the kernel seam. */
  readonly seccompFilter?: Uint8Array | undefined;
}

/** A workload container in a running pod. */
export function compileContainer(
  request: ContainerRequest,
  groundwork: Groundwork,
  surroundings: ContainerSurroundings,
): Compiled {
  const spec = containerSpec(request, groundwork, surroundings);
  const { pause, target } = surroundings;
  const processes = { pause, target };
  return compile(
    "create container",
    request,
    groundwork,
    spec,
    processes,
    surroundings.seccompFilter,
  );
}

/** A container without a pod: its user namespace, when it is to have one. */
export interface LoneSurroundings extends SandboxSurroundings {
  /** Maps of a user namespace of its own; unset, root inside is root outside. */
  readonly idMappings?: readonly OciIdMapping[] | undefined;
}

/**
 * A container without a pod, as docker run and ctr run make them: every namespace is its own, and the network
 * is `netnsPath` when somebody has made one. `request.pod` gives what a container takes from its pod: host
 * name, cgroup parent.
 */
export function compileAlone(
  request: ContainerRequest,
  groundwork: Groundwork,
  surroundings: LoneSurroundings,
): Compiled {
  const nobody = { pid: 1, startTime: 0 };
  const { hostname } = request.pod;
  const inPod = containerSpec(request, groundwork, { pause: nobody });
  const { netnsPath, idMappings } = surroundings;
  const namespaces: OciNamespace[] = [
    ...(idMappings === undefined ? [] : [{ type: "user" } as const]),
    { type: "mount" },
    netnsPath === undefined ? { type: "network" } : { type: "network", path: netnsPath },
    { type: "uts" },
    { type: "ipc" },
    { type: "pid" },
    ...inPod.linux.namespaces.filter(({ type }) => type === "cgroup"),
  ];
  const spec = {
    ...inPod,
    ...(hostname === "" ? {} : { hostname }),
    linux: {
      ...inPod.linux,
      namespaces,
      ...(idMappings === undefined ? {} : { uidMappings: idMappings, gidMappings: idMappings }),
    },
  };
  return compile("create container", request, groundwork, spec, {}, surroundings.seccompFilter);
}

export interface CompiledExec {
  readonly process: OciProcess;
  /** For `shim.exec`: processes `oci` and `exec`. */
  readonly plan: Plan;
}

/** INVALID_ARGUMENT without a command. */
export function compileExec(request: ExecRequest): CompiledExec {
  if (request.args[0] === undefined || request.args[0] === "") {
    throw new RuntimeError("INVALID_ARGUMENT", "no command to execute");
  }
  if (request.args.some((argument) => argument.includes("\0"))) {
    throw new RuntimeError("INVALID_ARGUMENT", "an argument of the command contains a NUL");
  }
  const process = execProcess(request);
  checkExecBounds(process.args, process.env);
  return { process, plan: execPlan(request) };
}

function compile(
  name: string,
  request: SandboxRequest | ContainerRequest,
  groundwork: Groundwork,
  spec: OciSpec,
  processes: NamedProcesses,
  seccompFilter: Uint8Array | undefined,
): Compiled {
  const { facts } = request;
  if (groundwork.seccompProfile !== undefined && seccompFilter === undefined) {
    throw new RuntimeError("INTERNAL", "the seccomp profile has not been compiled");
  }
  checkExecBounds(spec.process.args, spec.process.env);
  const path = spec.linux.cgroupsPath;
  const { resources } = spec.linux;
  const cgroups = cgroupPlan({ facts, path, resources, cpuset: groundwork.cpuset });
  const sources = bindSources(groundwork);
  return {
    spec,
    cgroupPlan: cgroups.plan,
    plan: containerPlan({ name, facts, spec, sources, processes, seccompFilter }),
    cgroupPaths: cgroupDirectories(facts, path),
    warnings: [...groundwork.warnings, ...cgroups.warnings, ...oomWarning(request, spec)],
  };
}

function bindSources(groundwork: Groundwork): ReadonlyMap<string, BindSource> {
  const sources = new Map<string, BindSource>([
    ["/etc/hostname", { kind: "file" }],
    ["/etc/hosts", { kind: "file" }],
    ["/etc/resolv.conf", { kind: "file" }],
  ]);
  for (const { destination, kind, source, subPath } of groundwork.mounts) {
    const within = subPath === "" ? {} : { within: { root: source, subPath } };
    sources.set(destination, { kind, ...within });
  }
  return sources;
}

function oomWarning(request: SandboxRequest | ContainerRequest, spec: OciSpec): readonly string[] {
  const wanted = spec.process.oomScoreAdj ?? 0;
  if (wanted >= 0 || request.facts.capabilities.includes("CAP_SYS_RESOURCE")) return [];
  return [`oom_score_adj ${wanted} needs CAP_SYS_RESOURCE, which the runtime has not got`];
}
