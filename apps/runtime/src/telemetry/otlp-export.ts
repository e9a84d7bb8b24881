/**
 * Export by OpenTelemetry's NodeSDK, which reads the standard OTEL_* variables itself: exporters,
 * protocol, endpoint, headers, sampler, limits, batches (opentelemetry.io/docs/specs/otel/configuration/
 * sdk-environment-variables). Every span of ours has a twin of the SDK's with the same ids and times,
 * which goes through its sampler and processors.
 *
 * Imported only when one of those variables asks for it: the SDK costs a second of start-up and 45 MB.
 */
import {
  context,
  DiagLogLevel,
  diag,
  type Attributes as OtelAttributes,
  type Context as OtelContext,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { core, NodeSDK, resources } from "@opentelemetry/sdk-node";
import type { AttributeMap } from "../trace/span-record.ts";
import { type LiveSpan, type SpanSink, scopeName } from "./live-span.ts";

function hrTime(ns: bigint): [number, number] {
  return [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)];
}

function attributesOf(map: AttributeMap): OtelAttributes {
  return Object.fromEntries(map) as OtelAttributes;
}

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** Gives the SDK the ids that the span has already; the SDK asks for them while it starts the twin. */
class GivenIds {
  traceId = "";
  spanId = "";
  readonly generateTraceId = (): string => this.traceId;
  readonly generateSpanId = (): string => this.spanId;
}

/** The parent as the SDK's sampler wants it: there, sampled or not, of another process or of this one. */
function parentOf(span: LiveSpan): OtelContext {
  if (span.parentSpanId === "") return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: span.traceId,
    spanId: span.parentSpanId,
    traceFlags: span.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: span.kind === "server",
  });
}

/** Spans as the SDK's, from their start to their end. */
export class OtlpExport implements SpanSink {
  readonly #sdk: NodeSDK;
  readonly #tracer: Tracer;
  readonly #ids: GivenIds;
  readonly #twins = new WeakMap<LiveSpan, OtelSpan>();

  constructor(sdk: NodeSDK, tracer: Tracer, ids: GivenIds) {
    this.#sdk = sdk;
    this.#tracer = tracer;
    this.#ids = ids;
  }

  /** The SDK's sampler decides here; children of the span start with what it decided. */
  started(span: LiveSpan): void {
    this.#ids.traceId = span.traceId;
    this.#ids.spanId = span.spanId;
    const options = {
      kind: kinds[span.kind],
      startTime: hrTime(span.startNs),
      attributes: attributesOf(span.attributes),
    };
    const twin = this.#tracer.startSpan(span.name, options, parentOf(span));
    span.sampled = (twin.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
    if (twin.isRecording()) this.#twins.set(span, twin);
  }

  ended(span: LiveSpan): void {
    const twin = this.#twins.get(span);
    if (twin === undefined) return;
    twin.setAttributes(attributesOf(span.attributes));
    for (const { name, timeNs, attributes } of span.events) {
      twin.addEvent(name, attributesOf(attributes), hrTime(timeNs));
    }
    for (const { traceId, spanId } of span.links) {
      twin.addLink({ context: { traceId, spanId, traceFlags: TraceFlags.SAMPLED } });
    }
    if (span.status === "error") {
      twin.setStatus({ code: SpanStatusCode.ERROR, message: span.statusMessage });
    }
    twin.end(hrTime(span.endNs ?? span.startNs));
  }

  /** Sends what waits and closes; another export may be started afterwards. */
  async close(): Promise<void> {
    await this.#sdk.shutdown();
    trace.disable();
    context.disable();
    diag.disable();
  }
}

/** Hears what the SDK complains of: settings it cannot use, collectors that do not answer. Each once. */
function listen(warn: (message: string) => void): void {
  const said = new Set<string>();
  const tell = (message: string): void => {
    if (said.has(message)) return;
    said.add(message);
    warn(`OTLP export: ${message}`);
  };
  const ignore = (): void => {};
  const logger = { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  core.setGlobalErrorHandler((error) => {
    tell(typeof error === "string" ? error : (error.message ?? error.name ?? "failed"));
  });
}

/**
 * Starts the SDK as the process's own environment says. `attributes` are the resource; what
 * OTEL_NODE_RESOURCE_DETECTORS names is added. Troubles go to `warn`, none of them ends the runtime.
 */
export function startExport(
  attributes: AttributeMap,
  version: string,
  warn: (message: string) => void,
): OtlpExport {
  listen(warn);
  const ids = new GivenIds();
  // What names the SDK is the SDK's to say, now that it is one.
  const ours = [...attributes].filter(([key]) => !key.startsWith("telemetry.sdk."));
  const sdk = new NodeSDK({
    resource: resources
      .defaultResource()
      .merge(resources.resourceFromAttributes(attributesOf(new Map(ours)))),
    autoDetectResources: process.env["OTEL_NODE_RESOURCE_DETECTORS"] !== undefined,
    idGenerator: ids,
    // Spans are all we have; callers' contexts are read where calls come in.
    textMapPropagator: null,
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  return new OtlpExport(sdk, trace.getTracer(scopeName, version), ids);
}
