export * from "./capability.ts";
export * from "./errno.ts";
export * from "./errors.ts";
export * from "./kernel.ts";
export * from "./op.ts";
export * from "./plan.ts";
export * from "./world.ts";
