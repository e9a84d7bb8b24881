/** Tracing as a whole: tracer, ring, recorder and export, started and ended together. */
import { randomBytes } from "node:crypto";
import { resourceAttribute } from "../trace/attribute.ts";
import type { ResourceRecord } from "../trace/span-record.ts";
import type { AttributeValue, Tracer } from "../trace/tracer.ts";
import { exportIsAsked, resourceOverrides } from "./export-settings.ts";
import type { SpanSink } from "./live-span.ts";
import { LiveTracer, silentTracer } from "./live-tracer.ts";
import { Recorder } from "./recorder.ts";
import { TraceRing } from "./trace-ring.ts";
import { TraceServer } from "./trace-socket.ts";

export interface TelemetryOptions {
  /** Off: no spans at all; the trace stream stays silent. */
  readonly enabled: boolean;
  /** Part of the polls (List, Status, Version) that get a span, 0 to 1. */
  readonly pollRatio: number;
  /** Events the ring keeps for readers that come late or come back. */
  readonly ringEvents: number;
  /** File to record to; undefined records nothing. */
  readonly recordPath: string | undefined;
  readonly version: string;
  readonly mode: "real" | "sim";
  /** uname -r. */
  readonly kernelRelease: string;
  readonly architecture: string;
  readonly hostname: string;
  /** More attributes of the resource: the seed of a simulation. */
  readonly resource?: Readonly<Record<string, AttributeValue>>;
  /** Unix nanoseconds; the very clock that op times are translated with. */
  readonly nowNs: () => bigint;
  /** The process's own environment; the SDK reads the same. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told what goes wrong, once each. */
  readonly warn: (message: string) => void;
}

export interface Telemetry {
  readonly tracer: Tracer;
  readonly resource: ResourceRecord;
  /** Serves the trace stream; the caller has it listen. */
  readonly traceServer: TraceServer;
  /** Saves what can be saved in a process that is about to die. */
  flushNow(): void;
  /** Writes and sends what waits, at most `graceMs` long. */
  close(graceMs: number): Promise<void>;
}

function resourceOf(options: TelemetryOptions, session: string): ResourceRecord {
  const attributes = new Map<string, AttributeValue>([
    [resourceAttribute.serviceName, "vitrine"],
    [resourceAttribute.serviceVersion, options.version],
    ["service.instance.id", session],
    [resourceAttribute.mode, options.mode],
    [resourceAttribute.kernelRelease, options.kernelRelease],
    ["os.type", "linux"],
    ["os.version", options.kernelRelease],
    ["host.name", options.hostname],
    ["host.arch", options.architecture],
    ["container.runtime.name", "vitrine"],
    ["container.runtime.version", options.version],
    ["process.pid", process.pid],
    ["telemetry.sdk.language", "nodejs"],
    ["telemetry.sdk.name", "vitrine"],
    ["telemetry.sdk.version", options.version],
  ]);
  for (const [key, value] of Object.entries(options.resource ?? {})) attributes.set(key, value);
  for (const [key, value] of resourceOverrides(options.env)) attributes.set(key, value);
  return { attributes };
}

async function openExport(options: TelemetryOptions, resource: ResourceRecord) {
  if (!options.enabled || !exportIsAsked(options.env)) return undefined;
  const { startExport } = await import("./otlp-export.ts");
  return startExport(resource.attributes, options.version, options.warn);
}

/** Starts tracing. Rejects when the recording cannot be opened: whoever asked for one wants it. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const session = randomBytes(16).toString("hex");
  const resource = resourceOf(options, session);
  const ring = new TraceRing(options.ringEvents);
  const { recordPath: path, version, warn, nowNs } = options;
  const recorder =
    path === undefined || !options.enabled
      ? undefined
      : new Recorder({ path, resource, version, failed: warn });
  const exported = await openExport(options, resource);
  // The exporter first: whoever hears of a span after it knows whether it is sampled.
  const sinks: readonly SpanSink[] = [exported, ring, recorder].filter(
    (sink) => sink !== undefined,
  );
  const { pollRatio } = options;
  const tracer = options.enabled
    ? new LiveTracer({ resource, sinks, nowNs, pollRatio, random: Math.random })
    : silentTracer;
  const traceServer = new TraceServer({ ring, resource, session, nowNs });
  return {
    tracer,
    resource,
    traceServer,
    flushNow: () => recorder?.flushNow(),
    async close(graceMs) {
      traceServer.close();
      const patience = new Promise<void>((resolve) => setTimeout(resolve, graceMs).unref());
      await Promise.race([Promise.allSettled([recorder?.close(), exported?.close()]), patience]);
    },
  };
}
