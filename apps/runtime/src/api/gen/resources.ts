// Generated from proto/resources.proto by scripts/gen.ts; do not edit.
import type { NamespaceMode } from "./security.ts";

/** Zero means "not given" in every number. */
export interface LinuxContainerResources {
  /** microseconds */
  readonly cpuPeriod: number;
  /** microseconds in each period */
  readonly cpuQuota: number;
  /** weight, 1024 is one share */
  readonly cpuShares: number;
  readonly memoryLimitInBytes: number;
  /** -1000 to 1000 */
  readonly oomScoreAdj: number;
  /** list format of cpuset(7) */
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
  readonly hugepageLimits: readonly HugepageLimit[];
  /** cgroup v2 file name to its content */
  readonly unified: Readonly<Record<string, string>>;
  /** memory and swap together */
  readonly memorySwapLimitInBytes: number;
}

export interface HugepageLimit {
  /** as in the cgroup's file names: 2MB, 1GB */
  readonly pageSize: string;
  /** bytes */
  readonly limit: number;
}

export interface WindowsContainerResources {
  readonly cpuShares: number;
  readonly cpuCount: number;
  readonly cpuMaximum: number;
  readonly memoryLimitInBytes: number;
  readonly rootfsSizeInBytes: number;
  readonly affinityCpus: readonly WindowsCpuGroupAffinity[];
}

export interface WindowsCpuGroupAffinity {
  readonly cpuMask: number;
  readonly cpuGroup: number;
}

export interface ContainerResources {
  readonly linux?: LinuxContainerResources | undefined;
  readonly windows?: WindowsContainerResources | undefined;
}

export interface WindowsNamespaceOption {
  readonly network: NamespaceMode;
}

export interface WindowsSandboxSecurityContext {
  readonly runAsUsername: string;
  readonly credentialSpec: string;
  readonly hostProcess: boolean;
  readonly namespaceOptions?: WindowsNamespaceOption | undefined;
}

export interface WindowsPodSandboxConfig {
  readonly securityContext?: WindowsSandboxSecurityContext | undefined;
}

export interface WindowsContainerSecurityContext {
  readonly runAsUsername: string;
  readonly credentialSpec: string;
  readonly hostProcess: boolean;
}

export interface WindowsContainerConfig {
  readonly resources?: WindowsContainerResources | undefined;
  readonly securityContext?: WindowsContainerSecurityContext | undefined;
}
