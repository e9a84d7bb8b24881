/** The CRI's resource limits as linux.resources of the OCI runtime spec. */
import type { LinuxContainerResources } from "../api/index.ts";
import { type HostFacts, RuntimeError } from "../kernel/index.ts";
import { isUnified } from "./cgroup-path.ts";
import type { OciDeviceRule, OciResources } from "./spec.ts";

export interface ResourceRequest {
  readonly resources: LinuxContainerResources | undefined;
  /** 0 means no limit. */
  readonly pidsLimit: number;
  readonly devices?: readonly OciDeviceRule[];
}

/** INVALID_ARGUMENT for numbers and names that no kernel could take, and for `unified` without cgroup v2. */
export function resolveResources(facts: HostFacts, request: ResourceRequest): OciResources {
  const { resources } = request;
  const base = {
    ...(request.devices === undefined ? {} : { devices: request.devices }),
    ...(request.pidsLimit > 0 ? { pids: { limit: request.pidsLimit } } : {}),
  };
  if (resources === undefined) return base;
  checkResources(facts, resources);
  const memory = whenGiven({
    limit: resources.memoryLimitInBytes,
    swap: resources.memorySwapLimitInBytes,
  });
  const cpu = whenGiven({
    shares: resources.cpuShares,
    quota: resources.cpuQuota,
    period: resources.cpuPeriod,
    cpus: resources.cpusetCpus,
    mems: resources.cpusetMems,
  });
  const hugepageLimits = resources.hugepageLimits.map(({ pageSize, limit }) => ({
    pageSize,
    limit,
  }));
  return {
    ...base,
    ...(memory === undefined ? {} : { memory }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(hugepageLimits.length === 0 ? {} : { hugepageLimits }),
    ...(Object.keys(resources.unified).length === 0 ? {} : { unified: { ...resources.unified } }),
  };
}

function checkResources(facts: HostFacts, resources: LinuxContainerResources): void {
  const { cpuShares, cpuPeriod, cpuQuota, memoryLimitInBytes, memorySwapLimitInBytes } = resources;
  for (const [what, value, least] of [
    ["cpu_shares", cpuShares, 0],
    ["cpu_period", cpuPeriod, 0],
    ["cpu_quota", cpuQuota, -1],
    ["memory_limit_in_bytes", memoryLimitInBytes, -1],
    ["memory_swap_limit_in_bytes", memorySwapLimitInBytes, -1],
    ["oom_score_adj", resources.oomScoreAdj, -1000],
  ] as const) {
    if (!Number.isInteger(value) || value < least) throw invalid(`${what} cannot be ${value}`);
  }
  if (resources.oomScoreAdj > 1000)
    throw invalid(`oom_score_adj cannot be ${resources.oomScoreAdj}`);
  if (memorySwapLimitInBytes > 0 && memorySwapLimitInBytes < memoryLimitInBytes) {
    throw invalid("memory_swap_limit_in_bytes is memory and swap together, and less than memory");
  }
  for (const list of [resources.cpusetCpus, resources.cpusetMems]) {
    if (!/^([0-9]+(-[0-9]+)?(,|$))*$/.test(list)) {
      throw invalid(`${JSON.stringify(list)} is not a list of the form 0-3,7`);
    }
  }
  for (const { pageSize, limit } of resources.hugepageLimits) {
    if (!/^[1-9][0-9]*(KB|MB|GB)$/.test(pageSize) || !(limit >= 0)) {
      throw invalid(`hugepage limit ${JSON.stringify(pageSize)} = ${limit} is not valid`);
    }
  }
  checkUnified(facts, resources.unified);
}

/** Keys become file names in the cgroup's directory, so they are names of controller files and nothing else. */
function checkUnified(facts: HostFacts, unified: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(unified)) {
    if (!isUnified(facts)) {
      throw invalid(
        `unified resource ${JSON.stringify(key)} needs cgroup v2, which this host has not got`,
      );
    }
    if (!/^[a-z0-9_]+(\.[A-Za-z0-9_]+)+$/.test(key) || key.startsWith("cgroup.")) {
      throw invalid(`${JSON.stringify(key)} is no file of a cgroup controller`);
    }
    if (value.includes("\0")) throw invalid(`unified resource ${key} contains a NUL`);
  }
}

/** The fields that are not zero or empty; undefined when none is left. */
function whenGiven<T extends Record<string, number | string>>(fields: T): Partial<T> | undefined {
  const given = Object.entries(fields).filter(([, value]) => value !== 0 && value !== "");
  return given.length === 0 ? undefined : (Object.fromEntries(given) as Partial<T>);
}

function invalid(message: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", message);
}
