/** Every control file answers a written value as Linux 6.18 did: what it shows afterwards, or the errno. */
import { describe, expect, test } from "vitest";
import { bootShell, type HostShell } from "../fs/fixture/host-shell.ts";

type Case = readonly [file: string, value: string, shows: string];

const unlimited = "9223372036854771712";

const v1: Readonly<Record<string, readonly Case[]>> = {
  cpuset: [
    ["cpuset.cpus", "5", "ERANGE"],
    ["cpuset.cpus", "x", "EINVAL"],
    ["cpuset.cpus", "1-0", "EINVAL"],
    ["cpuset.cpus", "0-1", "0-1"],
    ["cpuset.cpus", "0,1\n", "0-1"],
    ["cpuset.cpus", "", "0-1"],
    ["cgroup.procs", "0", "ENOSPC"],
    ["cpuset.cpus", "0", "0"],
    ["tasks", "0", "ENOSPC"],
    ["cpuset.mems", "1", "EINVAL"],
    ["cpuset.mems", "0", "0"],
    ["cpuset.effective_cpus", "0", "EINVAL"],
    ["cgroup.clone_children", "2", "1"],
    ["cgroup.clone_children", "x", "EINVAL"],
    ["cgroup.procs", "9999999", "ESRCH"],
    ["cgroup.procs", "abc", "EINVAL"],
    ["cgroup.procs", "", ""],
    ["cgroup.procs", "-1", "EINVAL"],
  ],
  cpu: [
    ["cpu.shares", "0", "2"],
    ["cpu.shares", "1", "2"],
    ["cpu.shares", "999999", "262144"],
    ["cpu.shares", "x", "EINVAL"],
    ["cpu.shares", "-1", "EINVAL"],
    ["cpu.shares", "1k", "EINVAL"],
    ["cpu.cfs_quota_us", "0", "EINVAL"],
    ["cpu.cfs_quota_us", "1000", "1000"],
    ["cpu.cfs_quota_us", "999", "EINVAL"],
    ["cpu.cfs_quota_us", "-5", "-1"],
    ["cpu.cfs_quota_us", "x", "EINVAL"],
    ["cpu.cfs_quota_us", "1000000000000", "1000000000000"],
    ["cpu.cfs_period_us", "999", "EINVAL"],
    ["cpu.cfs_period_us", "1000000", "1000000"],
    ["cpu.cfs_period_us", "1000001", "EINVAL"],
    ["cpu.cfs_period_us", "-1", "EINVAL"],
    ["cpu.idle", "1", "1"],
    ["cpu.shares", "100", "EINVAL"],
    ["cpu.stat", "1", "EINVAL"],
  ],
  memory: [
    ["memory.limit_in_bytes", "0", "0"],
    ["memory.limit_in_bytes", "4095", "0"],
    ["memory.limit_in_bytes", "4097", "4096"],
    ["memory.limit_in_bytes", "10m", "10485760"],
    ["memory.limit_in_bytes", "1G", "1073741824"],
    ["memory.limit_in_bytes", "5x", "EINVAL"],
    ["memory.limit_in_bytes", "-1", unlimited],
    ["memory.limit_in_bytes", "-2", "EINVAL"],
    ["memory.limit_in_bytes", "max", "EINVAL"],
    ["memory.limit_in_bytes", "20M", "20971520"],
    ["memory.memsw.limit_in_bytes", "10M", "EINVAL"],
    ["memory.memsw.limit_in_bytes", "30M", "31457280"],
    ["memory.limit_in_bytes", "40M", "EINVAL"],
    ["memory.soft_limit_in_bytes", "1M", "1048576"],
    ["memory.swappiness", "201", "EINVAL"],
    ["memory.swappiness", "200", "200"],
    ["memory.use_hierarchy", "0", "EINVAL"],
    ["memory.use_hierarchy", "1", "1"],
    ["memory.oom_control", "1", "oom_kill_disable 1\nunder_oom 0\noom_kill 0"],
    ["memory.oom_control", "2", "EINVAL"],
    ["memory.failcnt", "5", "0"],
    ["memory.usage_in_bytes", "1", "EINVAL"],
    ["memory.force_empty", "0", "EINVAL"],
    ["memory.move_charge_at_immigrate", "3", "EINVAL"],
    ["memory.kmem.limit_in_bytes", "10M", unlimited],
    ["cgroup.event_control", "1 2", "EINVAL"],
  ],
  pids: [
    ["pids.max", "0", "0"],
    ["pids.max", "-1", "EINVAL"],
    ["pids.max", "max", "max"],
    ["pids.max", "x", "EINVAL"],
    ["pids.max", "4194304", "4194304"],
    ["pids.max", "4194305", "EINVAL"],
    ["pids.max", "10\n", "10"],
    ["pids.current", "1", "EINVAL"],
  ],
  freezer: [
    ["freezer.state", "FROZEN", "FROZEN"],
    ["freezer.state", "frozen", "EINVAL"],
    ["freezer.state", "THAWED", "THAWED"],
    ["freezer.state", "FREEZING", "EINVAL"],
  ],
  blkio: [
    ["blkio.bfq.weight", "0", "ERANGE"],
    ["blkio.bfq.weight", "1001", "ERANGE"],
    ["blkio.bfq.weight", "500", "500"],
    ["blkio.throttle.read_bps_device", "254:0 1000", "254:0 1000"],
    ["blkio.throttle.read_bps_device", "8:0 1000", "ENODEV"],
    ["blkio.throttle.read_bps_device", "x", "EINVAL"],
    ["blkio.throttle.read_bps_device", "254:0 0", ""],
  ],
};

const v2: readonly Case[] = [
  ["cgroup.type", "x", "EINVAL"],
  ["cgroup.freeze", "2", "ERANGE"],
  ["cgroup.freeze", "x", "EINVAL"],
  ["cgroup.freeze", "1", "1"],
  ["cgroup.events", "1", "EINVAL"],
  ["cgroup.kill", "0", "ERANGE"],
  ["cgroup.subtree_control", "+foo", "EINVAL"],
  ["cgroup.subtree_control", "memory", "EINVAL"],
  ["cgroup.subtree_control", "-memory", ""],
  ["cgroup.subtree_control", "+memory +pids", "memory pids"],
  ["cgroup.max.depth", "1", "1"],
  ["cgroup.max.depth", "x", "EINVAL"],
  ["cgroup.max.depth", "-1", "ERANGE"],
  ["cgroup.procs", "99999999", "ESRCH"],
  ["memory.max", "10M", "10485760"],
  ["memory.max", "-1", "EINVAL"],
  ["memory.max", "max", "max"],
  ["memory.oom.group", "2", "EINVAL"],
  ["memory.oom.group", "1", "1"],
  ["memory.swap.max", "0", "0"],
  ["cpu.weight", "0", "ERANGE"],
  ["cpu.weight", "10001", "ERANGE"],
  ["cpu.weight", "50", "50"],
  ["cpu.max", "50000", "50000 100000"],
  ["cpu.max", "max 200000", "max 200000"],
  ["cpu.max", "999", "EINVAL"],
  ["cpu.max", "x", "EINVAL"],
  ["cpuset.cpus", "0", "0"],
  ["cpuset.cpus", "9", "ERANGE"],
  ["io.max", "254:0 rbps=1048576", "254:0 rbps=1048576 wbps=max riops=max wiops=max"],
  ["io.max", "8:0 rbps=1", "ENODEV"],
  ["pids.max", "7", "7"],
  ["hugetlb.2MB.max", "0", "0"],
];

function outcome(shell: HostShell, path: string, value: string): string {
  const errno = shell.write(path, value);
  return errno === "" ? shell.read(path).trimEnd() : errno;
}

describe.each(Object.entries(v1))("v1 %s", (controller, cases) => {
  const shell = bootShell();
  const base = `/sys/fs/cgroup/${controller}/a`;
  shell.mkdir(base);
  test.each(cases)("%s = %j", (file, value, shows) => {
    expect(outcome(shell, `${base}/${file}`, value)).toBe(shows);
  });
});

describe("v2", () => {
  const shell = bootShell({ cgroups: "v2" });
  const base = "/sys/fs/cgroup/a";
  shell.write("/sys/fs/cgroup/cgroup.subtree_control", "+cpu +cpuset +memory +io +pids +hugetlb");
  shell.mkdir(base);
  test.each(v2)("%s = %j", (file, value, shows) => {
    expect(outcome(shell, `${base}/${file}`, value)).toBe(shows);
  });

  test("controllers that the parent does not hand down have no files", () => {
    shell.mkdir(`${base}/b`);
    expect(shell.read(`${base}/b/memory.max`)).toBe("max\n");
    expect(shell.read(`${base}/b/cpu.max`)).toBe("ENOENT");
    expect(shell.write(`${base}/b/cgroup.subtree_control`, "+cpu")).toBe("ENOENT");
    expect(shell.read(`${base}/b/cpu.stat`)).toContain("usage_usec 0");
    expect(shell.rmdir(`${base}/b`)).toBe("");
  });
});

test("a child's quota fits into its parent's in v1", () => {
  const shell = bootShell();
  const base = "/sys/fs/cgroup/cpu/a";
  shell.mkdir(base);
  shell.mkdir(`${base}/b`);
  expect(shell.write(`${base}/cpu.cfs_quota_us`, "50000")).toBe("");
  expect(shell.write(`${base}/b/cpu.cfs_quota_us`, "60000")).toBe("EINVAL");
  expect(shell.write(`${base}/b/cpu.cfs_quota_us`, "50000")).toBe("");
  expect(shell.write(`${base}/cpu.cfs_quota_us`, "40000")).toBe("EINVAL");
  expect(shell.write(`${base}/cpu.cfs_quota_us`, "60000")).toBe("");
});

test("a child's cpuset is part of its parent's in v1", () => {
  const shell = bootShell();
  const base = "/sys/fs/cgroup/cpuset/a";
  shell.mkdir(base);
  shell.mkdir(`${base}/b`);
  shell.write(`${base}/cpuset.cpus`, "0");
  expect(shell.write(`${base}/b/cpuset.cpus`, "1")).toBe("EACCES");
  expect(shell.write(`${base}/b/cpuset.cpus`, "0")).toBe("");
  expect(shell.write(`${base}/cpuset.cpus`, "1")).toBe("EBUSY");
});
