import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { writeBusyboxImage } from "../../../../test/harness/busybox-image.ts";
import { createRequest, hostNetworkPod, podConfig } from "../../../../test/harness/cri-requests.ts";
import { LinuxEngine, removeLink } from "../../../../test/harness/linux-engine.ts";
import { ownResidue } from "../../../../test/harness/own-residue.ts";
import type { ContainerConfig, PodSandboxConfig } from "../api/index.ts";

const bridge = "vtrec0";
let node: LinuxEngine;
let clean: readonly string[];
let serial = 0;

const residue = (): readonly string[] =>
  ownResidue(node.directory, node.options.cgroupParentDefault);

beforeAll(async () => {
  node = await LinuxEngine.start();
  node.writeBridgeConfig(bridge, 13);
  const archive = join(node.directory, "busybox.tar");
  writeBusyboxImage(archive, { reference: "vitrine.test/busybox:1" });
  await node.engine.loadImage(node.context, { path: archive });
  clean = residue();
});

afterEach(async () => {
  const { engine, context } = node;
  for (const { id } of (await engine.listPodSandbox(context, {})).items) {
    await engine.stopPodSandbox(context, { podSandboxId: id });
    await engine.removePodSandbox(context, { podSandboxId: id });
  }
  expect(residue()).toEqual(clean);
});

afterAll(async () => {
  await node.end();
  removeLink(bridge);
});

async function run(
  config: PodSandboxConfig,
  changed: Partial<ContainerConfig> = {},
): Promise<{ readonly podSandboxId: string; readonly containerId: string }> {
  const { engine, context } = node;
  const { podSandboxId } = await engine.runPodSandbox(context, { config, runtimeHandler: "" });
  const request = createRequest(podSandboxId, config, changed);
  const { containerId } = await engine.createContainer(context, request);
  await engine.startContainer(context, { containerId });
  return { podSandboxId, containerId };
}

async function containerStatus(containerId: string): Promise<unknown> {
  const { engine, context } = node;
  return (await engine.containerStatus(context, { containerId, verbose: false })).status;
}

async function podState(podSandboxId: string): Promise<unknown> {
  const { engine, context } = node;
  return (await engine.podSandboxStatus(context, { podSandboxId, verbose: false })).status?.state;
}

describe("a new daemon", () => {
  it("finds containers running on, logging on, with their address", async () => {
    const { context } = node;
    serial += 1;
    const config = podConfig({ logDirectory: join(node.directory, "logs") });
    const { podSandboxId, containerId } = await run(config, {
      command: ["sh", "-c", "while :; do echo tick; sleep 0.05; done"],
      logPath: `c${serial}.log`,
    });
    const before = await containerStatus(containerId);
    const { status: podBefore } = await node.engine.podSandboxStatus(context, {
      podSandboxId,
      verbose: false,
    });
    const log = join(node.directory, `logs/c${serial}.log`);
    node.leave();
    const linesBefore = readFileSync(log, "utf8").split("\n").length;
    execFileSync("sleep", ["0.3"]);
    expect(readFileSync(log, "utf8").split("\n").length).toBeGreaterThan(linesBefore + 2);
    await node.restart();
    expect(await containerStatus(containerId)).toEqual(before);
    const { status: podAfter } = await node.engine.podSandboxStatus(context, {
      podSandboxId,
      verbose: false,
    });
    expect(podAfter).toEqual(podBefore);
    expect(podAfter?.network?.ip).toMatch(/^10\.231\.13\./);
    const exec = await node.engine.execSync(context, { containerId, cmd: ["true"], timeout: 5 });
    expect(exec.exitCode).toBe(0);
  });

  it("knows the exit codes of the time when there was no daemon", async () => {
    const { containerId } = await run(hostNetworkPod(), {
      command: ["sh", "-c", "sleep 0.2; exit 42"],
    });
    node.leave();
    execFileSync("sleep", ["0.5"]);
    await node.restart();
    expect(await containerStatus(containerId)).toMatchObject({
      state: "CONTAINER_EXITED",
      exitCode: 42,
      reason: "Error",
    });
  });

  it("hears of an exit after its start", async () => {
    const { containerId } = await run(hostNetworkPod(), {
      command: ["sh", "-c", "sleep 1; exit 43"],
    });
    node.leave();
    await node.restart();
    expect(await containerStatus(containerId)).toMatchObject({ state: "CONTAINER_RUNNING" });
    await expect
      .poll(() => containerStatus(containerId), { timeout: 5000 })
      .toMatchObject({ state: "CONTAINER_EXITED", exitCode: 43 });
  });

  it("kills what a shim left that died meanwhile, and tells", async () => {
    const { podSandboxId, containerId } = await run(hostNetworkPod());
    const { pid } = await node.engine.parts.shims.need(podSandboxId);
    node.leave();
    process.kill(pid, "SIGKILL");
    await node.restart();
    expect(await podState(podSandboxId)).toBe("SANDBOX_NOTREADY");
    expect(await containerStatus(containerId)).toMatchObject({
      state: "CONTAINER_EXITED",
      exitCode: 255,
      reason: "ShimDied",
    });
    expect(residue().filter((line) => line.startsWith("process"))).toEqual([]);
  });

  it("is not kept from starting by a shim that does not answer", async () => {
    const hung = await run(hostNetworkPod());
    const fine = await run(hostNetworkPod());
    const { pid } = await node.engine.parts.shims.need(hung.podSandboxId);
    node.leave();
    process.kill(pid, "SIGSTOP");
    try {
      const began = process.hrtime.bigint();
      await node.restart({ recoveryItemMs: 1000 });
      expect(Number(process.hrtime.bigint() - began) / 1e6).toBeLessThan(8000);
      expect(await podState(fine.podSandboxId)).toBe("SANDBOX_READY");
      expect(await containerStatus(fine.containerId)).toMatchObject({ state: "CONTAINER_RUNNING" });
      expect(await podState(hung.podSandboxId)).toBe("SANDBOX_NOTREADY");
      const { status } = await node.engine.status(node.context, { verbose: false });
      const ready = status?.conditions.find(({ type }) => type === "RuntimeReady");
      expect(ready?.status).toBe(true);
      expect(ready?.message).toContain(hung.podSandboxId);
      await node.engine.stopPodSandbox(node.context, { podSandboxId: hung.podSandboxId });
      await node.engine.removePodSandbox(node.context, { podSandboxId: hung.podSandboxId });
      expect(existsSync(`/proc/${pid}`)).toBe(false);
    } finally {
      if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGCONT");
    }
  });

  it("treats a restarted machine as one where nothing lives any more", async () => {
    const { podSandboxId, containerId } = await run(podConfig());
    const { records } = node.engine.parts.world;
    // What a reboot does: every process is gone, and the boot id is another.
    const { pid } = await node.engine.parts.shims.need(podSandboxId);
    const pausePid = node.engine.parts.pods.need(podSandboxId).pid;
    const initPid = node.engine.parts.containers.need(containerId).pid;
    records.put("pod", podSandboxId, {
      ...records.get<object>("pod", podSandboxId),
      bootId: "another-boot",
    });
    node.leave();
    for (const one of [pid, initPid, pausePid]) process.kill(one, "SIGKILL");
    await node.restart();
    expect(await podState(podSandboxId)).toBe("SANDBOX_NOTREADY");
    expect(await containerStatus(containerId)).toMatchObject({
      state: "CONTAINER_EXITED",
      exitCode: 255,
      reason: "Unknown",
      message: expect.stringContaining("restarted"),
    });
  });

  it("sets a broken record aside and removes what belonged to it", async () => {
    const { podSandboxId } = await run(podConfig());
    node.engine.parts.world.records.put("pod", podSandboxId, { version: 1, id: podSandboxId });
    node.leave();
    await node.restart();
    const { engine, context } = node;
    expect((await engine.listPodSandbox(context, {})).items).toEqual([]);
    expect(engine.parts.recovery.problems.join()).toContain(podSandboxId);
    for (const { id } of (await engine.listContainers(context, {})).containers) {
      expect(await containerStatus(id)).toMatchObject({ state: "CONTAINER_EXITED", exitCode: 255 });
      await engine.removeContainer(context, { containerId: id });
    }
    expect(residue()).toEqual(clean);
  });

  it("starts over records that are no database any more, and removes what is left on the machine", async () => {
    await run(podConfig());
    node.leave();
    for (const suffix of ["-wal", "-shm"]) {
      const path = join(node.options.rootDirectory, `records.db${suffix}`);
      if (existsSync(path)) rmSync(path);
    }
    writeFileSync(join(node.options.rootDirectory, "records.db"), "this is no database");
    await node.restart();
    expect(residue()).toEqual(clean);
    const archive = join(node.directory, "busybox.tar");
    await node.engine.loadImage(node.context, { path: archive });
    await run(podConfig());
  });
});
