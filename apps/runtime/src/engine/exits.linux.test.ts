import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeBusyboxImage } from "../../../../test/harness/busybox-image.ts";
import {
  containerSecurity,
  createRequest,
  hostNetworkPod,
  namespaceOptions,
} from "../../../../test/harness/cri-requests.ts";
import { LinuxEngine } from "../../../../test/harness/linux-engine.ts";
import { ownResidue } from "../../../../test/harness/own-residue.ts";
import type { ContainerConfig, ContainerStatus, PodSandboxConfig } from "../api/index.ts";

let node: LinuxEngine;
let pod: PodSandboxConfig;
let podSandboxId: string;

beforeAll(async () => {
  node = await LinuxEngine.start();
  const archive = join(node.directory, "busybox.tar");
  writeBusyboxImage(archive, {
    reference: "vitrine.test/busybox:1",
    config: { StopSignal: "SIGUSR1" },
  });
  await node.engine.loadImage(node.context, { path: archive });
  pod = hostNetworkPod({ logDirectory: join(node.directory, "logs") });
  const request = { config: pod, runtimeHandler: "" };
  podSandboxId = (await node.engine.runPodSandbox(node.context, request)).podSandboxId;
});

afterAll(async () => {
  await node.end();
});

let serial = 0;

async function start(changed: Partial<ContainerConfig>): Promise<string> {
  const { engine, context } = node;
  serial += 1;
  const metadata = { name: `c${serial}`, attempt: 0 };
  const request = createRequest(podSandboxId, pod, { metadata, ...changed });
  const { containerId } = await engine.createContainer(context, request);
  await engine.startContainer(context, { containerId });
  return containerId;
}

/** Starts a shell with `trap`, and returns when it is set: a signal that comes earlier would be ignored by PID 1. */
async function startTrapping(trap: string, changed: Partial<ContainerConfig>): Promise<string> {
  const script = `${trap}; touch /tmp/ready; while :; do sleep 0.05; done`;
  const containerId = await start({ command: ["sh", "-c", script], ...changed });
  const cmd = ["test", "-e", "/tmp/ready"];
  await expect
    .poll(
      async () =>
        (await node.engine.execSync(node.context, { containerId, cmd, timeout: 5 })).exitCode,
    )
    .toBe(0);
  return containerId;
}

async function statusOf(containerId: string): Promise<ContainerStatus> {
  const { status } = await node.engine.containerStatus(node.context, {
    containerId,
    verbose: false,
  });
  if (status === undefined) throw new Error("no status");
  return status;
}

async function exited(containerId: string): Promise<ContainerStatus> {
  await expect
    .poll(async () => (await statusOf(containerId)).state, { timeout: 10_000, interval: 20 })
    .toBe("CONTAINER_EXITED");
  return statusOf(containerId);
}

async function remove(containerId: string): Promise<void> {
  await node.engine.removeContainer(node.context, { containerId });
}

describe("the end of a container", () => {
  it.each([
    [0, "Completed"],
    [7, "Error"],
  ])("with exit code %i is %s", async (exitCode, reason) => {
    const id = await start({ command: ["sh", "-c", `exit ${exitCode}`] });
    const status = await exited(id);
    expect(status).toMatchObject({ exitCode, reason });
    expect(status.startedAt).toBeGreaterThan(0);
    expect(status.finishedAt).toBeGreaterThanOrEqual(status.startedAt);
    await remove(id);
  });

  it("is 137 OOMKilled when it used more memory than it may", async () => {
    const id = await start({
      command: ["sh", "-c", "dd if=/dev/zero of=/dev/null bs=64M count=1"],
      linux: {
        securityContext: containerSecurity,
        resources: {
          cpuPeriod: 0,
          cpuQuota: 0,
          cpuShares: 0,
          memoryLimitInBytes: 15 << 20,
          oomScoreAdj: 0,
          cpusetCpus: "",
          cpusetMems: "",
          hugepageLimits: [],
          unified: {},
          memorySwapLimitInBytes: 15 << 20,
        },
      },
    });
    expect(await exited(id)).toMatchObject({ exitCode: 137, reason: "OOMKilled" });
    await remove(id);
  });

  it("comes by the image's stop signal within the grace period", async () => {
    const id = await startTrapping("trap 'exit 5' USR1", {});
    expect((await statusOf(id)).stopSignal).toBe("SIGNAL_SIGUSR1");
    await node.engine.stopContainer(node.context, { containerId: id, timeout: 10 });
    expect(await statusOf(id)).toMatchObject({ state: "CONTAINER_EXITED", exitCode: 5 });
    await node.engine.stopContainer(node.context, { containerId: id, timeout: 10 });
    await remove(id);
  });

  it("comes by the config's stop signal rather than the image's", async () => {
    const id = await startTrapping("trap 'exit 6' INT", { stopSignal: "SIGNAL_SIGINT" });
    await node.engine.stopContainer(node.context, { containerId: id, timeout: 10 });
    expect(await statusOf(id)).toMatchObject({ exitCode: 6, stopSignal: "SIGNAL_SIGINT" });
    await remove(id);
  });

  it("comes by SIGKILL when the grace period is over, sooner if a second call asks for it", async () => {
    const id = await startTrapping("trap '' USR1", {});
    const patient = node.engine.stopContainer(node.context, { containerId: id, timeout: 60 });
    const began = process.hrtime.bigint();
    await node.engine.stopContainer(node.context, { containerId: id, timeout: 1 });
    const tookMs = Number(process.hrtime.bigint() - began) / 1e6;
    expect(tookMs).toBeGreaterThan(900);
    expect(tookMs).toBeLessThan(5000);
    await patient;
    expect(await statusOf(id)).toMatchObject({ exitCode: 137, reason: "Error" });
    await remove(id);
  });

  it("takes its whole process tree along when the pid namespace is shared", async () => {
    const { engine, context } = node;
    const config = hostNetworkPod();
    const shared = { ...namespaceOptions, network: "NODE", pid: "POD" } as const;
    const made = await engine.runPodSandbox(context, { config, runtimeHandler: "" });
    const { containerId } = await engine.createContainer(
      context,
      createRequest(made.podSandboxId, config, {
        command: ["sh", "-c", "sleep 4321 & exec sleep 0.2"],
        linux: { securityContext: { ...containerSecurity, namespaceOptions: shared } },
      }),
    );
    await engine.startContainer(context, { containerId });
    await exited(containerId);
    await expect
      .poll(
        () =>
          ownResidue(node.directory, node.options.cgroupParentDefault).filter((line) =>
            line.includes("sleep 4321"),
          ),
        { timeout: 5000 },
      )
      .toEqual([]);
    await engine.removePodSandbox(context, made);
  });

  it("of the pause container makes the pod NOTREADY, and it can be stopped and removed", async () => {
    const { engine, context } = node;
    const config = hostNetworkPod();
    const made = await engine.runPodSandbox(context, { config, runtimeHandler: "" });
    const { containerId } = await engine.createContainer(
      context,
      createRequest(made.podSandboxId, config),
    );
    await engine.startContainer(context, { containerId });
    process.kill(node.engine.parts.pods.need(made.podSandboxId).pid, "SIGKILL");
    await expect
      .poll(
        async () =>
          (await engine.podSandboxStatus(context, { ...made, verbose: false })).status?.state,
      )
      .toBe("SANDBOX_NOTREADY");
    await engine.stopPodSandbox(context, made);
    expect(await statusOf(containerId)).toMatchObject({ state: "CONTAINER_EXITED", exitCode: 137 });
    await engine.removePodSandbox(context, made);
  });

  it("of the shim kills what it held: 255 ShimDied, pod NOTREADY, nothing left after removal", async () => {
    const { engine, context } = node;
    const before = ownResidue(node.directory, node.options.cgroupParentDefault);
    const config = hostNetworkPod();
    const made = await engine.runPodSandbox(context, { config, runtimeHandler: "" });
    const { containerId } = await engine.createContainer(
      context,
      createRequest(made.podSandboxId, config),
    );
    await engine.startContainer(context, { containerId });
    process.kill((await engine.parts.shims.need(made.podSandboxId)).pid, "SIGKILL");
    expect(await exited(containerId)).toMatchObject({ exitCode: 255, reason: "ShimDied" });
    const { status } = await engine.podSandboxStatus(context, { ...made, verbose: false });
    expect(status?.state).toBe("SANDBOX_NOTREADY");
    await engine.stopPodSandbox(context, made);
    await engine.removePodSandbox(context, made);
    expect(ownResidue(node.directory, node.options.cgroupParentDefault)).toEqual(before);
  });

  it("of an init that waits to be started makes starting it fail", async () => {
    const { engine, context } = node;
    const { containerId } = await engine.createContainer(context, createRequest(podSandboxId, pod));
    process.kill(engine.parts.containers.need(containerId).pid, "SIGKILL");
    await exited(containerId);
    await expect(engine.startContainer(context, { containerId })).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
    });
    await remove(containerId);
  });
});

describe("exec", () => {
  it("kills a command that takes too long, and says so", async () => {
    const id = await start({});
    const exec = node.engine.execSync(node.context, {
      containerId: id,
      cmd: ["sleep", "777"],
      timeout: 1,
    });
    await expect(exec).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    const left = ownResidue(node.directory, node.options.cgroupParentDefault);
    expect(left.filter((line) => line.includes("sleep 777"))).toEqual([]);
    await remove(id);
  });

  it("says which command is not there", async () => {
    const id = await start({});
    const exec = node.engine.execSync(node.context, {
      containerId: id,
      cmd: ["nosuch"],
      timeout: 1,
    });
    await expect(exec).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: 'exec: exec "nosuch": command not found',
    });
    await remove(id);
  });
});
