import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { podConfig } from "../../../../test/harness/cri-requests.ts";
import { LinuxEngine } from "../../../../test/harness/linux-engine.ts";
import { ownResidue } from "../../../../test/harness/own-residue.ts";
import type { Context } from "../trace/tracer.ts";

let node: LinuxEngine;
const residue = (): readonly string[] =>
  ownResidue(node.directory, node.options.cgroupParentDefault);

/** A network whose only plugin is the shell script `body`, which is run for every command. */
function writePlugin(body: string): void {
  const binDir = join(node.directory, "bin");
  mkdirSync(binDir, { recursive: true });
  const path = join(binDir, "scripted");
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  writeFileSync(
    join(node.options.network.confDir, "10-scripted.conflist"),
    JSON.stringify({ cniVersion: "1.0.0", name: "scripted", plugins: [{ type: "scripted" }] }),
  );
}

beforeAll(async () => {
  node = await LinuxEngine.start({}, (directory) => ({ binDirs: [join(directory, "bin")] }));
});

afterAll(async () => {
  await node.end();
});

describe("a deadline shorter than the work", () => {
  it("rolls back all of it, and the same request succeeds later", async () => {
    const before = residue();
    writePlugin('if [ "$CNI_COMMAND" = ADD ]; then sleep 30; fi');
    const controller = new AbortController();
    const context: Context = { ...node.context, signal: controller.signal };
    const config = podConfig();
    const run = node.engine.runPodSandbox(context, { config, runtimeHandler: "" });
    const outcome = expect(run).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    setTimeout(() => controller.abort(), 200);
    // A retry of the impatient caller waits until the first try is rolled back, then does the work.
    await new Promise((resolve) => setTimeout(resolve, 100));
    writePlugin(
      'if [ "$CNI_COMMAND" = ADD ]; then echo \'{"cniVersion":"1.0.0","ips":[{"address":"10.9.8.7/24"}]}\'; fi',
    );
    const again = await node.engine.runPodSandbox(node.context, { config, runtimeHandler: "" });
    await outcome;
    const { status } = await node.engine.podSandboxStatus(node.context, {
      ...again,
      verbose: false,
    });
    expect(status).toMatchObject({ state: "SANDBOX_READY", network: { ip: "10.9.8.7" } });
    await node.engine.removePodSandbox(node.context, again);
    expect(residue()).toEqual(before);
  });

  it("keeps the record of a pod whose network cannot be given back, until it can", async () => {
    const before = residue();
    writePlugin("exit 1");
    const config = podConfig();
    const run = node.engine.runPodSandbox(node.context, { config, runtimeHandler: "" });
    await expect(run).rejects.toMatchObject({ code: "UNAVAILABLE" });
    const { items } = await node.engine.listPodSandbox(node.context, {});
    expect(items).toMatchObject([{ state: "SANDBOX_NOTREADY", metadata: config.metadata }]);
    const podSandboxId = items[0]?.id ?? "";
    await expect(node.engine.stopPodSandbox(node.context, { podSandboxId })).rejects.toMatchObject({
      message: expect.stringContaining("scripted"),
    });
    writePlugin("exit 0");
    await node.engine.stopPodSandbox(node.context, { podSandboxId });
    await node.engine.removePodSandbox(node.context, { podSandboxId });
    expect(residue()).toEqual(before);
  });
});
