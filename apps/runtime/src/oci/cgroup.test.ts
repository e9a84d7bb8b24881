import { describe, expect, it } from "vitest";
import { planToText } from "../kernel/plan-text.ts";
import { readCpuset } from "./cgroup-cpuset.ts";
import { cgroupPathOf } from "./cgroup-path.ts";
import {
  cgroupPlan,
  removeCgroupPlan,
  removeParentCgroupPlan,
  updateCgroupPlan,
} from "./cgroup-plan.ts";
import { cpuWeight, limitWrites } from "./cgroup-writes.ts";
import { cgroupsHybrid, cgroupsV1, cgroupsV2, hostFacts, hostFiles } from "./fixture/host.ts";
import { resources } from "./fixture/requests.ts";
import { resolveResources } from "./resources.ts";

const v1 = hostFacts({ cgroups: cgroupsV1 });
const v2 = hostFacts({ cgroups: cgroupsV2 });
const hybrid = hostFacts({ cgroups: cgroupsHybrid });

function lines(
  facts = v2,
  changes: Parameters<typeof resources>[0] = {},
  mode: "new" | "update" = "new",
) {
  const limits = resolveResources(facts, { resources: resources(changes), pidsLimit: 0 });
  return limitWrites(facts, limits, mode).writes.map((one) => `${one.file}=${one.value}`);
}

describe("cgroupPathOf", () => {
  it.each([
    ["", "/vitrine/id"],
    ["/", "/id"],
    ["/kubepods/burstable/pod1", "/kubepods/burstable/pod1/id"],
    ["kubepods", "/kubepods/id"],
    ["//a/./b/", "/a/b/id"],
  ])("parent %j", (parent, path) => {
    expect(cgroupPathOf(parent, "/vitrine", "id")).toBe(path);
  });

  it.each(["/a/../../b", "..", "/a\nb", "/a\0b", "kubepods-pod1.slice", `/${"x".repeat(256)}`])(
    "refuses parent %j",
    (parent) => {
      expect(() => cgroupPathOf(parent, "/vitrine", "id")).toThrow(/cgroup parent/);
    },
  );
});

describe("limits", () => {
  const all = {
    cpuShares: 512,
    cpuPeriod: 100_000,
    cpuQuota: 50_000,
    memoryLimitInBytes: 1 << 20,
    memorySwapLimitInBytes: 3 << 20,
    cpusetCpus: "0-1",
    cpusetMems: "0",
  };

  it("are v1's files on v1", () => {
    expect(lines(v1, all)).toEqual([
      "cpu.shares=512",
      "cpu.cfs_period_us=100000",
      "cpu.cfs_quota_us=50000",
      "cpuset.cpus=0-1",
      "cpuset.mems=0",
      "memory.limit_in_bytes=1048576",
      "memory.memsw.limit_in_bytes=3145728",
    ]);
  });

  it("are v2's files and units on v2", () => {
    expect(lines(v2, all)).toEqual([
      "cpu.weight=59",
      "cpu.max=50000 100000",
      "cpuset.cpus=0-1",
      "cpuset.mems=0",
      "memory.max=1048576",
      "memory.swap.max=2097152",
    ]);
  });

  it("lift the old values before an update that they could forbid", () => {
    expect(lines(v1, all, "update")).toEqual([
      "cpu.shares=512",
      "cpu.cfs_quota_us=-1",
      "cpu.cfs_period_us=100000",
      "cpu.cfs_quota_us=50000",
      "cpuset.cpus=0-1",
      "cpuset.mems=0",
      "memory.memsw.limit_in_bytes=-1",
      "memory.limit_in_bytes=1048576",
      "memory.memsw.limit_in_bytes=3145728",
    ]);
  });

  it("of -1 mean none", () => {
    expect(lines(v1, { cpuQuota: -1, memoryLimitInBytes: -1 })).toEqual([
      "cpu.cfs_quota_us=-1",
      "memory.limit_in_bytes=-1",
    ]);
    expect(lines(v2, { cpuQuota: -1, memoryLimitInBytes: -1, memorySwapLimitInBytes: -1 })).toEqual(
      ["cpu.max=max", "memory.max=max", "memory.swap.max=max"],
    );
    expect(lines(v2, { cpuPeriod: 50_000 })).toEqual(["cpu.max=max 50000"]);
  });

  it("of hugepages go where the controller is", () => {
    const hugepageLimits = [{ pageSize: "2MB", limit: 4 << 20 }];
    expect(lines(hybrid, { hugepageLimits })).toEqual([
      "hugetlb.2MB.max=4194304",
      "hugetlb.2MB.rsvd.max=4194304",
    ]);
    const limits = resolveResources(v1, { resources: resources({ hugepageLimits }), pidsLimit: 0 });
    expect(limitWrites(v1, limits, "new")).toEqual({
      writes: [],
      warnings: ["hugepage limits were asked for, but no cgroup hierarchy has hugetlb"],
    });
  });

  it("need their controller", () => {
    const facts = hostFacts({ cgroups: [] });
    expect(() => lines(facts, { memoryLimitInBytes: 1 })).toThrow(/memory limit/);
    expect(lines(facts)).toEqual([]);
  });

  it.each([
    [2, 1],
    [1024, 100],
    [262_144, 10_000],
    [0, 1],
    [1_000_000, 10_000],
  ])("%i shares weigh %i", (shares, weight) => {
    expect(cpuWeight(shares)).toBe(weight);
  });

  it("weigh more the more shares there are", () => {
    for (let shares = 2; shares < 300_000; shares += 97) {
      expect(cpuWeight(shares + 97)).toBeGreaterThanOrEqual(cpuWeight(shares));
    }
  });
});

describe("resolveResources", () => {
  it.each([
    ["negative shares", { cpuShares: -1 }],
    ["a quota below -1", { cpuQuota: -2 }],
    ["a number that is none", { memoryLimitInBytes: Number.NaN }],
    ["swap below memory", { memoryLimitInBytes: 10, memorySwapLimitInBytes: 5 }],
    ["an oom score beyond 1000", { oomScoreAdj: 1001 }],
    ["an oom score below -1000", { oomScoreAdj: -1001 }],
    ["cpus that are no list", { cpusetCpus: "0-1;rm" }],
    ["mems that are no list", { cpusetMems: "all" }],
    ["a page size that is a path", { hugepageLimits: [{ pageSize: "../2MB", limit: 1 }] }],
    ["unified with a slash", { unified: { "memory/../x.max": "1" } }],
    ["unified of the cgroup core", { unified: { "cgroup.procs": "1" } }],
    ["unified without a controller", { unified: { max: "1" } }],
  ])("refuses %s", (_, changes) => {
    expect(() => resolveResources(v2, { resources: resources(changes), pidsLimit: 0 })).toThrow();
  });

  it("takes unified on v2 only", () => {
    const unified = { "memory.high": "1000000", "memory.oom.group": "1" };
    expect(lines(v2, { unified })).toEqual(["memory.high=1000000", "memory.oom.group=1"]);
    expect(() => lines(v1, { unified })).toThrow(/needs cgroup v2/);
    expect(() => lines(hybrid, { unified })).toThrow(/needs cgroup v2/);
  });

  it("leaves out what is not given", () => {
    expect(resolveResources(v2, { resources: resources(), pidsLimit: 0 })).toEqual({});
    expect(resolveResources(v2, { resources: undefined, pidsLimit: 9 })).toEqual({
      pids: { limit: 9 },
    });
  });
});

describe("cgroup plans", () => {
  it("hand the controllers down on v2", () => {
    const limits = resolveResources(v2, { resources: resources({ cpuShares: 2 }), pidsLimit: 7 });
    const { plan } = cgroupPlan({
      facts: v2,
      path: "/a/b/id",
      resources: limits,
      cpuset: undefined,
    });
    expect(planToText(plan)).toMatchInlineSnapshot(`
      "make cgroups
      0  host  mkdir      /sys/fs/cgroup/a/b/id 0755 with parents
      1  host  writeFile  /sys/fs/cgroup/cgroup.subtree_control 39 bytes existing  (ignore EBUSY ENOENT EOPNOTSUPP EPERM EACCES)
      2  host  writeFile  /sys/fs/cgroup/a/cgroup.subtree_control 39 bytes existing  (ignore EBUSY ENOENT EOPNOTSUPP EPERM EACCES)
      3  host  writeFile  /sys/fs/cgroup/a/b/cgroup.subtree_control 39 bytes existing  (ignore EBUSY ENOENT EOPNOTSUPP EPERM EACCES)
      4  host  writeFile  /sys/fs/cgroup/a/b/id/cpu.weight 1 bytes existing
      5  host  writeFile  /sys/fs/cgroup/a/b/id/pids.max 1 bytes existing"
    `);
  });

  it("leave the v2 tree of a hybrid host alone until a limit needs it", () => {
    const plan = (changes: Parameters<typeof resources>[0]) => {
      const limits = resolveResources(hybrid, { resources: resources(changes), pidsLimit: 0 });
      const request = { facts: hybrid, path: "/v/id", resources: limits, cpuset: undefined };
      return planToText(cgroupPlan(request).plan).split("\n");
    };
    expect(plan({ cpuShares: 2 }).filter((line) => line.includes("subtree"))).toEqual([]);
    const hugepageLimits = [{ pageSize: "2MB", limit: 0 }];
    expect(plan({ hugepageLimits }).filter((line) => line.includes("subtree"))).toHaveLength(2);
  });

  it("update and remove name every hierarchy they touch", () => {
    const limits = resolveResources(v1, { resources: resources({ cpuShares: 4 }), pidsLimit: 0 });
    expect(planToText(updateCgroupPlan(v1, "/v/id", limits).plan)).toMatchInlineSnapshot(`
      "change limits
      0  host  writeFile  /sys/fs/cgroup/cpu/v/id/cpu.shares 1 bytes existing"
    `);
    expect(planToText(removeCgroupPlan(v2, "/v/id"))).toMatchInlineSnapshot(`
      "remove cgroups
      0  host  rmdir  /sys/fs/cgroup/v/id  (ignore ENOENT)"
    `);
    expect(planToText(removeParentCgroupPlan(v2, "/v/w"))).toMatchInlineSnapshot(`
      "remove parent cgroups
      0  host  rmdir  /sys/fs/cgroup/v/w  (ignore ENOENT EBUSY ENOTEMPTY)
      1  host  rmdir  /sys/fs/cgroup/v  (ignore ENOENT EBUSY ENOTEMPTY)"
    `);
  });
});

describe("readCpuset", () => {
  const root = {
    "/sys/fs/cgroup/cpuset/cpuset.cpus": "0-3\n",
    "/sys/fs/cgroup/cpuset/cpuset.mems": "0\n",
  };

  it("inherits from the root what is missing or empty above the container", async () => {
    const files = hostFiles({ ...root, "/sys/fs/cgroup/cpuset/a/cpuset.cpus": "\n" });
    expect(await readCpuset(files, v1, "/a/b/id")).toEqual({
      cpus: "0-3",
      mems: "0",
      empty: ["/sys/fs/cgroup/cpuset/a", "/sys/fs/cgroup/cpuset/a/b"],
    });
  });

  it("keeps what somebody has restricted", async () => {
    const files = hostFiles({
      ...root,
      "/sys/fs/cgroup/cpuset/a/cpuset.cpus": "2",
      "/sys/fs/cgroup/cpuset/a/cpuset.mems": "0",
    });
    expect(await readCpuset(files, v1, "/a/b/id")).toEqual({
      cpus: "2",
      mems: "0",
      empty: ["/sys/fs/cgroup/cpuset/a/b"],
    });
  });

  it("is nobody's business on v2", async () => {
    expect(await readCpuset(hostFiles(root), v2, "/a/id")).toBeUndefined();
  });
});
