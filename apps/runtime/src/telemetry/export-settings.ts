/** What the standard OTEL_* variables ask for, read without loading any of the SDK. */
import type { ExportSampler } from "./live-tracer.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The OTLP protocol to export with; undefined when nothing asks for export. */
export function exportProtocol(env: Environment): string | undefined {
  const disabled = env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true";
  const exporters = env["OTEL_TRACES_EXPORTER"]?.split(",").map((name) => name.trim());
  if (disabled || exporters?.includes("none")) return undefined;
  const endpoint = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] || env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  if (!endpoint && !exporters?.includes("otlp")) return undefined;
  return (
    env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] ||
    env["OTEL_EXPORTER_OTLP_PROTOCOL"] ||
    "http/protobuf"
  );
}

/** Share of all traces that `ratio` lets through, by the low 56 bits of the trace id, as consistent sampling has it. */
function byRatio(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-14), 16) / 2 ** 56 >= 1 - ratio;
}

/** OTEL_TRACES_SAMPLER and its _ARG; parentbased_always_on when unset. */
export function exportSampler(env: Environment): ExportSampler {
  const name = env["OTEL_TRACES_SAMPLER"] || "parentbased_always_on";
  const argument = Number(env["OTEL_TRACES_SAMPLER_ARG"] ?? "1");
  const ratio = argument >= 0 && argument <= 1 ? argument : 1;
  const root = (traceId: string) => {
    if (name.endsWith("always_off")) return false;
    return name.endsWith("traceidratio") ? byRatio(traceId, ratio) : true;
  };
  return {
    samples(traceId, parent) {
      return parent !== undefined && name.startsWith("parentbased_")
        ? parent.sampled
        : root(traceId);
    },
  };
}

/** OTEL_RESOURCE_ATTRIBUTES (key=value, by comma, percent-encoded) and OTEL_SERVICE_NAME, which wins. */
export function resourceOverrides(env: Environment): ReadonlyMap<string, string> {
  const overrides = new Map<string, string>();
  for (const pair of env["OTEL_RESOURCE_ATTRIBUTES"]?.split(",") ?? []) {
    const at = pair.indexOf("=");
    if (at <= 0) continue;
    const value = pair.slice(at + 1).trim();
    try {
      overrides.set(pair.slice(0, at).trim(), decodeURIComponent(value));
    } catch {
      overrides.set(pair.slice(0, at).trim(), value);
    }
  }
  const service = env["OTEL_SERVICE_NAME"];
  if (service) overrides.set("service.name", service);
  return overrides;
}
