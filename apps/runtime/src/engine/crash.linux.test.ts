/** The daemon is killed at every boundary; the next one finds its way, and nothing is left. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeBusyboxImage } from "../../../../test/harness/busybox-image.ts";
import { createRequest, podConfig } from "../../../../test/harness/cri-requests.ts";
import { LinuxEngine, removeLink } from "../../../../test/harness/linux-engine.ts";
import { ownResidue } from "../../../../test/harness/own-residue.ts";
import type { PodSandboxConfig } from "../api/index.ts";
import type { CrashPoint } from "./engine-options.ts";

const bridge = "vtcrash0";
const numbers = (letter: string, count: number): readonly CrashPoint[] =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}` as CrashPoint);
const points = [
  ...numbers("P", 14),
  ...numbers("C", 7),
  ...numbers("S", 7),
  ...numbers("T", 5),
  ...numbers("R", 6),
  ...numbers("D", 6),
];
const daemon = join(import.meta.dirname, "../../../../test/harness/crash-engine.ts");

let node: LinuxEngine;
let clean: readonly string[];

function residue(): readonly string[] {
  return ownResidue(node.directory, node.options.cgroupParentDefault);
}

function leases(): readonly string[] {
  const directory = join(node.directory, `host-local/net-${bridge}`);
  if (!existsSync(directory)) return [];
  return readdirSync(directory).filter((name) => /^\d/.test(name));
}

beforeAll(async () => {
  node = await LinuxEngine.start();
  node.writeBridgeConfig(bridge, 12);
  const archive = join(node.directory, "busybox.tar");
  writeBusyboxImage(archive, { reference: "vitrine.test/busybox:1" });
  await node.engine.loadImage(node.context, { path: archive });
  clean = residue();
});

afterAll(async () => {
  await node.end();
  removeLink(bridge);
});

/** Runs the daemon until it kills itself; what it said if it did not. */
async function crashAt(point: CrashPoint, config: PodSandboxConfig): Promise<void> {
  const { crashPoint: _none, ...options } = node.options;
  const child = spawn(
    process.execPath,
    [daemon, node.directory, JSON.stringify(options), JSON.stringify(config), point],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on("close", (...ended) => resolve(ended)),
  );
  expect({ point, code, signal, said }).toMatchObject({ point, code: null, signal: "SIGKILL" });
}

/** What the lists say is what the kernel says. */
async function expectTruth(): Promise<void> {
  const { engine, context } = node;
  const { containers } = await engine.listContainers(context, {});
  expect(containers.length).toBeLessThanOrEqual(1);
  const running = residue().filter((line) => line.startsWith("process sleep 98765"));
  const state = containers[0]?.state;
  expect({ state, running: running.length }).toEqual({
    state,
    running: state === "CONTAINER_RUNNING" ? 1 : 0,
  });
}

describe("a daemon killed", () => {
  it.each(points)("at %s leaves nothing that the next one cannot put right", async (point) => {
    const { context } = node;
    const config = podConfig({ logDirectory: join(node.directory, "logs") });
    node.leave();
    await crashAt(point, config);
    // Otherwise this would be no test: something is there for the next daemon to find.
    if (!["P1", "P2", "D6"].includes(point)) expect(residue()).not.toEqual(clean);
    await node.restart();
    const { engine } = node;
    expect(engine.parts.recovery.problems).toEqual([]);
    await expectTruth();
    for (const { id } of (await engine.listContainers(context, {})).containers) {
      await engine.stopContainer(context, { containerId: id, timeout: 0 });
      await engine.removeContainer(context, { containerId: id });
    }
    for (const { id } of (await engine.listPodSandbox(context, {})).items) {
      await engine.stopPodSandbox(context, { podSandboxId: id });
      await engine.removePodSandbox(context, { podSandboxId: id });
    }
    expect(residue()).toEqual(clean);
    expect(leases()).toEqual([]);
    const again = await engine.runPodSandbox(context, { config, runtimeHandler: "" });
    const request = createRequest(again.podSandboxId, config, { command: ["sleep", "98765"] });
    const container = await engine.createContainer(context, request);
    await engine.startContainer(context, container);
    await expectTruth();
    await engine.removePodSandbox(context, again);
    expect(residue()).toEqual(clean);
  });
});
