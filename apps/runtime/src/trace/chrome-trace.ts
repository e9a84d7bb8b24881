/**
 * Spans as Chrome Trace Event JSON, which Perfetto and chrome://tracing open. One process row a trace,
 * one thread row a lifeline. Complete events ("X") of one thread must nest, so steps that overlap
 * without nesting go to further threads of the same name.
 */

import { byStart } from "./otlp.ts";
import { printable } from "./printable.ts";
import { Sequence } from "./sequence.ts";
import type { SpanRecord } from "./span-record.ts";
import { endsOf, labelOf, lifelineTitle, type Step, stepId } from "./step.ts";

interface TraceEvent {
  readonly name: string;
  readonly ph: "X" | "B" | "M" | "i";
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  /** Microseconds since the first span. */
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

/** One thread row: the ends of the events that are open at its latest start. */
interface Lane {
  readonly tid: number;
  readonly ends: bigint[];
}

function laneFor(lanes: Lane[], startNs: bigint, endNs: bigint, newTid: () => number): Lane {
  for (const lane of lanes) {
    while ((lane.ends.at(-1) ?? startNs + 1n) <= startNs) lane.ends.pop();
    const around = lane.ends.at(-1);
    if (around === undefined || endNs <= around) {
      lane.ends.push(endNs);
      return lane;
    }
  }
  const lane: Lane = { tid: newTid(), ends: [endNs] };
  lanes.push(lane);
  return lane;
}

function argsOf(step: Step): Record<string, unknown> {
  const { span } = step;
  // Object.fromEntries defines own properties, so that a key such as "__proto__" stays data.
  return Object.fromEntries([
    ["step", stepId(step)],
    ["trace_id", span.traceId],
    ["span_id", span.spanId],
    ...(span.statusMessage === "" ? [] : [["status", span.statusMessage]]),
    ...span.attributes,
  ]);
}

/** The JSON text. Open spans become begin events without an end. */
export function renderChromeTrace(spans: readonly SpanRecord[]): string {
  const sequence = new Sequence();
  sequence.addAll(spans);
  const sorted = [...spans].sort(byStart);
  const origin = sorted[0]?.startNs ?? 0n;
  const micros = (ns: bigint) => Number(ns) / 1000;
  const events: TraceEvent[] = [];
  const processes = new Map<string, number>();
  const lanes = new Map<string, Lane[]>();
  let tids = 0;
  for (const span of sorted) {
    const step = sequence.steps.get(`${span.traceId}-${span.spanId}`);
    if (!step) continue;
    const pid = processes.get(span.traceId) ?? processes.size + 1;
    if (!processes.has(span.traceId)) {
      processes.set(span.traceId, pid);
      const name = printable(`trace ${span.traceId.slice(0, 8)} ${labelOf(step)}`, 80);
      events.push({ name: "process_name", ph: "M", pid, tid: 0, args: { name } });
    }
    const lifeline = endsOf(step).to;
    const row = `${pid} ${lifeline}`;
    const known = lanes.get(row) ?? [];
    lanes.set(row, known);
    const lane = laneFor(known, span.startNs, span.endNs ?? 1n << 63n, () => {
      events.push({
        name: "thread_name",
        ph: "M",
        pid,
        tid: ++tids,
        args: { name: lifelineTitle(lifeline) },
      });
      return tids;
    });
    const ts = micros(span.startNs - origin);
    const common = {
      name: labelOf(step),
      cat: lifeline,
      pid,
      tid: lane.tid,
      ts,
      args: argsOf(step),
    };
    events.push(
      span.endNs === undefined
        ? { ...common, ph: "B" }
        : { ...common, ph: "X", dur: micros(span.endNs - span.startNs) },
    );
  }
  return JSON.stringify({
    displayTimeUnit: "ns",
    otherData: { startUnixNano: String(origin) },
    traceEvents: events,
  });
}
