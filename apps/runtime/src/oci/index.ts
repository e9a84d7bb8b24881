/** CRI config and image config to OCI runtime spec to Plan. */
export { capabilityNames, capabilityNumber, defaultCapabilities } from "./capabilities.ts";
export { type CpusetState, readCpuset } from "./cgroup-cpuset.ts";
export { cgroupDirectories, cgroupPathOf } from "./cgroup-path.ts";
export {
  type CgroupPlan,
  type CgroupRequest,
  cgroupPlan,
  removeCgroupPlan,
  removeParentCgroupPlan,
  updateCgroupPlan,
} from "./cgroup-plan.ts";
export {
  type CompiledExec,
  type ContainerSurroundings,
  compileAlone,
  compileContainer,
  compileExec,
  compileSandbox,
  type LoneSurroundings,
  type SandboxSurroundings,
} from "./compile.ts";
export type { ImageConfig } from "./image-config.ts";
export type { ExecRequest } from "./plan-exec.ts";
export { prepareContainer, prepareSandbox } from "./prepare.ts";
export {
  type Compiled,
  type ContainerRequest,
  defaultRuntimeOptions,
  type Groundwork,
  type PodFiles,
  type ProcessIdentity,
  type RuntimeOptions,
  type SandboxRequest,
} from "./request.ts";
export { type ResourceRequest, resolveResources } from "./resources.ts";
export { seccompProfileFor } from "./seccomp-choice.ts";
export { defaultSeccompProfile } from "./seccomp-default.ts";
export { parseSeccompProfile } from "./seccomp-parse.ts";
export { signalName, signalNumber, stopSignal } from "./signals.ts";
export type * from "./spec.ts";
export { type ResolvedUser, resolveUser, type UserRequest } from "./user.ts";
