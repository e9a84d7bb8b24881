/**
 * OTLP export by the standard OTEL_* variables (opentelemetry.io/docs/specs/otel/configuration/
 * sdk-environment-variables), with the SDK's own batch processor and exporters. Imported only when one
 * of those variables asks for it: the exporters cost start-up time and 20 MB of memory.
 */
import {
  type Attributes as OtelAttributes,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
} from "@opentelemetry/api";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import type { AttributeMap } from "../trace/span-record.ts";
import type { LiveSpan, SpanSink } from "./live-span.ts";
import { scopeName } from "./live-span.ts";

type HrTime = [number, number];

function hrTime(ns: bigint): HrTime {
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

function statusOf(span: LiveSpan): SpanStatus {
  return span.status === "error"
    ? { code: SpanStatusCode.ERROR, message: span.statusMessage }
    : { code: SpanStatusCode.UNSET };
}

function readable(span: LiveSpan, resource: Resource, version: string): ReadableSpan {
  const end = span.endNs ?? span.startNs;
  const { traceId, spanId, parentSpanId } = span;
  return {
    name: span.name,
    kind: kinds[span.kind],
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    ...(parentSpanId === ""
      ? {}
      : { parentSpanContext: { traceId, spanId: parentSpanId, traceFlags: 1 } }),
    startTime: hrTime(span.startNs),
    endTime: hrTime(end),
    duration: hrTime(end - span.startNs),
    status: statusOf(span),
    attributes: attributesOf(span.attributes),
    links: span.links.map((link) => ({ context: { ...link, traceFlags: 1 } })),
    events: span.events.map((event) => ({
      name: event.name,
      time: hrTime(event.timeNs),
      attributes: attributesOf(event.attributes),
    })),
    ended: true,
    resource,
    instrumentationScope: { name: scopeName, version },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

async function exporterFor(protocol: string): Promise<SpanExporter> {
  if (protocol === "grpc") {
    const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-grpc");
    return new OTLPTraceExporter();
  }
  if (protocol === "http/json") {
    const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
    return new OTLPTraceExporter();
  }
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
  return new OTLPTraceExporter();
}

/** Feeds sampled spans to the SDK's batch processor. */
export class OtlpExport implements SpanSink {
  readonly #processor: BatchSpanProcessor;
  readonly #resource: Resource;
  readonly #version: string;

  constructor(exporter: SpanExporter, attributes: AttributeMap, version: string) {
    this.#processor = new BatchSpanProcessor(exporter);
    this.#resource = resourceFromAttributes(attributesOf(attributes));
    this.#version = version;
  }

  started(): void {}

  ended(span: LiveSpan): void {
    if (span.sampled) this.#processor.onEnd(readable(span, this.#resource, this.#version));
  }

  /** Sends what waits and closes. */
  close(): Promise<void> {
    return this.#processor.shutdown();
  }
}

/** An export with the exporter of OTEL_EXPORTER_OTLP_(TRACES_)PROTOCOL: http/protobuf (default), http/json or grpc. */
export async function startExport(
  protocol: string,
  attributes: AttributeMap,
  version: string,
): Promise<OtlpExport> {
  return new OtlpExport(await exporterFor(protocol), attributes, version);
}
