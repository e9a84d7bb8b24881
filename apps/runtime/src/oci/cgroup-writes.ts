/**
 * Resource limits as writes to cgroup files: names and units of v1 (cgroup-v1/) and of v2
 * (cgroup-v2.rst). Each controller is looked for by itself, since a hybrid host has some here, some there.
 */
import type { ErrnoName, HostFacts } from "../kernel/index.ts";
import { RuntimeError } from "../kernel/index.ts";
import { hierarchyV1, hierarchyV2 } from "./cgroup-path.ts";
import type { OciResources } from "./spec.ts";

export interface CgroupWrite {
  readonly version: 1 | 2;
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  readonly ignore?: readonly ErrnoName[];
}

/** new: nothing is set yet; update: old values stand, and must not forbid a step on the way to the new ones. */
export type WriteMode = "new" | "update";

/** Swap accounting may be off (swapaccount=0), and reservations came to hugetlb later: then the files are missing. */
const mayBeMissing: readonly ErrnoName[] = ["ENOENT"];

/** FAILED_PRECONDITION when a limit is asked for whose controller the host has not got; hugepages only warn. */
export function limitWrites(
  facts: HostFacts,
  resources: OciResources,
  mode: WriteMode,
): { readonly writes: readonly CgroupWrite[]; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const writes = [
    ...writesOf(
      facts,
      "cpu",
      resources.cpu?.shares ?? resources.cpu?.quota ?? resources.cpu?.period,
      {
        1: () => cpuV1(resources, mode),
        2: () => cpuV2(resources),
      },
    ),
    ...writesOf(facts, "cpuset", resources.cpu?.cpus ?? resources.cpu?.mems, {
      1: () => cpuset(resources),
      2: () => cpuset(resources),
    }),
    ...writesOf(facts, "memory", resources.memory, {
      1: () => memoryV1(resources, mode),
      2: () => memoryV2(resources),
    }),
    ...writesOf(facts, "pids", resources.pids, {
      1: () => [["pids.max", String(resources.pids?.limit)]],
      2: () => [["pids.max", String(resources.pids?.limit)]],
    }),
    ...hugetlb(facts, resources, warnings),
    ...unified(resources),
  ];
  return { writes, warnings };
}

type FileWrite = readonly [file: string, value: string, ignore?: readonly ErrnoName[]];

function writesOf(
  facts: HostFacts,
  controller: string,
  wanted: unknown,
  make: { readonly 1: () => readonly FileWrite[]; readonly 2: () => readonly FileWrite[] },
): readonly CgroupWrite[] {
  if (wanted === undefined) return [];
  const version = versionOf(facts, controller);
  if (version === undefined) {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      `a ${controller} limit is asked for, but no cgroup hierarchy has that controller`,
    );
  }
  return make[version]().map(([file, value, ignore]) => ({
    version,
    controller,
    file,
    value,
    ...(ignore === undefined ? {} : { ignore }),
  }));
}

function versionOf(facts: HostFacts, controller: string): 1 | 2 | undefined {
  if (hierarchyV1(facts, controller) !== undefined) return 1;
  return hierarchyV2(facts)?.controllers.includes(controller) ? 2 : undefined;
}

function cpuV1(resources: OciResources, mode: WriteMode): readonly FileWrite[] {
  const { shares, quota, period } = resources.cpu ?? {};
  const writes: FileWrite[] = [];
  if (shares !== undefined) writes.push(["cpu.shares", String(shares)]);
  // The kernel checks each write against the parent's ratio: lift the old quota before the period changes.
  if (mode === "update" && period !== undefined && quota !== undefined) {
    writes.push(["cpu.cfs_quota_us", "-1"]);
  }
  if (period !== undefined) writes.push(["cpu.cfs_period_us", String(period)]);
  if (quota !== undefined) writes.push(["cpu.cfs_quota_us", String(quota)]);
  return writes;
}

function cpuV2(resources: OciResources): readonly FileWrite[] {
  const { shares, quota, period } = resources.cpu ?? {};
  const writes: FileWrite[] = [];
  if (shares !== undefined) writes.push(["cpu.weight", String(cpuWeight(shares))]);
  if (quota !== undefined || period !== undefined) {
    const limit = quota === undefined || quota < 0 ? "max" : String(quota);
    writes.push(["cpu.max", period === undefined ? limit : `${limit} ${period}`]);
  }
  return writes;
}

/**
 * cpu.weight (1 to 10000, 100 is ordinary) for cpu.shares (2 to 262144, 1024 is ordinary). A straight
 * line would make 39 of 1024; this curve, as other runtimes use it since 2025, goes through both
 * ends and through the middle: log10 of the weight is quadratic in log2 of the shares.
 */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

function cpuset(resources: OciResources): readonly FileWrite[] {
  const { cpus, mems } = resources.cpu ?? {};
  const writes: FileWrite[] = [];
  if (cpus !== undefined) writes.push(["cpuset.cpus", cpus]);
  if (mems !== undefined) writes.push(["cpuset.mems", mems]);
  return writes;
}

function memoryV1(resources: OciResources, mode: WriteMode): readonly FileWrite[] {
  const { limit, swap } = resources.memory ?? {};
  const writes: FileWrite[] = [];
  // memsw may never be below the limit: lift it before the limit grows past the old one.
  if (mode === "update" && limit !== undefined && swap !== undefined) {
    writes.push(["memory.memsw.limit_in_bytes", "-1", mayBeMissing]);
  }
  if (limit !== undefined) writes.push(["memory.limit_in_bytes", String(limit)]);
  if (swap !== undefined) {
    writes.push(["memory.memsw.limit_in_bytes", String(swap), mayBeMissing]);
  }
  return writes;
}

function memoryV2(resources: OciResources): readonly FileWrite[] {
  const { limit, swap } = resources.memory ?? {};
  const writes: FileWrite[] = [];
  if (limit !== undefined) writes.push(["memory.max", limit < 0 ? "max" : String(limit)]);
  // v1 counted memory and swap together, v2 counts swap alone.
  if (swap !== undefined && swap < 0) writes.push(["memory.swap.max", "max", mayBeMissing]);
  if (swap !== undefined && swap >= 0 && limit !== undefined && limit >= 0) {
    writes.push(["memory.swap.max", String(swap - limit), mayBeMissing]);
  }
  return writes;
}

function hugetlb(
  facts: HostFacts,
  resources: OciResources,
  warnings: string[],
): readonly CgroupWrite[] {
  const limits = resources.hugepageLimits ?? [];
  if (limits.length === 0) return [];
  const version = versionOf(facts, "hugetlb");
  if (version === undefined) {
    // The kubelet sends a limit of 0 for every page size there is, wanted or not.
    if (limits.some(({ limit }) => limit > 0)) {
      warnings.push("hugepage limits were asked for, but no cgroup hierarchy has hugetlb");
    }
    return [];
  }
  const suffix = version === 1 ? "limit_in_bytes" : "max";
  return limits.flatMap(({ pageSize, limit }) => [
    {
      version,
      controller: "hugetlb",
      file: `hugetlb.${pageSize}.${suffix}`,
      value: String(limit),
    },
    {
      version,
      controller: "hugetlb",
      file: `hugetlb.${pageSize}.rsvd.${suffix}`,
      value: String(limit),
      ignore: mayBeMissing,
    },
  ]);
}

function unified(resources: OciResources): readonly CgroupWrite[] {
  return Object.entries(resources.unified ?? {}).map(([file, value]) => ({
    version: 2,
    controller: file.slice(0, file.indexOf(".")),
    file,
    value,
  }));
}
