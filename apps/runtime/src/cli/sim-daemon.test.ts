/** `vitrined --kernel=sim` as a process: a CRI client talks to it, the trace says SIMULATED, and it ends cleanly. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectClient, type GrpcClient } from "../cri/client.ts";
import { readTrace } from "../telemetry/trace-reader.ts";
import { runDemoPod, waitForFetches } from "./demo-pod.ts";
import { silentContext } from "./silent-context.ts";

const state = mkdtempSync(join(tmpdir(), "vt-sim-daemon-"));
const socket = join(state, "vitrine.sock");
const vitrined = join(import.meta.dirname, "vitrined.mjs");
const vitrine = join(import.meta.dirname, "vitrine.mjs");
let daemon: ChildProcess;
let client: GrpcClient;
let log = "";

function run(...words: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [vitrine, "--socket", socket, ...words]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

beforeAll(async () => {
  const args = [vitrined, "--kernel=sim", "--seed", "5", "--state", state];
  daemon = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  daemon.stderr?.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  for (let tries = 0; tries < 300 && !log.includes("ready, SIMULATED"); tries++) await delay(100);
  expect(log).toContain("ready, SIMULATED");
  client = connectClient(socket);
}, 40_000);
afterAll(() => {
  client.close();
  daemon.kill("SIGKILL");
  rmSync(state, { recursive: true, force: true });
});

describe("vitrined --kernel=sim", () => {
  it("runs the demo pod for a CRI client, and lets people look around in it", async () => {
    const context = silentContext();
    const pod = await runDemoPod(client, context, {
      name: "demo",
      uid: "demo-1",
      logDirectory: "/var/log/pods/demo",
      fetches: 1,
      say: () => {},
    });
    const status = await waitForFetches(client, context, pod, 20_000);
    expect(status.exitCode).toBe(0);
    expect((await run("pods")).output).toMatch(/demo/);
    expect((await run("plan", "serve")).output).toMatch(/pivotRoot/);
    const image = { image: "docker.io/library/busybox:latest" };
    await client.pullImage(context, { image });
    const config = {
      metadata: { name: "look" },
      image,
      command: ["sleep", "3600"],
      linux: { securityContext: { namespaceOptions: { pid: "CONTAINER" } } },
    } as const;
    const { containerId } = await client.createContainer(context, {
      podSandboxId: pod.sandboxId,
      config,
      sandboxConfig: { metadata: { name: "demo", namespace: "default", uid: "demo-1" } },
    });
    await client.startContainer(context, { containerId });
    // Its own pid 1, and nothing of the pod's other containers; the shell and grep have "sleep" in their lines, too.
    const looked = await run("exec", "look", "sh", "-c", "ps | grep -c sleep; hostname; exit 3");
    expect(looked).toEqual({ code: 3, output: "3\ndemo\n" });
  });

  it("marks what it traces, with its seed", async () => {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(10_000)]);
    for await (const message of readTrace({ path: join(state, "trace.sock"), signal })) {
      if (message.type !== "hello") continue;
      const value = (key: string) => message.resource.find((one) => one.key === key)?.value;
      expect(value("vitrine.mode")).toEqual({ stringValue: "sim" });
      expect(value("vitrine.seed")).toEqual({ intValue: "5" });
      controller.abort();
    }
    expect(controller.signal.aborted).toBe(true);
  });

  it("ends on SIGTERM and takes its sockets along", async () => {
    const ended = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill("SIGTERM");
    expect(await Promise.race([ended, delay(10_000)])).toBe(0);
    expect([existsSync(socket), existsSync(join(state, "trace.sock"))]).toEqual([false, false]);
  });

  it.each([
    [["--kernel=minix"], /there are linux and sim/],
    [["--kernel=sim", "--seed", "many"], /must be a whole number/],
    [["--seed", "1"], /--seed is for --kernel=sim/],
  ])("refuses %j in words", async (words, message) => {
    const child = spawn(process.execPath, [vitrined, ...words]);
    let output = "";
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code).toBe(2);
    expect(output).toMatch(message);
  });
});
