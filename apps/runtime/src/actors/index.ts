export * from "./cri-client.ts";
export * from "./pod-client.ts";
export * from "./pod-description.ts";
export * from "./pod-messages.ts";
