/** Export by the standard variables, to real receivers of each protocol. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OtlpReceiver } from "../../../../test/harness/otlp-receiver.ts";
import type { SpanRecord } from "../trace/span-record.ts";
import { remoteSpan } from "../trace/trace-context.ts";
import { exportIsAsked } from "./export-settings.ts";
import { startTelemetry, type Telemetry } from "./telemetry.ts";

let receiver: OtlpReceiver;
let telemetry: Telemetry | undefined;
const warnings: string[] = [];

/** Telemetry as a process with these variables starts it; they point to `receiver` unless they say otherwise. */
async function start(variables: Readonly<Record<string, string>> = {}): Promise<Telemetry> {
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint);
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  telemetry = await startTelemetry({
    enabled: true,
    pollRatio: 0,
    ringEvents: 100,
    recordPath: undefined,
    version: "1.2.3",
    mode: "real",
    kernelRelease: "6.18.0",
    architecture: "amd64",
    hostname: "node-a",
    nowNs: () => BigInt(Date.now()) * 1_000_000n,
    env: process.env,
    warn: (message) => warnings.push(message),
  });
  return telemetry;
}

/** What has arrived once everything was sent. */
async function exported(): Promise<readonly SpanRecord[]> {
  const ending = telemetry;
  telemetry = undefined;
  await ending?.close(5000);
  return receiver.spans;
}

function call({ tracer }: Telemetry, name: string, parent?: ReturnType<typeof remoteSpan>) {
  const attributes = { "k8s.pod.name": name };
  return tracer.start("cri.RunPodSandbox", parent, { attributes, startNs: 1_000_000_007n });
}

const sampled = remoteSpan(`00-${"a".repeat(32)}-${"b".repeat(16)}-01`);
const unsampled = remoteSpan(`00-${"c".repeat(32)}-${"d".repeat(16)}-00`);

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith("OTEL_")) vi.stubEnv(name, undefined);
  }
  warnings.length = 0;
});

afterEach(async () => {
  await exported();
  await receiver.stop();
  vi.unstubAllEnvs();
});

describe.each(["http/protobuf", "http/json", "grpc"])("over %s", (protocol) => {
  beforeEach(async () => {
    receiver = await OtlpReceiver.start(protocol);
  });

  test("a span arrives as it was: ids, times, attributes, events, links, failure", async () => {
    const running = await start({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
    const { tracer } = running;
    const root = call(running, "web", sampled);
    const child = tracer.start("pod.cgroup", root, { startNs: 1_000_000_009n });
    child.set({ many: ["a", "b"], count: 3, yes: true });
    child.event("warning", { said: "beware" });
    child.link("e".repeat(32), "f".repeat(16));
    child.fail("EPERM", "mkdir: no");
    child.end(2_000_000_011n);
    root.set({ "vitrine.sandbox.id": "p1" });
    root.end(3_000_000_013n);
    const spans = await exported();
    expect(spans.map(({ name }) => name).sort()).toEqual([
      "pod.cgroup",
      "runtime.v1.RuntimeService/RunPodSandbox",
    ]);
    const arrived = (spanId: string) => spans.find((span) => span.spanId === spanId);
    const call1 = arrived(root.spanId);
    expect(call1).toMatchObject({
      traceId: sampled?.traceId,
      parentSpanId: sampled?.spanId,
      kind: "server",
      startNs: 1_000_000_007n,
      endNs: 3_000_000_013n,
      status: "unset",
      scope: "vitrine",
    });
    expect(Object.fromEntries(call1?.attributes ?? [])).toEqual({
      "vitrine.step": "cri.RunPodSandbox",
      "vitrine.level": 1,
      "k8s.pod.name": "web",
      "vitrine.sandbox.id": "p1",
    });
    const step1 = arrived(child.spanId);
    expect(step1).toMatchObject({
      traceId: sampled?.traceId,
      parentSpanId: root.spanId,
      kind: "internal",
      startNs: 1_000_000_009n,
      endNs: 2_000_000_011n,
      status: "error",
      statusMessage: "mkdir: no",
      events: [{ name: "warning" }],
      links: [{ traceId: "e".repeat(32), spanId: "f".repeat(16) }],
    });
    expect(Object.fromEntries(step1?.attributes ?? [])).toMatchObject({
      many: ["a", "b"],
      count: 3,
      yes: true,
      "error.type": "EPERM",
    });
    expect(warnings).toEqual([]);
  });

  test("the variables name endpoint, headers, compression, service and resource", async () => {
    const running = await start({
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=blue,authorization=Bearer%20abc",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_SERVICE_NAME: "renamed",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=lab,host.name=other%20host",
    });
    call(running, "web").end();
    const [span] = await exported();
    expect(Object.fromEntries(span?.resource.attributes ?? [])).toMatchObject({
      "service.name": "renamed",
      "service.version": "1.2.3",
      "deployment.environment.name": "lab",
      "host.name": "other host",
      "vitrine.mode": "real",
      "telemetry.sdk.name": "opentelemetry",
    });
    const [request] = receiver.requests;
    expect(request?.path).toMatch(protocol === "grpc" ? /TraceService\/Export$/ : /^\/v1\/traces$/);
    expect(request?.headers).toMatchObject({ "x-tenant": "blue", authorization: "Bearer abc" });
  });
});

describe("which spans are exported", () => {
  beforeEach(async () => {
    receiver = await OtlpReceiver.start("http/protobuf");
  });

  /** Names of pods whose call arrived, with the number of spans of each. */
  async function arrivals(variables: Readonly<Record<string, string>>) {
    const running = await start(variables);
    const parents = { root: undefined, sampled, unsampled };
    for (const [name, parent] of Object.entries(parents)) {
      const span = call(running, name, parent);
      running.tracer.start("pod.cgroup", span).end();
      span.end();
      // What comes late belongs to its trace all the same.
      running.tracer.start("pod.files", span).end();
    }
    const spans = await exported();
    const traces = new Map(
      spans.map((span) => [span.traceId, span.attributes.get("k8s.pod.name")]),
    );
    for (const span of spans) {
      const pod = span.attributes.get("k8s.pod.name");
      if (pod !== undefined) traces.set(span.traceId, pod);
    }
    const counts: Record<string, number> = {};
    for (const { traceId } of spans) {
      const pod = String(traces.get(traceId));
      counts[pod] = (counts[pod] ?? 0) + 1;
    }
    return counts;
  }

  test.each<[string, Readonly<Record<string, number>>]>([
    ["", { root: 3, sampled: 3 }],
    ["parentbased_always_on", { root: 3, sampled: 3 }],
    ["parentbased_always_off", { sampled: 3 }],
    ["always_on", { root: 3, sampled: 3, unsampled: 3 }],
    ["always_off", {}],
  ])("OTEL_TRACES_SAMPLER=%s: whole traces, %j", async (sampler, counts) => {
    expect(await arrivals(sampler === "" ? {} : { OTEL_TRACES_SAMPLER: sampler })).toEqual(counts);
  });

  test("a ratio lets whole traces through, by their ids", async () => {
    const { tracer } = await start({
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.5",
    });
    for (let index = 0; index < 200; index += 1) {
      const root = tracer.start("cri.RunPodSandbox", undefined);
      tracer.start("pod.cgroup", root).end();
      root.end();
    }
    const spans = await exported();
    const traces = new Set(spans.map(({ traceId }) => traceId));
    expect(spans).toHaveLength(2 * traces.size);
    expect(traces.size).toBeGreaterThan(50);
    expect(traces.size).toBeLessThan(150);
  });

  test("limits of spans are kept to", async () => {
    const running = await start({
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "3",
      OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: "4",
      OTEL_SPAN_EVENT_COUNT_LIMIT: "1",
    });
    const span = call(running, "long-name");
    for (const name of ["one", "two"]) span.event(name);
    span.set({ further: 1 });
    span.end();
    const [arrived] = await exported();
    expect(arrived?.attributes.size).toBe(3);
    expect(arrived?.attributes.get("k8s.pod.name")).toBe("long");
    expect(arrived?.events).toHaveLength(1);
  });

  test.each<[string, Readonly<Record<string, string>>, boolean]>([
    ["nothing", {}, false],
    ["an endpoint", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, true],
    ["an endpoint of traces", { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318/x" }, true],
    ["an empty endpoint", { OTEL_EXPORTER_OTLP_ENDPOINT: "" }, false],
    ["an exporter", { OTEL_TRACES_EXPORTER: "otlp" }, true],
    ["no exporter", { OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "x" }, false],
    ["no SDK", { OTEL_SDK_DISABLED: " True", OTEL_EXPORTER_OTLP_ENDPOINT: "x" }, false],
    ["a service name only", { OTEL_SERVICE_NAME: "x" }, false],
  ])("the SDK is loaded for what %s asks", (_what, env, asked) => {
    expect(exportIsAsked(env)).toBe(asked);
  });

  test("OTEL_SDK_DISABLED sends nothing", async () => {
    call(await start({ OTEL_SDK_DISABLED: "true" }), "web").end();
    expect(await exported()).toEqual([]);
    expect(receiver.requests).toEqual([]);
  });
});

describe("troubles are told once each, and harm nobody", () => {
  test("a collector that refuses", async () => {
    receiver = await OtlpReceiver.start("http/protobuf", 400);
    const running = await start({ OTEL_BSP_SCHEDULE_DELAY: "10" });
    for (const name of ["a", "b"]) {
      call(running, name).end();
      await expect.poll(() => receiver.spans.length).toBeGreaterThan(name === "a" ? 0 : 1);
    }
    await exported();
    expect(warnings).toEqual([expect.stringMatching(/^OTLP export: .*Bad Request/)]);
  });

  test("a protocol that is none", async () => {
    receiver = await OtlpReceiver.start("http/protobuf");
    call(await start({ OTEL_EXPORTER_OTLP_PROTOCOL: "smoke-signals" }), "web").end();
    expect(await exported()).toHaveLength(1);
    expect(warnings).toEqual([expect.stringMatching(/smoke-signals.*http\/protobuf/)]);
  });
});
