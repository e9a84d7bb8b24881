/**
 * Full disks: the daemon's root on a small tmpfs, and a log directory on another. What does not fit is
 * refused as RESOURCE_EXHAUSTED and leaves no byte; what frees space still works; a container never waits for its log.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  noise,
  type SampleImage,
  sampleImage,
} from "../../apps/runtime/src/images/fixtures/sample-image.ts";
import { ScriptedRegistry } from "../../apps/runtime/src/images/fixtures/scripted-registry.ts";
import { CriBed, everyTestLeavesNothing, refusal, refused } from "../harness/cri-bed.ts";
import { createRequest, hostNetworkPod, podConfig } from "../harness/cri-requests.ts";

const mebi = 1 << 20;

let bed: CriBed;
let registry: ScriptedRegistry;

function root(): string {
  return join(bed.directory, "root");
}

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** Takes what is free but for `left` bytes. */
function fill(directory: string, left = 0): void {
  const count = Math.floor((freeBytes(directory) - left) / 4096);
  writeFileSync(join(directory, "filler"), Buffer.alloc(count * 4096, 1));
}

function makeRoom(directory: string): void {
  rmSync(join(directory, "filler"), { force: true });
}

beforeAll(async () => {
  bed = await CriBed.start();
  registry = await ScriptedRegistry.start();
  // What the first daemon has written moves to a small disk, on which the second finds it.
  await bed.restart((config) => {
    const aside = join(bed.directory, "aside");
    cpSync(root(), aside, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m,mode=700", "tmpfs", root()]);
    cpSync(aside, root(), { recursive: true });
    rmSync(aside, { recursive: true });
    return config;
  });
  await bed.loadBusybox();
});

afterAll(async () => {
  await registry.stop();
  await bed.daemon.kill("SIGTERM");
  execFileSync("umount", [root()]);
  await bed.end();
});

everyTestLeavesNothing(() => bed);

afterEach(() => makeRoom(root()));

function serve(image: SampleImage): string {
  registry.add("lib/large", "1", image);
  return `${registry.host}/lib/large:1`;
}

describe("PullImage on a disk that is too small", () => {
  let before: number;

  beforeEach(() => {
    before = freeBytes(root());
  });

  test("for the blob: RESOURCE_EXHAUSTED, and not a byte stays", async () => {
    const data = noise(64 * mebi, 7);
    const reference = serve(sampleImage([{ files: [{ name: "large", data }], form: "plain" }]));
    const call = bed.client.pullImage(bed.context, { image: { image: reference } });
    expect(await refusal(call)).toEqual(
      refused("RESOURCE_EXHAUSTED", /no space left on the disk while storing a blob/),
    );
    expect(before - freeBytes(root())).toBeLessThan(mebi / 4);
  });

  test("for what the blob unpacks to: RESOURCE_EXHAUSTED, and not a byte stays", async () => {
    const small = { name: "small", data: noise(mebi, 3) };
    const large = { name: "large", data: new Uint8Array(64 * mebi).fill(1) };
    const image = sampleImage([{ files: [small] }, { files: [large] }]);
    const call = bed.client.pullImage(bed.context, { image: { image: serve(image) } });
    expect(await refusal(call)).toEqual(
      refused("RESOURCE_EXHAUSTED", /no space left.*unpack|unpack.*no space left/),
    );
    expect(before - freeBytes(root())).toBeLessThan(mebi / 4);
  });

  test("for its many files: RESOURCE_EXHAUSTED, and not an inode stays", async () => {
    const files = Array.from({ length: 14_000 }, (_, index) => ({
      name: `d${index % 100}/f${index}`,
      data: Uint8Array.of(1),
    }));
    const call = bed.client.pullImage(bed.context, {
      image: { image: serve(sampleImage([{ files }])) },
    });
    expect((await refusal(call)).code).toBe("RESOURCE_EXHAUSTED");
    expect(before - freeBytes(root())).toBeLessThan(mebi / 4);
  });

  test("and again when there is room: it succeeds", async () => {
    const image = sampleImage([
      { files: [{ name: "large", data: noise(4 * mebi, 9) }], form: "plain" },
    ]);
    const spec = { image: { image: serve(image) } };
    fill(root(), 5 * mebi);
    expect((await refusal(bed.client.pullImage(bed.context, spec))).code).toBe(
      "RESOURCE_EXHAUSTED",
    );
    makeRoom(root());
    const { imageRef } = await bed.client.pullImage(bed.context, spec);
    await bed.client.removeImage(bed.context, { image: { image: imageRef } });
  });
});

describe("on a disk without a free byte", () => {
  test("no pod, no container, no image: RESOURCE_EXHAUSTED each, in words", async () => {
    const config = hostNetworkPod();
    const made = await bed.client.runPodSandbox(bed.context, { config });
    fill(root());
    for (const call of [
      () => bed.client.runPodSandbox(bed.context, { config: hostNetworkPod() }),
      () => bed.client.runPodSandbox(bed.context, { config: podConfig() }),
      () => bed.client.createContainer(bed.context, createRequest(made.podSandboxId, config)),
      () =>
        bed.client.pullImage(bed.context, {
          image: {
            image: serve(sampleImage([{ files: [{ name: "x", data: noise(100_000, 5) }] }])),
          },
        }),
    ]) {
      expect(await refusal(call())).toEqual(refused("RESOURCE_EXHAUSTED", /space|full/i));
    }
    const { status } = await bed.client.podSandboxStatus(bed.context, made);
    expect(status?.state).toBe("SANDBOX_READY");
    makeRoom(root());
    await bed.client.removePodSandbox(bed.context, made);
  });

  test("what runs can be looked at, stopped and removed: it is how room is made", async () => {
    const { client, context } = bed;
    const config = podConfig();
    const made = await client.runPodSandbox(context, { config });
    const request = createRequest(made.podSandboxId, config);
    const { containerId } = await client.createContainer(context, request);
    await client.startContainer(context, { containerId });
    fill(root());
    const exec = await client.execSync(context, { containerId, cmd: ["echo", "here"], timeout: 5 });
    expect(new TextDecoder().decode(exec.stdout)).toBe("here\n");
    await client.stopContainer(context, { containerId, timeout: 0 });
    const { status } = await client.containerStatus(context, { containerId });
    expect(status).toMatchObject({ state: "CONTAINER_EXITED", exitCode: 137 });
    await client.removeContainer(context, { containerId });
    await client.stopPodSandbox(context, made);
    await client.removePodSandbox(context, made);
  });

  test("an image can be removed", async () => {
    const image = sampleImage([
      { files: [{ name: "some", data: noise(mebi, 11) }], form: "plain" },
    ]);
    const { imageRef } = await bed.client.pullImage(bed.context, {
      image: { image: serve(image) },
    });
    fill(root());
    await bed.client.removeImage(bed.context, { image: { image: imageRef } });
    expect(freeBytes(root())).toBeGreaterThan(mebi);
  });

  test("a new daemon starts and has lost nothing", async () => {
    const config = hostNetworkPod();
    const made = await bed.client.runPodSandbox(bed.context, { config });
    fill(root());
    await bed.daemon.kill("SIGKILL");
    await bed.daemon.startAgain();
    const { status } = await bed.client.podSandboxStatus(bed.context, made);
    expect(status?.state).toBe("SANDBOX_READY");
    const { images } = await bed.client.listImages(bed.context, {});
    expect(images.length).toBeGreaterThanOrEqual(3);
    expect(readdirSync(root()).filter((name) => name.includes("corrupt"))).toEqual([]);
    await bed.client.removePodSandbox(bed.context, made);
  });
});

describe("a log on a full disk", () => {
  test("holds up no container: it writes on, ends as it ends, and its log resumes with whole lines", async () => {
    const { client, context } = bed;
    const logs = join(bed.directory, "small-logs");
    mkdirSync(logs);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", logs]);
    const config = hostNetworkPod({ logDirectory: logs });
    const made = await client.runPodSandbox(context, { config });
    const script = `i=0; while [ $i -lt 20000 ]; do echo "line $i of a container that talks much"; i=$((i+1)); done
      touch /tmp/through; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo "after the flood"; exit 7`;
    const { containerId } = await client.createContainer(
      context,
      createRequest(made.podSandboxId, config, { logPath: "0.log", command: ["sh", "-c", script] }),
    );
    await client.startContainer(context, { containerId });
    const exec = (...cmd: readonly string[]) =>
      client.execSync(context, { containerId, cmd: [...cmd], timeout: 5 });
    await expect
      .poll(async () => (await exec("test", "-e", "/tmp/through")).exitCode, { timeout: 20_000 })
      .toBe(0);
    const path = join(logs, "0.log");
    const full = readFileSync(path, "utf8");
    expect(full.length).toBeGreaterThan(100_000);
    expect(full.endsWith("\n")).toBe(true);
    for (const line of full.trimEnd().split("\n")) {
      expect(line).toMatch(/^\S+Z stdout [FP] line \d+ of a container that talks much$/);
    }
    // As a kubelet rotates: the old file goes, the container goes on in a new one.
    rmSync(path);
    await client.reopenContainerLog(context, { containerId });
    await exec("touch", "/tmp/go");
    await expect
      .poll(async () => (await client.containerStatus(context, { containerId })).status?.exitCode)
      .toBe(7);
    expect(readFileSync(path, "utf8")).toMatch(/^\S+Z stdout F after the flood\n$/);
    await client.removePodSandbox(context, made);
    execFileSync("umount", [logs]);
    rmSync(logs, { recursive: true });
  });
});
