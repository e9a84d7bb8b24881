export * from "./attribute.ts";
export * from "./catalogue.ts";
export * from "./lifeline.ts";
export * from "./otlp-json.ts";
export * from "./redact.ts";
export * from "./stream-event.ts";
export * from "./trace-context.ts";
export * from "./tracer.ts";
