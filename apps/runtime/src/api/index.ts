/** The CRI messages as TypeScript types. Decoded messages are complete; written ones may be a `Draft`. */
export type * from "./draft.ts";
export type * from "./gen/api.ts";
export type * from "./gen/config.ts";
export type * from "./gen/container.ts";
export type * from "./gen/image.ts";
export type * from "./gen/pod.ts";
export type * from "./gen/resources.ts";
export type * from "./gen/runtime.ts";
export type * from "./gen/security.ts";
export type * from "./gen/stats.ts";
export type * from "./gen/value.ts";
export type * from "./gen/vitrine.ts";
