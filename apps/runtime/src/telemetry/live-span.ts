/**
 * A span of this process while it lives and after: what the engine writes to through `Span`, and what
 * the ring, the recorder and the OTLP exporter read as `SpanRecord`. A class of our own instead of
 * the SDK's: it costs a fifth, and a pod has hundreds (docs/tracing.md has the figures).
 */
import type { StepId } from "../trace/catalogue.ts";
import { redactAttribute, redactText } from "../trace/redact.ts";
import {
  later,
  type ResourceRecord,
  type SpanEventRecord,
  type SpanKind,
  type SpanLinkRecord,
  type SpanRecord,
} from "../trace/span-record.ts";
import type { Attributes, AttributeValue, Span } from "../trace/tracer.ts";

/** OpenTelemetry's default limit of attributes, and a bound on their length that keeps stream lines short. */
const attributesMax = 128;
const charactersMax = 4096;
const eventsMax = 128;

export const scopeName = "vitrine";

/** Who hears of spans. Both calls are made inside the runtime's own work and must return at once. */
export interface SpanSink {
  started(span: LiveSpan): void;
  ended(span: LiveSpan): void;
}

/** What all spans of a process share. */
export interface SpanOrigin {
  readonly resource: ResourceRecord;
  readonly sinks: readonly SpanSink[];
  /** Unix nanoseconds. */
  readonly nowNs: () => bigint;
}

export interface SpanIdentity {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly sampled: boolean;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startNs: bigint;
}

function bounded(value: AttributeValue): AttributeValue {
  if (typeof value === "string") {
    return value.length > charactersMax ? `${value.slice(0, charactersMax)}…` : value;
  }
  if (typeof value !== "object") return value;
  const items = value.length > attributesMax ? value.slice(0, attributesMax) : value;
  return items.map((item: string | number) => (typeof item === "string" ? bounded(item) : item)) as
    | readonly string[]
    | readonly number[];
}

function copyInto(target: Map<string, AttributeValue>, attributes: Attributes): void {
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined || (target.size >= attributesMax && !target.has(key))) continue;
    target.set(key, bounded(redactAttribute(key, value)));
  }
}

export class LiveSpan implements Span, SpanRecord {
  readonly #origin: SpanOrigin;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** Whether the span is exported, as a sampler decides at its start; the stream and recordings show every span. */
  sampled: boolean;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startNs: bigint;
  readonly scope = scopeName;
  readonly attributes = new Map<string, AttributeValue>();
  endNs: bigint | undefined;
  events: SpanEventRecord[] = [];
  links: SpanLinkRecord[] = [];
  status: "unset" | "error" = "unset";
  statusMessage = "";

  constructor(origin: SpanOrigin, identity: SpanIdentity) {
    this.#origin = origin;
    this.traceId = identity.traceId;
    this.spanId = identity.spanId;
    this.parentSpanId = identity.parentSpanId;
    this.sampled = identity.sampled;
    this.name = identity.name;
    this.kind = identity.kind;
    this.startNs = identity.startNs;
  }

  get resource(): ResourceRecord {
    return this.#origin.resource;
  }

  set(attributes: Attributes): void {
    if (this.endNs === undefined) copyInto(this.attributes, attributes);
  }

  event(name: string, attributes: Attributes = {}): void {
    if (this.endNs !== undefined || this.events.length >= eventsMax) return;
    const copy = new Map<string, AttributeValue>();
    copyInto(copy, attributes);
    this.events.push({ name, timeNs: this.#origin.nowNs(), attributes: copy });
  }

  fail(type: string, message: string): void {
    if (this.endNs !== undefined) return;
    this.attributes.set("error.type", type);
    this.status = "error";
    this.statusMessage = bounded(redactText(message)) as string;
  }

  link(traceId: string, spanId: string): void {
    if (this.endNs === undefined && this.links.length < eventsMax) {
      this.links.push({ traceId, spanId });
    }
  }

  end(endNs?: bigint): void {
    if (this.endNs !== undefined) return;
    const end = endNs ?? this.#origin.nowNs();
    this.endNs = later(end, this.startNs);
    for (const sink of this.#origin.sinks) sink.ended(this);
  }
}

/** Writes the first attributes, which the start event shows, before anybody hears of the span. */
export function announce(
  span: LiveSpan,
  origin: SpanOrigin,
  step: StepId,
  level: number,
  attributes: Attributes,
): void {
  span.attributes.set("vitrine.step", step);
  span.attributes.set("vitrine.level", level);
  copyInto(span.attributes, attributes);
  for (const sink of origin.sinks) sink.started(span);
}
