/** A daemon started with the standard variables tells a collector the whole of what it does, and nothing else. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { PodClient } from "../../apps/runtime/src/actors/pod-client.ts";
import { runDemoPod, waitForFetches } from "../../apps/runtime/src/cli/demo-pod.ts";
import { startPrivateDaemon } from "../../apps/runtime/src/cli/private-daemon.ts";
import { oneTraceContext, silentContext } from "../../apps/runtime/src/cli/silent-context.ts";
import { linuxClock } from "../../apps/runtime/src/kernel/linux/clock.ts";
import { parseRecording } from "../../apps/runtime/src/trace/otlp.ts";
import { breaksOf } from "../../apps/runtime/src/trace/predicates.ts";
import type { SpanRecord } from "../../apps/runtime/src/trace/span-record.ts";
import { OtlpReceiver } from "../harness/otlp-receiver.ts";

const directory = mkdtempSync("/tmp/vt-otlp-");

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** What of a span has to be the same wherever it is told. */
function told(span: SpanRecord): string {
  const { traceId, spanId, parentSpanId, name, startNs, endNs, status, statusMessage } = span;
  const attributes = Object.fromEntries([...span.attributes].sort());
  const events = span.events.map((event) => [event.name, `${event.timeNs}`]);
  const times = [`${startNs}`, `${endNs}`];
  const ids = [traceId, spanId, parentSpanId];
  return JSON.stringify([name, ids, times, status, statusMessage, attributes, events]);
}

test.each(["http/protobuf", "grpc"])("over %s, span for span as recorded", async (protocol) => {
  const receiver = await OtlpReceiver.start(protocol);
  const recordPath = join(directory, `${protocol.replace("/", "-")}.jsonl`);
  const daemon = await startPrivateDaemon({
    recordPath,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=blue",
      OTEL_SERVICE_NAME: "node-under-test",
    },
  });
  try {
    const { client } = daemon;
    const pod = await runDemoPod(client, oneTraceContext(), {
      name: "demo",
      uid: "demo",
      logDirectory: join(daemon.directory, "logs"),
      fetches: 1,
      say: () => {},
    });
    await waitForFetches(client, silentContext(), pod, 20_000);
    await new PodClient(client, linuxClock()).removePod(silentContext(), pod.sandboxId);
  } finally {
    await daemon.stop();
    await receiver.stop();
  }
  const recorded = parseRecording(readFileSync(recordPath, "utf8"));
  expect(receiver.spans.length).toBeGreaterThan(300);
  expect(new Set(receiver.spans.map(told))).toEqual(new Set(recorded.spans.map(told)));
  expect(receiver.spans).toHaveLength(recorded.spans.length);
  expect(breaksOf(receiver.spans)).toEqual([]);
  const services = receiver.spans.map(({ resource }) => resource.attributes.get("service.name"));
  expect(new Set(services)).toEqual(new Set(["node-under-test"]));
  for (const { headers } of receiver.requests)
    expect(headers).toMatchObject({ "x-tenant": "blue" });
  expect(daemon.log()).not.toContain("OTLP export");
});
