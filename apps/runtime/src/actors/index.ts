export * from "./api-server.ts";
export * from "./cri-client.ts";
export * from "./kubelet.ts";
export * from "./pod-client.ts";
export * from "./pod-description.ts";
export * from "./pod-messages.ts";
export * from "./scheduler.ts";
