/** One span between OTLP JSON and ours. Reading accepts whatever can be understood and bounds the rest. */
import type { OtlpSpan } from "./otlp-json.ts";
import {
  attributesFromOtlp,
  attributesToOtlp,
  boundedString,
  isObject,
  own,
} from "./otlp-value.ts";
import {
  later,
  type ResourceRecord,
  type SpanEventRecord,
  type SpanKind,
  type SpanLinkRecord,
  type SpanRecord,
} from "./span-record.ts";

const kinds: readonly SpanKind[] = [
  "internal",
  "internal",
  "server",
  "client",
  "producer",
  "consumer",
];
const kindNames: Readonly<Record<string, SpanKind>> = {
  SPAN_KIND_INTERNAL: "internal",
  SPAN_KIND_SERVER: "server",
  SPAN_KIND_CLIENT: "client",
  SPAN_KIND_PRODUCER: "producer",
  SPAN_KIND_CONSUMER: "consumer",
};
const eventsMax = 128;
const linksMax = 128;
const nameCharsMax = 1_024;
const nsMax = (1n << 63n) - 1n;

/** Unix nanoseconds of a JSON number or decimal string, clamped to what 63 bits hold. */
function nanoseconds(value: unknown): bigint | undefined {
  let ns: bigint;
  if (typeof value === "string" && /^\d{1,20}$/.test(value)) ns = BigInt(value);
  else if (typeof value === "number" && Number.isFinite(value) && value >= 0) {
    ns = BigInt(Math.round(value));
  } else return undefined;
  return ns > nsMax ? nsMax : ns;
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Ids are hex in OTLP JSON; writers that used plain protobuf JSON have base64, which is turned into hex. */
function hexId(value: unknown, bytes: number): string {
  if (typeof value !== "string") return "";
  const hex = value.toLowerCase();
  if (hex.length === bytes * 2 && /^[0-9a-f]+$/.test(hex)) return /^0+$/.test(hex) ? "" : hex;
  const text = value.replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/");
  if (text.length !== Math.ceil((bytes * 4) / 3)) return /^[0-9a-f]{1,32}$/.test(hex) ? hex : "";
  let bits = 0n;
  for (const digit of text) {
    const position = base64Digits.indexOf(digit);
    if (position < 0) return "";
    bits = (bits << 6n) | BigInt(position);
  }
  const spare = BigInt(text.length * 6 - bytes * 8);
  return (bits >> spare).toString(16).padStart(bytes * 2, "0");
}

function kindOf(value: unknown): SpanKind {
  if (typeof value === "number") return kinds[value] ?? "internal";
  if (typeof value === "string" && Object.hasOwn(kindNames, value)) {
    return kindNames[value] ?? "internal";
  }
  return "internal";
}

function statusOf(value: unknown): Pick<SpanRecord, "status" | "statusMessage"> {
  if (!isObject(value)) return { status: "unset", statusMessage: "" };
  const code = own(value, "code");
  const statusMessage = boundedString(own(value, "message"), 4_096);
  if (code === 2 || code === "STATUS_CODE_ERROR") return { status: "error", statusMessage };
  if (code === 1 || code === "STATUS_CODE_OK") return { status: "ok", statusMessage };
  return { status: "unset", statusMessage };
}

function eventsOf(value: unknown): SpanEventRecord[] {
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, eventsMax)
    .filter(isObject)
    .map((item) => ({
      name: boundedString(own(item, "name"), nameCharsMax),
      timeNs: nanoseconds(own(item, "timeUnixNano", "time_unix_nano")) ?? 0n,
      attributes: attributesFromOtlp(own(item, "attributes")),
    }));
}

function linksOf(value: unknown): SpanLinkRecord[] {
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, linksMax)
    .filter(isObject)
    .map((item) => ({
      traceId: hexId(own(item, "traceId", "trace_id"), 16),
      spanId: hexId(own(item, "spanId", "span_id"), 8),
    }))
    .filter((link) => link.spanId !== "");
}

/** A span from OTLP JSON; a sentence on what is wrong when it cannot be one. */
export function spanFromOtlp(
  value: unknown,
  resource: ResourceRecord,
  scope = "",
): SpanRecord | string {
  if (!isObject(value)) return "a span is not an object";
  const traceId = hexId(own(value, "traceId", "trace_id"), 16);
  const spanId = hexId(own(value, "spanId", "span_id"), 8);
  if (spanId === "") return "a span has no usable spanId";
  const startNs = nanoseconds(own(value, "startTimeUnixNano", "start_time_unix_nano"));
  if (startNs === undefined) return `span ${spanId} has no usable startTimeUnixNano`;
  const end = nanoseconds(own(value, "endTimeUnixNano", "end_time_unix_nano"));
  const parentSpanId = hexId(own(value, "parentSpanId", "parent_span_id"), 8);
  return {
    traceId,
    spanId,
    parentSpanId: parentSpanId === spanId ? "" : parentSpanId,
    name: boundedString(own(value, "name"), nameCharsMax),
    kind: kindOf(own(value, "kind")),
    startNs,
    // An end of 0 is how protobuf says "not set"; a clock that went back must not make a negative duration.
    endNs: end === undefined || end === 0n ? undefined : later(end, startNs),
    attributes: attributesFromOtlp(own(value, "attributes")),
    events: eventsOf(own(value, "events")),
    links: linksOf(own(value, "links")),
    ...statusOf(own(value, "status")),
    scope,
    resource,
  };
}

/** A span as OTLP JSON; empty parts are left out. */
export function spanToOtlp(span: SpanRecord): OtlpSpan {
  const code = span.status === "error" ? 2 : span.status === "ok" ? 1 : 0;
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === "" ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: kinds.lastIndexOf(span.kind),
    startTimeUnixNano: String(span.startNs),
    ...(span.endNs === undefined ? {} : { endTimeUnixNano: String(span.endNs) }),
    attributes: attributesToOtlp(span.attributes),
    ...(span.events.length === 0
      ? {}
      : {
          events: span.events.map((event) => ({
            timeUnixNano: String(event.timeNs),
            name: event.name,
            attributes: attributesToOtlp(event.attributes),
          })),
        }),
    ...(span.links.length === 0 ? {} : { links: span.links }),
    status: {
      ...(code === 0 ? {} : { code }),
      ...(span.statusMessage === "" ? {} : { message: span.statusMessage }),
    },
  };
}
