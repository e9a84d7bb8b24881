/**
 * W3C trace context (https://www.w3.org/TR/trace-context/): how a span of another process becomes the
 * parent of ours, and ours the parent of one elsewhere (gRPC metadata, TRACEPARENT of a CNI plugin).
 */
import type { Span } from "./tracer.ts";

/** A span that lives in another process: it can be a parent, nothing else. */
export interface RemoteSpan extends Span {
  /** Whether the caller keeps its trace; decides about export, never about the live stream. */
  readonly sampled: boolean;
  readonly traceState: string | undefined;
}

const traceparentForm = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

function nothing(): void {}

/**
 * The span a `traceparent` names; undefined when the value is not well formed (section 3.2.2: such a
 * header is ignored, the call is served all the same).
 */
export function remoteSpan(traceparent: string, traceState?: string): RemoteSpan | undefined {
  const [, version, traceId, spanId, flags, rest] = traceparentForm.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return {
    traceId,
    spanId,
    sampled: (Number.parseInt(flags, 16) & 1) === 1,
    traceState: traceState === "" ? undefined : traceState,
    set: nothing,
    event: nothing,
    fail: nothing,
    link: nothing,
    end: nothing,
  };
}

/** The `traceparent` that makes `span` the parent of what another process does. */
export function traceparentOf(span: Span): string {
  return `00-${span.traceId}-${span.spanId}-01`;
}
