/** What is changed of a container while it is there: its limits, and the file its log goes to. */
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limited, noLimits, PodBench } from "../../../../test/harness/pod-bench.ts";
import type { LinuxContainerResources } from "../api/index.ts";

let bench: PodBench;

beforeAll(async () => {
  bench = await PodBench.open();
});

afterAll(async () => {
  await bench.close();
});

function update(containerId: string, linux: Partial<LinuxContainerResources>): Promise<object> {
  return bench.node.engine.updateContainerResources(bench.node.context, {
    containerId,
    linux: { ...noLimits, ...linux },
    annotations: {},
  });
}

/** The limits of a container as the kernel has them. */
async function limits(containerId: string): Promise<Readonly<Record<string, string>>> {
  const files = [
    "cpu.shares",
    "cpu.cfs_period_us",
    "cpu.cfs_quota_us",
    "memory.limit_in_bytes",
    "cpuset.cpus",
  ];
  const values = await Promise.all(files.map((file) => bench.cgroupFile(containerId, file)));
  return Object.fromEntries(files.map((file, index) => [file, values[index] ?? ""]));
}

const megabytes = 1 << 20;
const first = {
  cpuShares: 512,
  cpuPeriod: 50_000,
  cpuQuota: 25_000,
  memoryLimitInBytes: 64 * megabytes,
};

describe("UpdateContainerResources", () => {
  it("changes what is given, in the kernel and in the status, and leaves the rest", async () => {
    const containerId = await bench.start(limited(first));
    await update(containerId, { cpuQuota: 40_000, memoryLimitInBytes: 96 * megabytes });
    expect(await limits(containerId)).toMatchObject({
      "cpu.shares": "512",
      "cpu.cfs_period_us": "50000",
      "cpu.cfs_quota_us": "40000",
      "memory.limit_in_bytes": String(96 * megabytes),
    });
    expect((await bench.status(containerId)).resources?.linux).toMatchObject({
      ...first,
      cpuQuota: 40_000,
      memoryLimitInBytes: 96 * megabytes,
    });
    await update(containerId, { cpuPeriod: 100_000, cpuQuota: 20_000, cpusetCpus: "0" });
    expect(await limits(containerId)).toMatchObject({
      "cpu.cfs_period_us": "100000",
      "cpu.cfs_quota_us": "20000",
      "cpuset.cpus": "0",
    });
    await update(containerId, { cpuQuota: -1, memoryLimitInBytes: 32 * megabytes });
    expect(await limits(containerId)).toMatchObject({
      "cpu.cfs_quota_us": "-1",
      "memory.limit_in_bytes": String(32 * megabytes),
    });
    await bench.remove(containerId);
  });

  it("works before the container is started, and outlives the daemon", async () => {
    const containerId = await bench.create(limited(first));
    await update(containerId, { cpuShares: 256 });
    bench.node.leave();
    await bench.node.restart();
    expect(await limits(containerId)).toMatchObject({ "cpu.shares": "256" });
    expect((await bench.status(containerId)).resources?.linux?.cpuShares).toBe(256);
    await bench.remove(containerId);
  });

  it.each<[string, Partial<LinuxContainerResources>, RegExp]>([
    ["a negative memory limit", { memoryLimitInBytes: -2 }, /memory_limit_in_bytes/],
    ["a period that is none", { cpuPeriod: -1 }, /cpu_period/],
    ["a quota below a millisecond", { cpuQuota: 10 }, /cpu.cfs_quota_us/],
    ["a period beyond a second", { cpuPeriod: 5_000_000 }, /cpu.cfs_period_us/],
    ["a list of CPUs that is none", { cpusetCpus: "one" }, /0-3,7/],
    ["CPUs that the machine has not got", { cpusetCpus: "4000" }, /cpuset.cpus/],
    ["memory nodes that the machine has not got", { cpusetMems: "900" }, /cpuset.mems/],
    ["a file of v2 on a host of v1", { unified: { "memory.high": "1" } }, /memory.high/],
  ])("refuses %s, and all limits stay what they were", async (_what, wrong, words) => {
    const containerId = await bench.start(limited(first));
    const before = await limits(containerId);
    const status = (await bench.status(containerId)).resources;
    // What comes first in the Plan would succeed; it is taken back.
    await expect(update(containerId, { cpuShares: 700, ...wrong })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(words),
    });
    expect(await limits(containerId)).toEqual(before);
    expect((await bench.status(containerId)).resources).toEqual(status);
    await bench.remove(containerId);
  });

  it("does not take memory away that is in use", async () => {
    const containerId = await bench.start(limited(first));
    await bench.ask(containerId, "dd if=/dev/zero of=/dev/shm/x bs=1M count=20 2>/dev/null");
    await expect(update(containerId, { memoryLimitInBytes: 4 * megabytes })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/memory.limit_in_bytes: more than that is in use/),
    });
    expect(await limits(containerId)).toMatchObject({
      "memory.limit_in_bytes": String(64 * megabytes),
    });
    expect((await bench.status(containerId)).state).toBe("CONTAINER_RUNNING");
    await bench.remove(containerId);
  });

  it("is refused for a container that has exited", async () => {
    const containerId = await bench.start(limited(first));
    const { engine, context } = bench.node;
    await engine.stopContainer(context, { containerId, timeout: 0 });
    await expect(update(containerId, { cpuShares: 300 })).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: expect.stringMatching(/exited/),
    });
    await bench.remove(containerId);
  });
});

describe("ReopenContainerLog", () => {
  const ticking = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"];
  const numbersIn = (path: string) =>
    existsSync(path)
      ? [...readFileSync(path, "utf8").matchAll(/ stdout F (\d+)\n/g)].map((match) =>
          Number(match[1]),
        )
      : [];

  it("goes on in a new file where the old one was renamed away, without losing a line", async () => {
    const { engine, context } = bench.node;
    const containerId = await bench.start({ command: ticking, logPath: "tick/0.log" });
    const { logPath } = await bench.status(containerId);
    const rotated = `${logPath}.20260101-000000`;
    await expect.poll(() => numbersIn(logPath).length).toBeGreaterThan(3);
    renameSync(logPath, rotated);
    await expect.poll(() => numbersIn(rotated).length).toBeGreaterThan(6);
    expect(existsSync(logPath)).toBe(false);
    await engine.reopenContainerLog(context, { containerId });
    await expect.poll(() => numbersIn(logPath).length).toBeGreaterThan(3);
    await engine.stopContainer(context, { containerId, timeout: 0 });
    const all = [...numbersIn(rotated), ...numbersIn(logPath)];
    expect(all).toEqual(all.map((_, index) => index + 1));
    await bench.remove(containerId);
  });

  it("is refused for one that does not run, and makes no file", async () => {
    const { engine, context } = bench.node;
    const containerId = await bench.start({ logPath: "still/0.log" });
    const { logPath } = await bench.status(containerId);
    await engine.stopContainer(context, { containerId, timeout: 0 });
    renameSync(logPath, `${logPath}.old`);
    await expect(engine.reopenContainerLog(context, { containerId })).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
    });
    expect(existsSync(logPath)).toBe(false);
    await bench.remove(containerId);
  });

  it("says when the file cannot be made, and the container writes on", async () => {
    const { engine, context } = bench.node;
    const containerId = await bench.start({ command: ticking, logPath: "gone/0.log" });
    const { logPath } = await bench.status(containerId);
    renameSync(logPath, `${logPath}.old`);
    mkdirSync(logPath);
    await expect(engine.reopenContainerLog(context, { containerId })).rejects.toMatchObject({
      message: expect.stringMatching(/0\.log/),
    });
    const lines = numbersIn(`${logPath}.old`).length;
    await expect.poll(() => numbersIn(`${logPath}.old`).length).toBeGreaterThan(lines + 3);
    await bench.remove(containerId);
  });
});
