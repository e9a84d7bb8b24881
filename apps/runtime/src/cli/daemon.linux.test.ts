/** Whole daemons on the real kernel: what they serve, write, survive and leave. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { PodClient } from "../actors/pod-client.ts";
import { linuxClock } from "../kernel/linux/clock.ts";
import { readTrace } from "../telemetry/trace-reader.ts";
import { parseRecording } from "../trace/otlp.ts";
import { breaksOf, breaksOfStream } from "../trace/predicates.ts";
import type { TraceStreamMessage } from "../trace/stream-event.ts";
import { runDemo } from "./demo.ts";
import { type DemoPod, runDemoPod, waitForFetches } from "./demo-pod.ts";
import {
  type PrivateDaemon,
  type PrivateDaemonOptions,
  startPrivateDaemon,
} from "./private-daemon.ts";
import { oneTraceContext, silentContext } from "./silent-context.ts";

let daemon: PrivateDaemon | undefined;

async function start(options?: PrivateDaemonOptions): Promise<PrivateDaemon> {
  daemon = await startPrivateDaemon(options);
  return daemon;
}

function demoPod(running: PrivateDaemon, name = "demo"): Promise<DemoPod> {
  const logDirectory = join(running.directory, "logs", name);
  return runDemoPod(running.client, oneTraceContext(), {
    name,
    uid: name,
    logDirectory,
    fetches: 1,
    say: () => {},
  });
}

/** What of a daemon's doing can be seen on the machine from outside. */
function residue(directory: string): readonly string[] {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  return [
    ...mounts.filter((line) => line.includes(directory)),
    ...(existsSync(directory) ? [directory] : []),
  ];
}

afterEach(async () => {
  const { directory } = daemon ?? {};
  await daemon?.stop();
  daemon = undefined;
  if (directory !== undefined) expect(residue(directory)).toEqual([]);
});

async function eventsSoFar(running: PrivateDaemon): Promise<readonly TraceStreamMessage[]> {
  const controller = new AbortController();
  const messages: TraceStreamMessage[] = [];
  setTimeout(() => controller.abort(), 500);
  for await (const message of readTrace({ path: running.traceSocket, signal: controller.signal })) {
    messages.push(message);
  }
  return messages;
}

describe("a daemon", () => {
  test("runs the demo pod; the recording and the stream tell the same true story", async () => {
    const directory = mkdtempSync("/tmp/vt-recording-");
    const recordPath = join(directory, "run.jsonl");
    const running = await start({ recordPath });
    const { directory: place, traceSocket, socket } = running;
    expect(statSync(socket).mode & 0o777).toBe(0o660);
    expect(statSync(traceSocket).mode & 0o777).toBe(0o600);
    expect(statSync(join(place, "root")).mode & 0o777).toBe(0o700);
    const pod = await demoPod(running);
    const status = await waitForFetches(running.client, silentContext(), pod, 20_000);
    expect(status).toMatchObject({ exitCode: 0, reason: "Completed" });
    expect(readFileSync(status.logPath, "utf8")).toMatch(/^\S+ stdout F 200: Hello/);
    await new PodClient(running.client, linuxClock()).removePod(silentContext(), pod.sandboxId);
    const messages = await eventsSoFar(running);
    expect(breaksOfStream(messages)).toEqual([]);
    await running.stop();
    const recording = parseRecording(readFileSync(recordPath, "utf8"));
    expect(recording.problems).toEqual([]);
    expect(breaksOf(recording.spans)).toEqual([]);
    const ends = messages.filter((message) => message.type === "end");
    expect(new Set(recording.spans.map((span) => span.spanId))).toEqual(
      new Set(ends.map(({ span }) => span.spanId)),
    );
    expect(recording.spans.map((span) => span.name)).toContain("op.pivotRoot");
    expect(statSync(recordPath).mode & 0o777).toBe(0o600);
    rmSync(directory, { recursive: true });
  });

  test("ends on SIGTERM while containers run on, and finds them again", async () => {
    const running = await start();
    const { serveId, sandboxId } = await demoPod(running);
    running.process.kill("SIGTERM");
    expect(await running.ended()).toBe(0);
    await running.startAgain();
    const { status } = await running.client.containerStatus(silentContext(), {
      containerId: serveId,
    });
    expect(status?.state).toBe("CONTAINER_RUNNING");
    const { status: sandbox } = await running.client.podSandboxStatus(silentContext(), {
      podSandboxId: sandboxId,
    });
    expect(sandbox?.state).toBe("SANDBOX_READY");
  });

  test("killed at a crash point, it starts again and the pod can be removed and made anew", async () => {
    const running = await start({ env: { VITRINE_CRASH_AT: "P7" } });
    await expect(demoPod(running)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await running.ended()).toBe("SIGKILL");
    await running.startAgain({ VITRINE_CRASH_AT: "" });
    const { items } = await running.client.listPodSandbox(silentContext(), {});
    const pods = new PodClient(running.client, linuxClock());
    for (const { id, state } of items) {
      expect(state).toBe("SANDBOX_NOTREADY");
      await pods.removePod(silentContext(), id);
    }
    expect((await demoPod(running)).ip).not.toBe("");
  });

  test("a second one in the same directories is refused with the pid of the first", async () => {
    const running = await start();
    const program = join(import.meta.dirname, "vitrined.mjs");
    const second = spawnSync(
      process.execPath,
      [program, "--config", join(running.directory, "config.toml")],
      { encoding: "utf8" },
    );
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(
      `another vitrined (pid ${running.process.pid}) uses ${running.directory}/root`,
    );
    expect(await running.client.version(silentContext(), {})).toMatchObject({
      runtimeName: "vitrine",
    });
  });

  test("without tracing it does the same work and says nothing", async () => {
    const running = await start({ config: "enabled = false" });
    const pod = await demoPod(running);
    await waitForFetches(running.client, silentContext(), pod, 20_000);
    expect((await eventsSoFar(running)).map((message) => message.type)).toEqual(["hello"]);
  });

  test("the demo draws the pod's life and leaves nothing", async () => {
    const lines: string[] = [];
    await runDemo({ level: 2, print: (line) => lines.push(line) });
    const text = lines.join("\n");
    for (const part of [
      "RunPodSandbox default/demo",
      "ADD vitrine-bridge",
      "container serve runs",
      "fetch wrote: 200: Hello",
      "RemovePodSandbox",
    ]) {
      expect(text).toContain(part);
    }
  });
});
