/**
 * A tracer that keeps its spans in a list: what simulations and tests record with. Ids come from a counter,
 * so that the same run makes the same recording, byte for byte.
 */
import { attribute } from "./attribute.ts";
import { entryOf, type StepId } from "./catalogue.ts";
import { redactAttribute, redactText } from "./redact.ts";
import {
  later,
  type ResourceRecord,
  type SpanEventRecord,
  type SpanKind,
  type SpanLinkRecord,
  type SpanRecord,
} from "./span-record.ts";
import type { Attributes, AttributeValue, Span, SpanOptions, Tracer } from "./tracer.ts";

export interface ListTracerOptions {
  readonly resource: ResourceRecord;
  /** Virtual Unix time, ns. */
  readonly nowNs: () => bigint;
  /** Mixed into the ids, so that recordings of two seeds can stand beside each other. */
  readonly seed: number;
  /** Told of every start and end, for a live picture. */
  readonly changed?: (span: ListSpan) => void;
  /** Keeps no spans, only tells `changed`: for endless runs. */
  readonly forget?: boolean;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function kindOf(step: StepId): SpanKind {
  if (step.startsWith("cri.") || step.startsWith("admin.")) return "server";
  const entry = entryOf(step);
  return entry?.from === "runtime" && (entry.to === "cni" || entry.to === "registry")
    ? "client"
    : "internal";
}

interface StepLook {
  readonly name: string;
  readonly kind: SpanKind;
  readonly level: number;
}

/** What spans of a step have in common, worked out once. */
const looks = new Map<StepId, StepLook>();

function lookOf(step: StepId): StepLook {
  let look = looks.get(step);
  if (look === undefined) {
    const entry = entryOf(step);
    look = { name: entry?.span ?? step, kind: kindOf(step), level: entry?.level ?? 3 };
    looks.set(step, look);
  }
  return look;
}

export class ListSpan implements Span, SpanRecord {
  readonly #tracer: ListTracer;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startNs: bigint;
  readonly scope = "vitrine";
  readonly attributes = new Map<string, AttributeValue>();
  endNs: bigint | undefined;
  events: SpanEventRecord[] = [];
  links: SpanLinkRecord[] = [];
  status: "unset" | "error" = "unset";
  statusMessage = "";

  constructor(
    tracer: ListTracer,
    step: StepId,
    ids: { readonly traceId: string; readonly spanId: string; readonly parentSpanId: string },
    options: SpanOptions,
  ) {
    this.#tracer = tracer;
    this.traceId = ids.traceId;
    this.spanId = ids.spanId;
    this.parentSpanId = ids.parentSpanId;
    const { name, kind, level } = lookOf(step);
    this.name = name;
    this.kind = kind;
    this.startNs = options.startNs ?? tracer.options.nowNs();
    this.attributes.set(attribute.step, step);
    this.attributes.set("vitrine.level", level);
    if (options.attributes !== undefined) this.set(options.attributes);
  }

  get resource(): ResourceRecord {
    return this.#tracer.options.resource;
  }

  set(attributes: Attributes): void {
    if (this.endNs !== undefined) return;
    for (const key in attributes) {
      const value = attributes[key];
      if (value !== undefined) this.attributes.set(key, redactAttribute(key, value));
    }
  }

  event(name: string, attributes: Attributes = {}): void {
    if (this.endNs !== undefined) return;
    const copy = new Map<string, AttributeValue>();
    for (const key in attributes) {
      const value = attributes[key];
      if (value !== undefined) copy.set(key, redactAttribute(key, value));
    }
    this.events.push({ name, timeNs: this.#tracer.options.nowNs(), attributes: copy });
  }

  fail(type: string, message: string): void {
    if (this.endNs !== undefined) return;
    this.attributes.set(attribute.errorType, type);
    this.status = "error";
    this.statusMessage = redactText(message);
  }

  link(traceId: string, spanId: string): void {
    if (this.endNs === undefined) this.links.push({ traceId, spanId });
  }

  end(endNs?: bigint): void {
    if (this.endNs !== undefined) return;
    this.endNs = later(endNs ?? this.#tracer.options.nowNs(), this.startNs);
    this.#tracer.options.changed?.(this);
  }
}

export class ListTracer implements Tracer {
  readonly options: ListTracerOptions;
  readonly spans: ListSpan[] = [];
  /** The first digits of every id. */
  readonly #high: string;
  #count = 0;

  constructor(options: ListTracerOptions) {
    this.options = options;
    this.#high = hex(options.seed >>> 0, 8);
  }

  start(step: StepId, parent: Span | undefined, options: SpanOptions = {}): Span {
    const number = ++this.#count;
    const ids = {
      traceId: parent?.traceId ?? this.#high + hex(number, 24),
      spanId: this.#high + hex(number, 8),
      parentSpanId: parent?.spanId ?? "",
    };
    const span = new ListSpan(this, step, ids, options);
    if (this.options.forget !== true) this.spans.push(span);
    this.options.changed?.(span);
    return span;
  }
}
