/**
 * A span as this project holds it in memory: what a line of a recording, an event of the trace stream
 * and a foreign tool's export all become. Attributes are Maps, so that hostile keys such as
 * "__proto__" are ordinary keys.
 */
import type { AttributeValue } from "./tracer.ts";

export type AttributeMap = ReadonlyMap<string, AttributeValue>;

export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";

export interface SpanEventRecord {
  readonly name: string;
  /** Unix nanoseconds. */
  readonly timeNs: bigint;
  readonly attributes: AttributeMap;
}

export interface SpanLinkRecord {
  readonly traceId: string;
  readonly spanId: string;
}

/** Who emitted spans: the OTLP resource. */
export interface ResourceRecord {
  readonly attributes: AttributeMap;
}

export interface SpanRecord {
  /** Lower-case hex, 32 and 16 digits when the writer kept to the standard. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Unix nanoseconds. */
  readonly startNs: bigint;
  /** Unix nanoseconds; undefined while the span is open. */
  readonly endNs: bigint | undefined;
  readonly attributes: AttributeMap;
  readonly events: readonly SpanEventRecord[];
  readonly links: readonly SpanLinkRecord[];
  readonly status: "unset" | "ok" | "error";
  readonly statusMessage: string;
  /** Name of the instrumentation scope; may be empty. */
  readonly scope: string;
  readonly resource: ResourceRecord;
}

export const emptyResource: ResourceRecord = { attributes: new Map() };

/** What identifies a span within a recording; span ids alone are unique within a trace only. */
export function spanKey(span: { readonly traceId: string; readonly spanId: string }): string {
  return `${span.traceId}-${span.spanId}`;
}

/** The attribute when it is a string, else undefined. */
export function stringAttribute(attributes: AttributeMap, key: string): string | undefined {
  const value = attributes.get(key);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Nanoseconds from start to end; undefined while open. */
export function durationNs(span: SpanRecord): bigint | undefined {
  return span.endNs === undefined ? undefined : span.endNs - span.startNs;
}

/** The later of two times (bigints, which Math.max does not take). */
export function later(a: bigint, b: bigint): bigint {
  if (a < b) return b;
  return a;
}
