export * from "./catalogue.ts";
export * from "./lifeline.ts";
export * from "./tracer.ts";
