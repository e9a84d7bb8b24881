/** Chrome trace export: events of one thread nest, times are right, nothing is lost. */
import { expect, test } from "vitest";
import { renderChromeTrace } from "./chrome-trace.ts";
import { toldPod } from "./fixture/told-pod.ts";
import type { SpanRecord } from "./span-record.ts";

interface Event {
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: Readonly<Record<string, unknown>>;
}

function eventsOf(spans: readonly SpanRecord[]): Event[] {
  return (JSON.parse(renderChromeTrace(spans)) as { traceEvents: Event[] }).traceEvents;
}

function expectNested(events: readonly Event[]): void {
  const rows = Map.groupBy(
    events.filter((event) => event.ph === "X"),
    ({ pid, tid }) => `${pid} ${tid}`,
  );
  for (const row of rows.values()) {
    const open: number[] = [];
    for (const { ts, dur } of row.toSorted((a, b) => a.ts - b.ts || b.dur - a.dur)) {
      while (open.length > 0 && (open.at(-1) ?? 0) <= ts + 1e-6) open.pop();
      if (open.length > 0) expect(ts + dur).toBeLessThanOrEqual((open.at(-1) ?? 0) + 1e-6);
      open.push(ts + dur);
    }
  }
}

test("every span is an event, and events of one thread nest", () => {
  const spans = toldPod({ failing: true, stopped: true });
  const events = eventsOf(spans);
  expect(events.filter((event) => event.ph === "X")).toHaveLength(spans.length);
  expectNested(events);
});

test("steps that overlap without nesting get threads of their own", () => {
  const root = toldPod()[0] as SpanRecord;
  const part = (spanId: string, from: bigint, to: bigint) => ({
    ...root,
    spanId,
    parentSpanId: root.spanId,
    startNs: root.startNs + from,
    endNs: root.startNs + to,
  });
  const events = eventsOf([root, part("a", 0n, 100n), part("b", 50n, 150n), part("c", 120n, 200n)]);
  expectNested(events);
  expect(
    new Set(events.filter((event) => event.ph === "X").map((event) => event.tid)).size,
  ).toBeGreaterThan(1);
});

test("times are microseconds since the first span; open spans begin without an end", () => {
  const [first, second] = toldPod() as [SpanRecord, SpanRecord];
  const events = eventsOf([first, { ...second, endNs: undefined }]);
  const begun = events.filter((event) => event.ph === "X" || event.ph === "B");
  expect(begun[0]).toMatchObject({
    ph: "X",
    ts: 0,
    dur: Number((first.endNs ?? 0n) - first.startNs) / 1000,
  });
  expect(begun[1]).toMatchObject({ ph: "B", ts: Number(second.startNs - first.startNs) / 1000 });
});

test("hostile attribute names stay in args", () => {
  const root = toldPod()[0] as SpanRecord;
  const text = renderChromeTrace([
    {
      ...root,
      attributes: new Map([
        ["__proto__", "x"],
        ["</script>", "y"],
      ]),
    },
  ]);
  expect(text).toContain('"__proto__":"x"');
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});
