/**
 * The tracing seam of the pure code: a `Context` goes down every call explicitly, and `step` opens a
 * span of the catalogue around a piece of work. OpenTelemetry stands behind it in the daemon, a
 * plain list in the simulator and in tests; nothing pure knows which.
 */
import type { StepId } from "./catalogue.ts";

export type AttributeValue = string | number | boolean | readonly string[] | readonly number[];
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

export interface SpanOptions {
  readonly attributes?: Attributes;
  /** Unix nanoseconds; unset means now. */
  readonly startNs?: bigint;
}

export interface Span {
  /** 32 and 16 lower-case hex digits (W3C trace context). */
  readonly traceId: string;
  readonly spanId: string;
  set(attributes: Attributes): void;
  event(name: string, attributes?: Attributes): void;
  /** Marks the span failed: `type` becomes error.type (errno or code name), `message` the status. */
  fail(type: string, message: string): void;
  /** Links to a span of another call, for example StartContainer to the RunPodSandbox it belongs to. */
  link(traceId: string, spanId: string): void;
  /** Ends the span, once; `endNs` in Unix nanoseconds, unset means now. */
  end(endNs?: bigint): void;
}

export interface Tracer {
  /** Starts a span; `parent` undefined makes a root. */
  start(step: StepId, parent: Span | undefined, options?: SpanOptions): Span;
}

/** What travels down every call of the runtime. */
export interface Context {
  readonly tracer: Tracer;
  readonly span: Span | undefined;
  /** Aborted when the caller gave up or its deadline passed. */
  readonly signal: AbortSignal | undefined;
}

/** Error types the span status shows; anything with a `code` or `errno` string has one. */
function errorType(error: unknown): string {
  if (typeof error === "object" && error !== null) {
    if ("errno" in error && typeof error.errno === "string") return error.errno;
    if ("code" in error && typeof error.code === "string") return error.code;
    if (error instanceof Error) return error.name;
  }
  return "error";
}

/** Runs `work` inside a new span of the catalogue; a thrown error fails the span and goes on up. */
export async function step<T>(
  context: Context,
  id: StepId,
  attributes: Attributes,
  work: (context: Context, span: Span) => Promise<T>,
): Promise<T> {
  const span = context.tracer.start(id, context.span, { attributes });
  try {
    return await work({ ...context, span }, span);
  } catch (error) {
    span.fail(errorType(error), error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    span.end();
  }
}

/** The same context without its deadline: for undo and other work that must not be cut short. */
export function withoutDeadline(context: Context): Context {
  return { ...context, signal: undefined };
}
