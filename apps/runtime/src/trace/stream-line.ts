/** Reading one line of the trace stream (stream-event.ts), checked, because a reader trusts no writer. */
import type { OtlpKeyValue, OtlpSpan } from "./otlp-json.ts";
import { isObject, own } from "./otlp-value.ts";
import type { TraceStreamMessage } from "./stream-event.ts";

function sequenceNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The message on a line, or a sentence on why it is none. Unknown kinds are undefined: newer writers may add some. */
export function parseStreamLine(line: string): TraceStreamMessage | string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "a line of the trace stream is not JSON";
  }
  if (!isObject(value)) return "a line of the trace stream is not an object";
  const type = own(value, "type");
  const seq = sequenceNumber(own(value, "seq"));
  if (type === "start" || type === "end") {
    const span = own(value, "span");
    if (seq === undefined || !isObject(span)) return `a ${type} has no sequence number or no span`;
    return { type, seq, span: span as unknown as OtlpSpan };
  }
  if (type === "gap") {
    const from = sequenceNumber(own(value, "from"));
    const to = sequenceNumber(own(value, "to"));
    if (from === undefined || to === undefined || to < from) return "a gap has no range";
    return { type, from, to };
  }
  if (type === "beat") {
    const time = own(value, "timeUnixNano");
    if (seq === undefined || typeof time !== "string") return "a beat has no number or no time";
    return { type, seq, timeUnixNano: time };
  }
  return type === "hello" ? hello(value) : undefined;
}

function hello(value: Record<string, unknown>): TraceStreamMessage | string {
  const version = own(value, "version");
  const session = own(value, "session");
  const nextSeq = sequenceNumber(own(value, "nextSeq"));
  const resource = own(value, "resource");
  if (version !== 1) return `the trace stream has version ${String(version)}, this reads version 1`;
  if (typeof session !== "string" || nextSeq === undefined) return "a hello has no session";
  return {
    type: "hello",
    version,
    session,
    nextSeq,
    resource: Array.isArray(resource) ? (resource as OtlpKeyValue[]) : [],
  };
}
