/** What the standard OTEL_* variables say that matters before, or without, the SDK being loaded. */

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether anything asks for export: an endpoint, or an exporter by its name. The SDK is loaded only then. */
export function exportIsAsked(env: Environment): boolean {
  if (env["OTEL_SDK_DISABLED"]?.trim().toLowerCase() === "true") return false;
  const exporters = (env["OTEL_TRACES_EXPORTER"] ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (exporters.includes("none")) return false;
  const endpoint = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] || env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  return Boolean(endpoint) || exporters.length > 0;
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
