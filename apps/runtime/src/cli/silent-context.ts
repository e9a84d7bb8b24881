/** Contexts for callers that keep no spans of their own. */
import { randomBytes } from "node:crypto";
import { silentTracer } from "../telemetry/live-tracer.ts";
import { remoteSpan } from "../trace/trace-context.ts";
import type { Context } from "../trace/tracer.ts";

/** Every call is a trace of its own. */
export function silentContext(signal?: AbortSignal): Context {
  return { tracer: silentTracer, span: undefined, signal };
}

/** All calls made with it become one trace, as a kubelet's of one pod do. */
export function oneTraceContext(signal?: AbortSignal): Context {
  const traceparent = `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
  return { tracer: silentTracer, span: remoteSpan(traceparent), signal };
}
