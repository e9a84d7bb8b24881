/** A tracer that keeps its spans in a list, for tests that look at what happened. */
import type { StepId } from "../../apps/runtime/src/trace/catalogue.ts";
import type {
  Attributes,
  Context,
  Span,
  SpanOptions,
  Tracer,
} from "../../apps/runtime/src/trace/tracer.ts";

export class RecordedSpan implements Span {
  readonly step: StepId;
  readonly parent: Span | undefined;
  readonly traceId: string;
  readonly spanId: string;
  attributes: Attributes;
  failure: { readonly type: string; readonly message: string } | undefined;
  readonly startNs: bigint;
  endNs: bigint | undefined;

  constructor(step: StepId, parent: Span | undefined, number: number, options?: SpanOptions) {
    this.step = step;
    this.parent = parent;
    this.spanId = number.toString(16).padStart(16, "0");
    this.traceId = parent?.traceId ?? number.toString(16).padStart(32, "0");
    this.attributes = options?.attributes ?? {};
    this.startNs = options?.startNs ?? process.hrtime.bigint();
  }

  set(attributes: Attributes): void {
    this.attributes = { ...this.attributes, ...attributes };
  }

  event(): void {}

  fail(type: string, message: string): void {
    this.failure = { type, message };
  }

  link(): void {}

  end(endNs?: bigint): void {
    this.endNs = endNs ?? process.hrtime.bigint();
  }
}

export class RecordingTracer implements Tracer {
  readonly spans: RecordedSpan[] = [];

  start(step: StepId, parent: Span | undefined, options?: SpanOptions): Span {
    const span = new RecordedSpan(step, parent, this.spans.length + 1, options);
    this.spans.push(span);
    return span;
  }

  /** A context without a span and without a deadline. */
  get context(): Context {
    return { tracer: this, span: undefined, signal: undefined };
  }
}
