/** Limits that bite: fork failure, OOM kill, throttling, the freezer, devices. */
import { describe, expect, test } from "vitest";
import { AT_FDCWD, O_RDONLY, SIGKILL } from "../abi.ts";
import { attempt, bootShell, type HostShell } from "../fs/fixture/host-shell.ts";
import type { Process } from "../process/process.ts";
import { mknodat, openat2 } from "../syscall/file.ts";
import { allocate, burn, deliverSignal, pause } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { hierarchyOf } from "./controller.ts";
import { onOom } from "./memory.ts";

const MiB = 1024 * 1024;

/** Directory of cgroup "a" for a controller, made, in either layout. */
function makeGroup(shell: HostShell, controller: string): string {
  const isUnified = shell.machine.hierarchies.length === 1;
  const root = isUnified ? "/sys/fs/cgroup" : `/sys/fs/cgroup/${controller}`;
  if (isUnified) shell.write(`${root}/cgroup.subtree_control`, `+${controller}`);
  shell.mkdir(`${root}/a`);
  return `${root}/a`;
}

function join(shell: HostShell, group: string, process: Process): void {
  expect(shell.write(`${group}/cgroup.procs`, `${process.pid}`)).toBe("");
}

function* eat(self: Process, bytes: number): Coroutine<number> {
  yield {};
  yield* allocate(self, bytes);
  for (;;) yield* pause(self);
}

describe.each(["v1-hybrid", "v2"] as const)("%s", (cgroups) => {
  test("pids.max: the fork beyond it is EAGAIN, zombies count until they are reaped", () => {
    const shell = bootShell({ cgroups });
    const group = makeGroup(shell, "pids");
    const first = shell.spawn();
    join(shell, group, first);
    shell.write(`${group}/pids.max`, "2");
    const inside = shell.as(first);
    const child = inside.spawn();
    expect(attempt(() => inside.spawn())).toBe("EAGAIN");
    expect(shell.read(`${group}/pids.events`)).toBe("max 1\n");
    deliverSignal(child, SIGKILL);
    expect(shell.read(`${group}/cgroup.procs`)).toBe(`${first.pid}\n`);
    expect(shell.read(`${group}/pids.current`)).toBe("2\n");
    expect(attempt(() => inside.spawn())).toBe("EAGAIN");
    child.state = "dead";
    expect(shell.read(`${group}/pids.current`)).toBe("1\n");
    expect(attempt(() => inside.spawn())).not.toBe("EAGAIN");
  });

  test("the OOM killer takes the largest of the cgroup, counts it, tells, and frees its memory", () => {
    const shell = bootShell({ cgroups });
    const group = makeGroup(shell, "memory");
    const max = cgroups === "v2" ? "memory.max" : "memory.limit_in_bytes";
    const usage = cgroups === "v2" ? "memory.current" : "memory.usage_in_bytes";
    const [big, small] = [60, 30].map((size) => shell.spawn((self) => eat(self, size * MiB)));
    const bystander = shell.spawn((self) => eat(self, 500 * MiB));
    if (big === undefined || small === undefined) throw new Error("no processes");
    join(shell, group, big);
    join(shell, group, small);
    shell.write(`${group}/${max}`, "100M");
    shell.settle();
    expect(shell.read(`${group}/${usage}`)).toBe(`${90 * MiB}\n`);
    const node = hierarchyOf(shell.machine, "memory")?.root.children.get("a");
    let told = 0;
    if (node !== undefined) onOom(node, () => told++);
    const late = shell.spawn((self) => eat(self, 20 * MiB));
    join(shell, group, late);
    shell.settle();
    // init has reaped it.
    const states = [big.state, small.state, late.state, bystander.state];
    expect(states).toEqual(["dead", "alive", "alive", "alive"]);
    expect(told).toBe(1);
    expect(shell.read(`${group}/${usage}`)).toBe(`${50 * MiB}\n`);
    const counter = cgroups === "v2" ? "memory.events" : "memory.oom_control";
    expect(shell.read(`${group}/${counter}`)).toContain("oom_kill 1\n");
  });

  test("oom_score_adj decides, and -1000 spares; with nobody to kill it is ENOMEM", () => {
    const shell = bootShell({ cgroups });
    const group = makeGroup(shell, "memory");
    const max = cgroups === "v2" ? "memory.max" : "memory.limit_in_bytes";
    shell.write(`${group}/${max}`, "100M");
    const [big, marked] = [60, 30].map((size) => shell.spawn((self) => eat(self, size * MiB)));
    if (big === undefined || marked === undefined) throw new Error("no processes");
    for (const process of [big, marked]) join(shell, group, process);
    expect(shell.write(`/proc/${marked.pid}/oom_score_adj`, "500")).toBe("");
    expect(shell.write(`/proc/${big.pid}/oom_score_adj`, "-1000")).toBe("");
    shell.settle();
    let refused = "";
    const late = shell.spawn(function* (self) {
      yield {};
      try {
        yield* allocate(self, 50 * MiB);
      } catch (thrown) {
        refused = (thrown as { errno: string }).errno;
      }
      return 0;
    });
    expect(shell.write(`/proc/${late.pid}/oom_score_adj`, "-1000")).toBe("");
    join(shell, group, late);
    shell.settle();
    expect([big.state, marked.state]).toEqual(["alive", "dead"]);
    expect(refused).toBe("ENOMEM");
  });

  test("memory stays charged where it was charged when its owner goes elsewhere", () => {
    const shell = bootShell({ cgroups });
    const group = makeGroup(shell, "memory");
    const other = group.replace(/a$/, "b");
    shell.mkdir(other);
    const usage = cgroups === "v2" ? "memory.current" : "memory.usage_in_bytes";
    const process = shell.spawn((self) => eat(self, 10 * MiB));
    join(shell, group, process);
    shell.settle();
    join(shell, other, process);
    expect(shell.read(`${group}/${usage}`)).toBe(`${10 * MiB}\n`);
    expect(shell.read(`${other}/${usage}`)).toBe("0\n");
    deliverSignal(process, SIGKILL);
    expect(shell.read(`${group}/${usage}`)).toBe("0\n");
  });

  test("a quota of a tenth makes the work ten times as long, and counts the throttling", () => {
    const shell = bootShell({ cgroups });
    const group = makeGroup(shell, "cpu");
    if (cgroups === "v2") shell.write(`${group}/cpu.max`, "10000 100000");
    else shell.write(`${group}/cpu.cfs_quota_us`, "10000");
    let tookNs = 0n;
    const process = shell.spawn(function* (self) {
      yield {};
      const { scheduler } = self.machine;
      const before = scheduler.nowNs;
      yield* burn(self, 100_000_000);
      tookNs = scheduler.nowNs - before;
      return 0;
    });
    join(shell, group, process);
    shell.sleep(2_000_000_000n);
    expect(Number(tookNs) / 1e6).toBeGreaterThan(890);
    expect(Number(tookNs) / 1e6).toBeLessThan(1010);
    expect(process.cpuNs).toBe(100_000_000n);
    const throttled = /nr_throttled (\d+)/.exec(shell.read(`${group}/cpu.stat`))?.[1];
    expect(Number(throttled)).toBeGreaterThanOrEqual(9);
  });

  test("three that work on two CPUs take half as long again", () => {
    const shell = bootShell({ cgroups });
    const ends: bigint[] = [];
    const begin = shell.machine.scheduler.nowNs;
    for (let index = 0; index < 3; index++)
      shell.spawn(function* (self) {
        yield* burn(self, 100_000_000);
        ends.push(self.machine.scheduler.nowNs - begin);
        return 0;
      });
    shell.sleep(1_000_000_000n);
    expect(ends).toHaveLength(3);
    for (const end of ends) {
      expect(end).toBeGreaterThan(135_000_000n);
      expect(end).toBeLessThan(155_000_000n);
    }
  });

  test("who is frozen does not run; thawed it goes on", () => {
    const shell = bootShell({ cgroups });
    const controller = cgroups === "v2" ? "pids" : "freezer";
    const group = makeGroup(shell, controller);
    const [file, on, off] =
      cgroups === "v2" ? ["cgroup.freeze", "1", "0"] : ["freezer.state", "FROZEN", "THAWED"];
    let steps = 0;
    const process = shell.spawn(function* (self) {
      for (; steps < 10; steps++) yield { untilNs: self.machine.scheduler.nowNs + 10_000_000n };
      return 0;
    });
    join(shell, group, process);
    shell.sleep(25_000_000n);
    const before = steps;
    expect(before).toBe(2);
    shell.write(`${group}/${file}`, on);
    shell.sleep(50_000_000n);
    expect(steps).toBe(before);
    const child = shell.as(process).spawn();
    expect(child.frozen).toBe(true);
    shell.write(`${group}/${file}`, off);
    shell.sleep(200_000_000n);
    expect(steps).toBe(10);
    expect(child.frozen).toBe(false);
  });
});

test("v2 memory.max below what is used kills until it fits; v1 refuses with EBUSY", () => {
  for (const cgroups of ["v1-hybrid", "v2"] as const) {
    const shell = bootShell({ cgroups });
    const group = makeGroup(shell, "memory");
    const process = shell.spawn((self) => eat(self, 10 * MiB));
    join(shell, group, process);
    shell.settle();
    const file = cgroups === "v2" ? "memory.max" : "memory.limit_in_bytes";
    expect(shell.write(`${group}/${file}`, "1M")).toBe(cgroups === "v2" ? "" : "EBUSY");
    expect(process.state).toBe(cgroups === "v2" ? "zombie" : "alive");
  }
});

test("v2 memory.oom.group: the whole cgroup dies together", () => {
  const shell = bootShell({ cgroups: "v2" });
  const group = makeGroup(shell, "memory");
  shell.write(`${group}/memory.max`, "100M");
  shell.write(`${group}/memory.oom.group`, "1");
  const idle = shell.spawn();
  join(shell, group, idle);
  const modest = shell.spawn((self) => eat(self, 50 * MiB));
  join(shell, group, modest);
  shell.settle();
  const greedy = shell.spawn((self) => eat(self, 200 * MiB));
  join(shell, group, greedy);
  shell.settle();
  expect([idle.state, modest.state, greedy.state]).toEqual(["dead", "dead", "dead"]);
  expect(shell.read(`${group}/memory.events`)).toContain("oom_kill 3\noom_group_kill 1\n");
});

test("v1 oom_kill_disable: who is out of memory waits until there is some", () => {
  const shell = bootShell();
  const group = makeGroup(shell, "memory");
  shell.write(`${group}/memory.limit_in_bytes`, "100M");
  shell.write(`${group}/memory.oom_control`, "1");
  const first = shell.spawn((self) => eat(self, 80 * MiB));
  const second = shell.spawn((self) => eat(self, 40 * MiB));
  for (const process of [first, second]) join(shell, group, process);
  shell.settle();
  expect(second.memoryBytes).toBeLessThan(40 * MiB);
  expect(shell.read(`${group}/memory.oom_control`)).toContain("under_oom 1");
  deliverSignal(first, SIGKILL);
  shell.settle();
  expect(second.memoryBytes).toBe(40 * MiB);
  expect(shell.read(`${group}/memory.oom_control`)).toContain("under_oom 0");
});

test("devices of v1: list, allow and deny, at open and mknod", () => {
  const shell = bootShell();
  const group = makeGroup(shell, "devices");
  const write = (file: string, rule: string) => shell.write(`${group}/devices.${file}`, rule);
  for (const wrong of ["x", "c 1:3", "c 1 rwm", "c 1:3 q", "c a:3 r"])
    expect(write("deny", wrong)).toBe("EINVAL");
  expect(shell.read(`${group}/devices.list`)).toBe("a *:* rwm\n");
  expect(write("deny", "a")).toBe("");
  expect(write("allow", "c 1:3 rwm")).toBe("");
  expect(write("allow", "c *:* m")).toBe("");
  expect(shell.read(`${group}/devices.list`)).toBe("c 1:3 rwm\nc *:* m\n");
  shell.mkdir(`${group}/b`);
  expect(shell.write(`${group}/b/devices.allow`, "c 1:9 r")).toBe("EPERM");
  expect(write("allow", "a")).toBe("EINVAL");
  const process = shell.spawn();
  join(shell, group, process);
  const open = (path: string) =>
    attempt(() => openat2(process, AT_FDCWD, path, { flags: O_RDONLY }) >= 0);
  expect(open("/dev/null")).toBe(true);
  expect(open("/dev/zero")).toBe("EPERM");
  const make = (path: string, type: "char" | "block") =>
    attempt(() => mknodat(process, AT_FDCWD, path, type, 0o600, 7, 7));
  expect(make("/tmp/c", "char")).toBe(undefined);
  expect(make("/tmp/b", "block")).toBe("EPERM");
  expect(write("deny", "c 1:3 w")).toBe("");
  expect(shell.read(`${group}/devices.list`)).toBe("c 1:3 rm\nc *:* m\n");
});
