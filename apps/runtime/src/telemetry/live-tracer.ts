/**
 * The daemon's Tracer. Names, kinds and levels come from the catalogue; ids and parents follow W3C trace
 * context; polls are sampled apart from everything else, because a kubelet polls every second and would
 * drown the pods it asks about.
 */
import { attribute } from "../trace/attribute.ts";
import { type CatalogueEntry, entryOf, type StepId } from "../trace/catalogue.ts";
import type { SpanKind } from "../trace/span-record.ts";
import type { RemoteSpan } from "../trace/trace-context.ts";
import type { Span, SpanOptions, Tracer } from "../trace/tracer.ts";
import { announce, LiveSpan, type SpanOrigin } from "./live-span.ts";
import { newSpanId, newTraceId } from "./span-ids.ts";

export interface LiveTracerOptions extends SpanOrigin {
  /** Part of the polls that get a span, 0 to 1. */
  readonly pollRatio: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** A span nobody sees: children of it are not seen either. Its ids still name the caller's trace. */
class UnseenSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;

  constructor(parent: Span | undefined) {
    this.traceId = parent?.traceId ?? newTraceId();
    this.spanId = parent?.spanId ?? newSpanId();
  }

  set(): void {}
  event(): void {}
  fail(): void {}
  link(): void {}
  end(): void {}
}

type EntryShape = Pick<CatalogueEntry, "span" | "level" | "from" | "to">;

/** A step the catalogue has forgotten is a fault of ours that a test finds; it must not end a daemon. */
const forgotten: EntryShape = { level: 3, from: "runtime", to: "runtime" };

function entryFor(step: StepId): EntryShape {
  return entryOf(step) ?? forgotten;
}

function kindOf(step: StepId): SpanKind {
  if (step.startsWith("cri.") || step.startsWith("admin.")) return "server";
  const { from, to } = entryFor(step);
  return from === "runtime" && (to === "cni" || to === "registry") ? "client" : "internal";
}

export class LiveTracer implements Tracer {
  readonly #options: LiveTracerOptions;

  constructor(options: LiveTracerOptions) {
    this.#options = options;
  }

  start(step: StepId, parent: Span | undefined, options: SpanOptions = {}): Span {
    if (parent instanceof UnseenSpan) return parent;
    const attributes = options.attributes ?? {};
    if (attributes[attribute.poll] === true && !this.#seesPoll()) return new UnseenSpan(parent);
    const traceId = parent?.traceId ?? newTraceId();
    const entry = entryFor(step);
    const span = new LiveSpan(this.#options, {
      traceId,
      spanId: newSpanId(),
      parentSpanId: parent?.spanId ?? "",
      sampled: sampledBy(parent),
      name: entry.span ?? step,
      kind: kindOf(step),
      startNs: options.startNs ?? this.#options.nowNs(),
    });
    announce(span, this.#options, step, entry.level, attributes);
    return span;
  }

  #seesPoll(): boolean {
    const { pollRatio, random } = this.#options;
    return pollRatio >= 1 || (pollRatio > 0 && random() < pollRatio);
  }
}

/** What the parent has decided about export; the SDK, where there is one, has the last word. */
function sampledBy(parent: Span | undefined): boolean {
  if (parent === undefined) return true;
  return parent instanceof LiveSpan ? parent.sampled : (parent as RemoteSpan).sampled;
}

/** The tracer when tracing is off: nothing is kept, trace ids of callers still travel on. */
export const silentTracer: Tracer = {
  start: (_step, parent) => (parent instanceof UnseenSpan ? parent : new UnseenSpan(parent)),
};
