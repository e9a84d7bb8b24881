export * from "./attribute.ts";
export * from "./catalogue.ts";
export * from "./lifeline.ts";
export * from "./otlp-json.ts";
export * from "./stream-event.ts";
export * from "./tracer.ts";
