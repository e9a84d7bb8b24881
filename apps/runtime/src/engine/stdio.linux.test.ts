/** The stdio of a container that is not root: its pipes are its own, so that it can open them anew. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeBusyboxImage } from "../../../../test/harness/busybox-image.ts";
import {
  containerSecurity,
  createRequest,
  hostNetworkPod,
} from "../../../../test/harness/cri-requests.ts";
import { LinuxEngine } from "../../../../test/harness/linux-engine.ts";

let node: LinuxEngine;

beforeAll(async () => {
  node = await LinuxEngine.start();
  const archive = join(node.directory, "busybox.tar");
  writeBusyboxImage(archive, { reference: "vitrine.test/busybox:1" });
  await node.engine.loadImage(node.context, { path: archive });
});

afterAll(() => node.end());

test("a user without rights opens /dev/stdout and /dev/stderr, in a container and in an exec", async () => {
  const { engine, context } = node;
  const config = hostNetworkPod({ logDirectory: join(node.directory, "logs") });
  const { podSandboxId } = await engine.runPodSandbox(context, { config, runtimeHandler: "" });
  const request = createRequest(podSandboxId, config, {
    command: ["sh", "-c", "id -u > /dev/stdout; echo two > /dev/stderr; exec sleep 100"],
    logPath: "main.log",
    linux: { securityContext: { ...containerSecurity, runAsUser: { value: 1000 } } },
  });
  const { containerId } = await engine.createContainer(context, request);
  await engine.startContainer(context, { containerId });
  const cmd = ["sh", "-c", "echo out > /dev/stdout; echo err > /dev/stderr"];
  const exec = await engine.execSync(context, { containerId, cmd, timeout: 5 });
  const text = new TextDecoder();
  expect([text.decode(exec.stdout), text.decode(exec.stderr)]).toEqual(["out\n", "err\n"]);
  expect(exec.exitCode).toBe(0);
  await engine.stopPodSandbox(context, { podSandboxId });
  const log = readFileSync(join(node.directory, "logs/main.log"), "utf8");
  expect(log).toMatch(/ stdout F 1000\n/);
  expect(log).toMatch(/ stderr F two\n/);
  await engine.removePodSandbox(context, { podSandboxId });
});
