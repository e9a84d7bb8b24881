/**
 * Predicates: what must hold of every trace, real or simulated. Each takes the spans and names every
 * break; none means the trace is well formed. They run in tests, on recordings, and on the live stream.
 */
import { attribute } from "./attribute.ts";
import { entryOf } from "./catalogue.ts";
import { byStart } from "./otlp.ts";
import { type SpanRecord, spanKey, stringAttribute } from "./span-record.ts";
import type { TraceStreamMessage } from "./stream-event.ts";

export interface Break {
  readonly predicate: string;
  /** Key of the span that breaks it; empty for the stream's. */
  readonly span: string;
  readonly message: string;
}

export type Predicate = (spans: readonly SpanRecord[]) => readonly Break[];

function stepIdOf(span: SpanRecord): string {
  return stringAttribute(span.attributes, attribute.step) ?? "";
}

/** Collects breaks of one predicate. */
class Breaks {
  readonly list: Break[] = [];
  readonly #predicate: string;

  constructor(predicate: string) {
    this.#predicate = predicate;
  }

  add(span: SpanRecord, message: string): void {
    this.list.push({ predicate: this.#predicate, span: spanKey(span), message });
  }
}

function indexOf(spans: readonly SpanRecord[]): Map<string, SpanRecord> {
  return new Map(spans.map((span) => [spanKey(span), span]));
}

function parentOf(
  span: SpanRecord,
  index: ReadonlyMap<string, SpanRecord>,
): SpanRecord | undefined {
  if (span.parentSpanId === "") return undefined;
  return index.get(spanKey({ traceId: span.traceId, spanId: span.parentSpanId }));
}

/** A child starts and ends inside its parent, give or take `slackNs` for clocks of two processes. */
export function childrenInsideParents(slackNs = 0n): Predicate {
  return (spans) => {
    const breaks = new Breaks("childrenInsideParents");
    const index = indexOf(spans);
    for (const span of spans) {
      const parent = parentOf(span, index);
      if (!parent) continue;
      if (span.startNs + slackNs < parent.startNs) {
        breaks.add(span, `${span.name} starts before its parent ${parent.name}`);
      }
      const late =
        parent.endNs !== undefined &&
        (span.endNs === undefined || span.endNs > parent.endNs + slackNs);
      if (late) breaks.add(span, `${span.name} ends after its parent ${parent.name}`);
    }
    return breaks.list;
  };
}

/** A recording of finished work has an end for every span, and each span once. */
export const everySpanEndsOnce: Predicate = (spans) => {
  const breaks = new Breaks("everySpanEndsOnce");
  const seen = new Set<string>();
  for (const span of spans) {
    if (seen.has(spanKey(span))) breaks.add(span, `${span.name} is there twice`);
    seen.add(spanKey(span));
    if (span.endNs === undefined) breaks.add(span, `${span.name} has no end`);
  }
  return breaks.list;
};

/** Only calls (kind server) may name a parent that the recording has not: the caller's. */
export const parentsArePresent: Predicate = (spans) => {
  const breaks = new Breaks("parentsArePresent");
  const index = indexOf(spans);
  for (const span of spans) {
    if (span.parentSpanId === "" || span.kind === "server" || parentOf(span, index)) continue;
    breaks.add(span, `${span.name} names a parent that is not there`);
  }
  return breaks.list;
};

/** Every step of ours is in the catalogue, and a failed one says which errno or code. */
export const stepsAreCatalogued: Predicate = (spans) => {
  const breaks = new Breaks("stepsAreCatalogued");
  for (const span of spans) {
    const id = stepIdOf(span);
    if (id === "") continue;
    const entry = entryOf(id);
    if (!entry) breaks.add(span, `${id} is not in the catalogue`);
    else if (span.name !== (entry.span ?? id)) breaks.add(span, `${id} is named ${span.name}`);
    if (span.status === "error" && !span.attributes.has(attribute.errorType)) {
      breaks.add(span, `${id} failed without ${attribute.errorType}`);
    }
  }
  return breaks.list;
};

/**
 * Ops grouped by the span they hang under and by Plan: one run of one Plan. A Plan has each op once,
 * so an op that comes again begins another run (two layer directories made under one span).
 */
function planRuns(spans: readonly SpanRecord[]): SpanRecord[][] {
  const runs: SpanRecord[][] = [];
  const current = new Map<string, { readonly run: SpanRecord[]; readonly ops: Set<string> }>();
  for (const span of [...spans].sort(byStart)) {
    if (!stepIdOf(span).startsWith("op.")) continue;
    const plan = stringAttribute(span.attributes, attribute.plan) ?? "";
    const key = `${span.traceId}-${span.parentSpanId}-${plan}`;
    const op = `${span.attributes.get(attribute.opIndex)} ${stepIdOf(span)}`;
    let known = current.get(key);
    if (known === undefined || known.ops.has(op)) {
      known = { run: [], ops: new Set() };
      current.set(key, known);
      runs.push(known.run);
    }
    known.run.push(span);
    known.ops.add(op);
  }
  return runs;
}

/** In a container's Plan, execve of init comes after pivot_root has ended. */
export const execveAfterPivotRoot: Predicate = (spans) => {
  const breaks = new Breaks("execveAfterPivotRoot");
  for (const run of planRuns(spans)) {
    const pivot = run.find((span) => stepIdOf(span) === "op.pivotRoot");
    if (!pivot) continue;
    for (const span of run) {
      const isInit = stringAttribute(span.attributes, attribute.process) === "init";
      if (stepIdOf(span) !== "op.execve" || !isInit) continue;
      if (pivot.status === "error" || pivot.endNs === undefined || span.startNs < pivot.endNs) {
        breaks.add(span, "execve ran before pivot_root had ended");
      }
    }
  }
  return breaks.list;
};

/** Ops of one process of a Plan run in the Plan's order, each after the one before has ended. */
export const opsInPlanOrder: Predicate = (spans) => {
  const breaks = new Breaks("opsInPlanOrder");
  for (const run of planRuns(spans)) {
    const last = new Map<string, SpanRecord>();
    for (const span of run) {
      const process = stringAttribute(span.attributes, attribute.process) ?? "";
      const before = last.get(process);
      const index = span.attributes.get(attribute.opIndex);
      const beforeIndex = before?.attributes.get(attribute.opIndex);
      if (typeof index === "number" && typeof beforeIndex === "number" && index <= beforeIndex) {
        breaks.add(span, `${stepIdOf(span)} (op ${index}) ran after op ${beforeIndex}`);
      }
      last.set(process, span);
    }
  }
  return breaks.list;
};

const lifecycle: readonly (readonly [first: string, then: string, key: string])[] = [
  ["cri.RunPodSandbox", "cri.CreateContainer", attribute.sandboxId],
  ["cri.CreateContainer", "cri.StartContainer", attribute.containerId],
];

/** A container is created after its sandbox is ready, and started after it is created. */
export const callsInLifecycleOrder: Predicate = (spans) => {
  const breaks = new Breaks("callsInLifecycleOrder");
  for (const [first, then, key] of lifecycle) {
    const done = new Map<string, SpanRecord>();
    for (const span of spans) {
      const id = stringAttribute(span.attributes, key);
      if (stepIdOf(span) === first && id !== undefined) done.set(id, span);
    }
    for (const span of spans) {
      if (stepIdOf(span) !== then || span.status === "error") continue;
      const id = stringAttribute(span.attributes, key);
      const before = id === undefined ? undefined : done.get(id);
      // A recording may begin in the middle of a pod's life.
      if (before && (before.endNs === undefined || before.endNs > span.startNs)) {
        breaks.add(span, `${then} began before ${first} had ended`);
      }
    }
  }
  return breaks.list;
};

/** All predicates that hold on a finished recording. */
export const recordingPredicates: readonly Predicate[] = [
  childrenInsideParents(),
  everySpanEndsOnce,
  parentsArePresent,
  stepsAreCatalogued,
  execveAfterPivotRoot,
  opsInPlanOrder,
  callsInLifecycleOrder,
];

/** Every break of every predicate. */
export function breaksOf(
  spans: readonly SpanRecord[],
  predicates: readonly Predicate[] = recordingPredicates,
): Break[] {
  return predicates.flatMap((predicate) => predicate(spans));
}

/** Of the live stream: numbers without holes but those a gap names, and one end for each start. */
export function breaksOfStream(messages: readonly TraceStreamMessage[]): Break[] {
  const breaks: Break[] = [];
  const add = (message: string, span = "") => breaks.push({ predicate: "stream", span, message });
  const ended = new Set<string>();
  let expected: number | undefined;
  for (const message of messages) {
    if (message.type === "hello") expected = message.nextSeq;
    if (message.type === "gap") {
      if (expected !== undefined && message.from !== expected)
        add(`gap from ${message.from}, expected ${expected}`);
      expected = message.to + 1;
    }
    if (message.type !== "start" && message.type !== "end") continue;
    const key = spanKey(message.span);
    if (expected !== undefined && message.seq !== expected) {
      add(`event ${message.seq}, expected ${expected}`, key);
    }
    expected = message.seq + 1;
    if (ended.has(key)) add(`${message.type} after its end`, key);
    if (message.type === "end") ended.add(key);
  }
  return breaks;
}
