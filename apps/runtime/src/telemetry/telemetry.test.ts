/** Tracing over real sockets and files. */
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseRecording } from "../trace/otlp.ts";
import { breaksOfStream } from "../trace/predicates.ts";
import type { TraceStreamMessage } from "../trace/stream-event.ts";
import { remoteSpan } from "../trace/trace-context.ts";
import { step } from "../trace/tracer.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "./telemetry.ts";
import { readTrace } from "./trace-reader.ts";

let directory: string;
let socketPath: string;
let telemetry: Telemetry | undefined;
const warnings: string[] = [];

async function start(options: Partial<TelemetryOptions> = {}): Promise<Telemetry> {
  const started = await startTelemetry({
    enabled: true,
    pollRatio: 0,
    ringEvents: 1000,
    recordPath: undefined,
    version: "1.2.3",
    mode: "real",
    kernelRelease: "6.18.0",
    architecture: "amd64",
    hostname: "node-a",
    nowNs: () => BigInt(Date.now()) * 1_000_000n,
    env: {},
    warn: (message) => warnings.push(message),
    ...options,
  });
  await new Promise<void>((resolve) => started.traceServer.server.listen(socketPath, resolve));
  telemetry = started;
  return started;
}

async function stop(): Promise<void> {
  const ending = telemetry;
  telemetry = undefined;
  if (ending === undefined) return;
  await ending.close(2000);
}

/** Messages of the stream up to the one that `until` accepts. */
async function collect(
  until: (message: TraceStreamMessage) => boolean,
): Promise<TraceStreamMessage[]> {
  const controller = new AbortController();
  const messages: TraceStreamMessage[] = [];
  for await (const message of readTrace({ path: socketPath, signal: controller.signal })) {
    messages.push(message);
    if (until(message)) break;
  }
  controller.abort();
  return messages;
}

/** A connection that sends one request line and gathers what comes. */
function raw(request: string): { readonly socket: Socket; lines(): Record<string, unknown>[] } {
  const socket = createConnection(socketPath);
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString();
  });
  socket.on("error", () => {});
  socket.write(`${request}\n`);
  const lines = () =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { socket, lines };
}

function spans({ tracer }: Telemetry, count: number): void {
  for (let index = 0; index < count; index += 1) tracer.start("cri.RunPodSandbox", undefined).end();
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "vt-trace-"));
  socketPath = join(directory, "trace.sock");
  warnings.length = 0;
});

afterEach(async () => {
  await stop();
  rmSync(directory, { recursive: true });
});

describe("spans", () => {
  test("children, failures and events reach the stream whole", async () => {
    const { tracer } = await start();
    const context = { tracer, span: undefined, signal: undefined };
    const failing = step(context, "cri.RunPodSandbox", { "k8s.pod.name": "web" }, (inner, span) => {
      span.event("undo", { steps: 2 });
      span.set({ "vitrine.sandbox.id": "p1" });
      return step(inner, "pod.cgroup", {}, async () => {
        throw Object.assign(new Error("mkdir: no"), { errno: "EPERM" });
      });
    });
    await expect(failing).rejects.toThrow("mkdir: no");
    const messages = await collect((message) => "seq" in message && message.seq === 4);
    expect(messages.map((message) => message.type)).toEqual([
      "hello",
      "start",
      "start",
      "end",
      "end",
    ]);
    const [, started, , , ended] = messages as unknown as { span: Record<string, unknown> }[];
    expect(started?.span).toMatchObject({
      name: "runtime.v1.RuntimeService/RunPodSandbox",
      kind: 2,
    });
    expect(started?.span).not.toHaveProperty("endTimeUnixNano");
    expect(JSON.stringify(started)).not.toContain("vitrine.sandbox.id");
    expect(ended?.span).toMatchObject({
      status: { code: 2, message: "mkdir: no" },
      events: [{ name: "undo" }],
      attributes: expect.arrayContaining([
        { key: "vitrine.step", value: { stringValue: "cri.RunPodSandbox" } },
        { key: "vitrine.level", value: { intValue: "1" } },
        { key: "error.type", value: { stringValue: "EPERM" } },
      ]),
    });
  });

  test("a caller's trace is continued; its sampling flag decides about export only", async () => {
    const { tracer } = await start();
    const parent = remoteSpan("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    const span = tracer.start("cri.RunPodSandbox", parent);
    expect(span).toMatchObject({
      traceId: parent?.traceId,
      parentSpanId: parent?.spanId,
      sampled: false,
    });
    span.end();
    expect(await collect((message) => message.type === "end")).toHaveLength(3);
  });

  test("end counts once, and no span ends before it started", async () => {
    const { tracer } = await start();
    const span = tracer.start("cri.RunPodSandbox", undefined, { startNs: 2000n });
    span.end(1000n);
    span.end(9000n);
    span.set({ late: true });
    const messages = await collect((message) => message.type === "end");
    expect(messages.filter((message) => message.type === "end")).toMatchObject([
      { span: { startTimeUnixNano: "2000", endTimeUnixNano: "2000" } },
    ]);
    expect(JSON.stringify(messages)).not.toContain("late");
  });

  test.each([
    [0, 0],
    [1, 100],
  ])(
    "polls are sampled apart: ratio %d shows %d of 100, their children too",
    async (pollRatio, shown) => {
      const { tracer } = await start({ pollRatio });
      for (let index = 0; index < 100; index += 1) {
        const poll = tracer.start("cri.Status", undefined, {
          attributes: { "vitrine.poll": true },
        });
        tracer.start("pod.cgroup", poll).end();
        poll.end();
      }
      tracer.start("cri.RunPodSandbox", undefined).end();
      const messages = await collect(
        (message) => message.type === "end" && message.span.name.endsWith("RunPodSandbox"),
      );
      expect(messages.filter((message) => message.type === "end")).toHaveLength(2 * shown + 1);
    },
  );

  test("tracing that is off keeps nothing", async () => {
    const recordPath = join(directory, "run.jsonl");
    const off = await start({ enabled: false, recordPath });
    spans(off, 3);
    const { lines, socket } = raw('{"type":"resume"}');
    await expect.poll(lines).toHaveLength(1);
    socket.destroy();
    expect(statSync(recordPath, { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe("secrets never reach a span", () => {
  test("in attributes, events, messages and urls", async () => {
    const secret = "hunter2-very-secret";
    const { tracer } = await start({ recordPath: join(directory, "run.jsonl") });
    const span = tracer.start("cri.PullImage", undefined, {
      attributes: {
        "http.request.header.authorization": `Bearer ${secret}`,
        "registry.password": secret,
        "process.environment_variable.TOKEN": secret,
        "vitrine.env": [`A=${secret}`, `${secret}`],
        "url.full": `https://joe:${secret}@registry.example/v2/?token=${secret}#x`,
        argv: ["curl", `https://x.example/?key=${secret}`],
      },
    });
    span.event("retry", { header: `Authorization: Bearer ${secret}` });
    span.set({ note: `Basic ${secret}` });
    span.fail("UNAVAILABLE", `GET https://joe:${secret}@registry.example/ failed`);
    span.end();
    const messages = await collect((message) => message.type === "end");
    await stop();
    const everything =
      JSON.stringify(messages) + readFileSync(join(directory, "run.jsonl"), "utf8");
    expect(everything).not.toContain(secret);
    expect(everything).toContain("https://[redacted]@registry.example/v2/?[redacted]#x");
    expect(everything).toContain("A=[redacted]");
  });

  test("names of the field stay readable", async () => {
    const { tracer } = await start();
    tracer
      .start("cri.PullImage", undefined, {
        attributes: { "container.image.name": "reg.example:5000/a/b:1" },
      })
      .end();
    const messages = await collect((message) => message.type === "end");
    expect(JSON.stringify(messages)).toContain("reg.example:5000/a/b:1");
  });
});

describe("the stream", () => {
  test("resumes behind the last event seen", async () => {
    const running = await start();
    spans(running, 5);
    const [hello] = await collect((message) => message.type === "hello");
    const { session } = hello as { session: string };
    const { lines, socket } = raw(JSON.stringify({ type: "resume", session, after: 7 }));
    await expect.poll(lines).toHaveLength(4);
    expect(lines()).toMatchObject([
      { type: "hello", nextSeq: 8 },
      { seq: 8 },
      { seq: 9 },
      { seq: 10 },
    ]);
    spans(running, 1);
    await expect.poll(lines).toHaveLength(6);
    socket.destroy();
  });

  test("another session's position counts for nothing", async () => {
    const running = await start();
    spans(running, 2);
    const { lines, socket } = raw('{"type":"resume","session":"of an earlier daemon","after":3}');
    await expect.poll(lines).toHaveLength(5);
    expect(lines()[1]).toMatchObject({ seq: 1 });
    socket.destroy();
  });

  test("what the ring has overwritten is a gap", async () => {
    const running = await start({ ringEvents: 10 });
    spans(running, 1);
    const [hello] = await collect((message) => message.type === "hello");
    spans(running, 20);
    const { session } = hello as { session: string };
    const { lines, socket } = raw(JSON.stringify({ type: "resume", session, after: 2 }));
    await expect.poll(lines).toHaveLength(12);
    expect(lines().slice(0, 3)).toMatchObject([
      { type: "hello", nextSeq: 3 },
      { type: "gap", from: 3, to: 32 },
      { type: "start", seq: 33 },
    ]);
    socket.destroy();
  });

  test("a reader that does not read delays nobody, and finds a gap when it reads again", async () => {
    const running = await start({ ringEvents: 2000 });
    const { socket, lines } = raw('{"type":"resume"}');
    await expect.poll(lines).toHaveLength(1);
    socket.pause();
    const before = performance.now();
    for (let burst = 0; burst < 100; burst += 1) {
      spans(running, 100);
      await new Promise((resolve) => setTimeout(resolve, 12));
    }
    expect(performance.now() - before).toBeLessThan(5000);
    socket.resume();
    const last = () => lines().at(-1) as { seq?: number };
    await expect.poll(() => last().seq, { timeout: 5000 }).toBe(20_000);
    const seen = lines();
    const gap = seen.find((line) => line["type"] === "gap") as { from: number; to: number };
    const at = seen.indexOf(gap);
    expect(seen[at - 1]?.["seq"]).toBe(gap.from - 1);
    expect(seen[at + 1]?.["seq"]).toBe(gap.to + 1);
    expect(breaksOfStream(seen as unknown as TraceStreamMessage[])).toEqual([]);
    socket.destroy();
  });

  test.each([
    "not json",
    "{}",
    '{"type":"resume","after":-1}',
    '{"type":"resume","after":"x"}',
    "[]",
  ])("a request that is none ends the connection: %s", async (request) => {
    await start();
    const { socket, lines } = raw(request);
    await new Promise((resolve) => socket.once("close", resolve));
    expect(lines()).toEqual([]);
  });

  test("a reader comes back after the daemon was restarted", async () => {
    spans(await start(), 1);
    const controller = new AbortController();
    const sessions = new Set<string>();
    let ends = 0;
    const reading = (async () => {
      const options = { path: socketPath, signal: controller.signal, reconnect: true };
      for await (const message of readTrace(options)) {
        if (message.type === "hello") sessions.add(message.session);
        if (message.type === "end") ends += 1;
      }
    })();
    await expect.poll(() => ends).toBe(1);
    await stop();
    spans(await start(), 1);
    await expect.poll(() => ends).toBe(2);
    controller.abort();
    await reading;
    expect(sessions.size).toBe(2);
  });
});

describe("recordings", () => {
  test("are OTLP JSON Lines with the resource, mode 0600, and appended to", async () => {
    const recordPath = join(directory, "run.jsonl");
    writeFileSync(recordPath, "", { mode: 0o644 });
    spans(await start({ recordPath }), 700);
    await stop();
    rmSync(socketPath, { force: true });
    spans(await start({ recordPath }), 1);
    await stop();
    expect(statSync(recordPath).mode & 0o777).toBe(0o600);
    const recording = parseRecording(readFileSync(recordPath, "utf8"));
    expect(recording.problems).toEqual([]);
    expect(recording.spans).toHaveLength(701);
    const [resource] = recording.resources;
    expect(Object.fromEntries(resource?.attributes ?? [])).toMatchObject({
      "service.name": "vitrine",
      "service.version": "1.2.3",
      "vitrine.mode": "real",
      "vitrine.kernel.release": "6.18.0",
    });
    const [line] = readFileSync(recordPath, "utf8").split("\n");
    const span = JSON.parse(line ?? "").resourceSpans[0].scopeSpans[0].spans[0];
    expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(span.startTimeUnixNano).toMatch(/^\d+$/);
    expect(span.kind).toBe(2);
  });

  test("a symlink in the recording's place is refused", async () => {
    const recordPath = join(directory, "run.jsonl");
    appendFileSync(join(directory, "other"), "");
    symlinkSync(join(directory, "other"), recordPath);
    await expect(start({ recordPath })).rejects.toThrow("ELOOP");
  });

  test("a full disk ends the recording with one warning and nothing else", async () => {
    const full = await start({ recordPath: "/dev/full" });
    spans(full, 10);
    await expect.poll(() => warnings).toHaveLength(1);
    spans(full, 10);
    expect(warnings).toEqual([expect.stringContaining("ENOSPC")]);
  });

  test("the last spans are saved in a process about to die", async () => {
    const recordPath = join(directory, "run.jsonl");
    const dying = await start({ recordPath });
    spans(dying, 3);
    dying.flushNow();
    expect(parseRecording(readFileSync(recordPath, "utf8")).spans).toHaveLength(3);
  });
});
