import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeBusyboxImage } from "../../../../test/harness/busybox-image.ts";
import { createRequest, podConfig } from "../../../../test/harness/cri-requests.ts";
import { LinuxEngine, removeLink } from "../../../../test/harness/linux-engine.ts";
import { ownResidue } from "../../../../test/harness/own-residue.ts";

const bridge = "vteng0";
let node: LinuxEngine;

beforeAll(async () => {
  node = await LinuxEngine.start();
  node.writeBridgeConfig(bridge, 11);
  const archive = join(node.directory, "busybox.tar");
  writeBusyboxImage(archive, { reference: "vitrine.test/busybox:1" });
  await node.engine.loadImage(node.context, { path: archive });
});

afterAll(async () => {
  await node.end();
  removeLink(bridge);
  expect(ownResidue(node.directory, node.options.cgroupParentDefault)).toEqual([]);
});

describe("a pod on the real kernel", () => {
  it("is run, looked at, used, stopped and removed, and leaves nothing", async () => {
    const { engine, context } = node;
    const before = ownResidue(node.directory, node.options.cgroupParentDefault);
    const config = podConfig({ logDirectory: join(node.directory, "logs") });
    const { podSandboxId } = await engine.runPodSandbox(context, { config, runtimeHandler: "" });
    const pod = await engine.podSandboxStatus(context, { podSandboxId, verbose: true });
    expect(pod.status).toMatchObject({
      id: podSandboxId,
      metadata: config.metadata,
      state: "SANDBOX_READY",
      labels: config.labels,
      annotations: config.annotations,
      network: { ip: expect.stringMatching(/^10\.231\.11\.\d+$/) },
    });
    const request = createRequest(podSandboxId, config, { logPath: "main/0.log" });
    const { containerId } = await engine.createContainer(context, request);
    expect(
      (await engine.containerStatus(context, { containerId, verbose: false })).status,
    ).toMatchObject({ state: "CONTAINER_CREATED", startedAt: 0, exitCode: 0 });
    await engine.startContainer(context, { containerId });
    const running = await engine.containerStatus(context, { containerId, verbose: true });
    const logPath = join(node.directory, "logs/main/0.log");
    expect(running.status).toMatchObject({
      state: "CONTAINER_RUNNING",
      image: request.config?.image,
      logPath,
      reason: "",
      stopSignal: "SIGNAL_SIGTERM",
      user: { linux: { uid: 0, gid: 0 } },
    });
    expect(running.status?.imageRef).toMatch(/^sha256:[0-9a-f]{64}$/);
    const exec = await engine.execSync(context, {
      containerId,
      cmd: ["sh", "-c", "hostname; cat /proc/1/comm; exit 3"],
      timeout: 5,
    });
    expect(new TextDecoder().decode(exec.stdout)).toBe(`${config.hostname}\nsleep\n`);
    expect(exec.exitCode).toBe(3);
    expect(readFileSync(logPath, "utf8")).toMatch(/^\S+ stdout F hello\n$/);
    await engine.stopContainer(context, { containerId, timeout: 0 });
    const stopped = await engine.containerStatus(context, { containerId, verbose: false });
    expect(stopped.status).toMatchObject({
      state: "CONTAINER_EXITED",
      exitCode: 137,
      reason: "Error",
    });
    await engine.removeContainer(context, { containerId });
    await engine.stopPodSandbox(context, { podSandboxId });
    await engine.removePodSandbox(context, { podSandboxId });
    expect(ownResidue(node.directory, node.options.cgroupParentDefault)).toEqual(before);
  });
});
