/**
 * The latest span events, numbered from 1 without holes, for readers of the trace stream. Keeps the spans
 * themselves; text is made when a reader wants it, so a runtime nobody watches pays nothing for it.
 */

import { spanToOtlp } from "../trace/otlp-span.ts";
import type { TraceStreamEvent } from "../trace/stream-event.ts";
import type { AttributeValue } from "../trace/tracer.ts";
import type { LiveSpan, SpanSink } from "./live-span.ts";

interface RingEntry {
  readonly span: LiveSpan;
  readonly type: "start" | "end";
  /** How many attributes the span had when it started; later ones are no part of a start. */
  readonly attributeCount: number;
  line: string | undefined;
}

export class TraceRing implements SpanSink {
  readonly #entries: (RingEntry | undefined)[];
  readonly #listeners = new Set<() => void>();
  #last = 0;

  /** `capacity`: events kept; a span is two. */
  constructor(capacity: number) {
    this.#entries = Array.from({ length: Math.max(2, capacity) });
  }

  /** Number of the last event; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Number of the oldest event still here; last + 1 when there is none. */
  get oldest(): number {
    return Math.max(1, this.#last - this.#entries.length + 1);
  }

  started(span: LiveSpan): void {
    this.#append({ span, type: "start", attributeCount: span.attributes.size, line: undefined });
  }

  ended(span: LiveSpan): void {
    this.#append({ span, type: "end", attributeCount: 0, line: undefined });
  }

  /** Calls `listener` after every event, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The line of event `seq`, newline included; undefined when the ring no longer or not yet has it. */
  line(seq: number): string | undefined {
    if (seq < this.oldest || seq > this.#last) return undefined;
    const entry = this.#entries[seq % this.#entries.length];
    if (entry === undefined) return undefined;
    entry.line ??= `${JSON.stringify(eventOf(entry, seq))}\n`;
    return entry.line;
  }

  #append(entry: RingEntry): void {
    this.#last += 1;
    this.#entries[this.#last % this.#entries.length] = entry;
    for (const listener of this.#listeners) listener();
  }
}

function firstAttributes(span: LiveSpan, count: number): Map<string, AttributeValue> {
  return new Map([...span.attributes].slice(0, count));
}

function eventOf(entry: RingEntry, seq: number): TraceStreamEvent {
  const { span, type } = entry;
  if (type === "end") return { type, seq, span: spanToOtlp(span) };
  const { traceId, spanId, parentSpanId, name, kind, startNs, scope, resource } = span;
  const started = spanToOtlp({
    traceId,
    spanId,
    parentSpanId,
    name,
    kind,
    startNs,
    endNs: undefined,
    attributes: firstAttributes(span, entry.attributeCount),
    events: [],
    links: [],
    status: "unset",
    statusMessage: "",
    scope,
    resource,
  });
  return { type, seq, span: started };
}
