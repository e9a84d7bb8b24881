/** What limits, namespaces and device rules of a container are on a host that has cgroup v2 only. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type CriContainer, type CriPod, limited } from "./cri-node.ts";
import { observe } from "./report.ts";

const megabytes = 1 << 20;
/** dd gets its buffer at once and fills it: more than any of the limits here. */
export const eatMemory = "dd if=/dev/zero of=/dev/null bs=96M count=1";
const limitFiles = ["cpu.max", "cpu.weight", "cpuset.cpus", "memory.max", "memory.high"] as const;

const first = {
  cpuShares: 512,
  cpuPeriod: 50_000,
  cpuQuota: 25_000,
  cpusetCpus: "1",
  memoryLimitInBytes: 64 * megabytes,
  memorySwapLimitInBytes: 80 * megabytes,
  hugepageLimits: [{ pageSize: "2MB", limit: 4 * megabytes }],
  unified: { "memory.high": String(48 * megabytes), "pids.max": "20", "io.weight": "default 50" },
};

/** Limits of a container that runs, what changes them, and who is in its cgroup. */
export async function observeLimits(pod: CriPod): Promise<void> {
  const container = await pod.start("exec sleep 1000", limited(first));
  await observe("limits", async () =>
    container.files(...limitFiles, "memory.swap.max", "pids.max", "hugetlb.2MB.max"),
  );
  await observe("controllers of the container", async () =>
    container.files("cgroup.controllers")["cgroup.controllers"]?.split(" ").sort(),
  );
  await observe("cgroup seen from inside", () => container.ask("cat /proc/self/cgroup"));
  await observe("cgroup file system inside", () =>
    container.ask("cat /sys/fs/cgroup/memory.max; echo max >/sys/fs/cgroup/memory.max"),
  );
  await observe("processes during exec", () => processesDuringExec(container));
  await observe("pids", async () => {
    await container.ask("for i in $(seq 40); do sleep 3 & done");
    return container.files("pids.events")["pids.events"];
  });
  await observe("limits after update", async () => {
    await container.update({ cpuQuota: 40_000, memoryLimitInBytes: 96 * megabytes });
    return container.files(...limitFiles);
  });
  await observe("refused update", () =>
    container.update({ cpuShares: 700, cpusetCpus: "77" }).then(
      () => "done",
      (error: Error) => error.message,
    ),
  );
  await observe("limits after refused update", async () => container.files(...limitFiles));
  await observe("unified update", async () => {
    await container.update({ unified: { "memory.high": "max", "memory.low": "4096" } });
    return container.files("memory.high", "memory.low");
  });
  await container.remove();
}

/** Where exec's process is while it runs, by the list of the container's cgroup. */
async function processesDuringExec(container: CriContainer): Promise<readonly string[]> {
  const exec = container.ask("exec sleep 2");
  const until = performance.now() + 10_000;
  while (!container.processes().includes("sleep 2") && performance.now() < until) await delay(20);
  const processes = container.processes();
  await exec;
  return processes;
}

/** How a container ends that needs more memory than it may have. */
export async function observeOutOfMemory(pod: CriPod): Promise<void> {
  const little = { memoryLimitInBytes: 16 * megabytes };
  const ends: readonly (readonly [name: string, script: string, unified: object])[] = [
    ["out of memory, the first process", `exec ${eatMemory}`, {}],
    ["out of memory, a child", `${eatMemory}; exit $?`, {}],
    ["out of memory, all of it", `${eatMemory}; exit 0`, { "memory.oom.group": "1" }],
    ["enough memory", "exit 5", {}],
  ];
  for (const [name, script, unified] of ends) {
    await observe(name, async () => {
      const container = await pod.start(script, limited({ ...little, unified: { ...unified } }));
      const end = await container.end();
      await container.remove();
      return end;
    });
  }
}

/** Whether a node for the host's disk is of any use. */
export async function observeDevices(pod: CriPod): Promise<void> {
  const disk = readFileSync("/sys/class/block/nvme0n1/dev", "utf8").trim().replace(":", " ");
  const script = [
    `mknod /tmp/disk b ${disk} && echo made`,
    "head -c 512 /tmp/disk | wc -c",
    "grep CapEff /proc/self/status",
    "head -c 8 /dev/zero | wc -c",
  ].join("; ");
  await observe("host disk, ordinary", () => pod.answer(script));
  const named = { containerPath: "/dev/mine", hostPath: "/dev/nvme0n1", permissions: "r" };
  await observe("host disk, named for reading", () =>
    pod.answer("head -c 512 /dev/mine | wc -c; : >/dev/mine", { devices: [named] }),
  );
}

const tracing = "/sys/kernel/tracing";

/** Who writes to cgroup.kill while `work` runs, by a probe on the kernel's function for it. */
async function writersOfCgroupKill(work: () => Promise<unknown>): Promise<readonly string[]> {
  writeFileSync(join(tracing, "kprobe_events"), "p:cgroupkill cgroup_kill_write");
  const enable = join(tracing, "events/kprobes/cgroupkill/enable");
  writeFileSync(enable, "1");
  await work();
  const lines = readFileSync(join(tracing, "trace"), "utf8").split("\n");
  writeFileSync(enable, "0");
  writeFileSync(join(tracing, "kprobe_events"), "");
  const writers = lines.map((line) => /^\s*(\S+)-\d+\s.*cgroupkill:/.exec(line)?.[1]);
  return [...new Set(writers.filter((name) => name !== undefined))];
}

/** Stops a container whose processes share the pod's pid namespace, so that no namespace takes them along. */
export async function observeStop(pod: CriPod): Promise<void> {
  await observe("stop", async () => {
    const container = await pod.start(
      "trap '' TERM; for i in 1 2 3 4 5; do setsid sleep 1000 & done; while :; do sleep 1; done",
    );
    const sleepers = () => container.processes().filter((command) => command === "sleep 1000");
    const until = performance.now() + 10_000;
    while (sleepers().length < 5 && performance.now() < until) await delay(20);
    const before = sleepers().length;
    let after: readonly string[] = [];
    const writers = await writersOfCgroupKill(async () => {
      await container.stop(1);
      after = container.processes();
    });
    const end = await container.end();
    await container.remove();
    return { before, after, writers, exitCode: end.exitCode };
  });
}
