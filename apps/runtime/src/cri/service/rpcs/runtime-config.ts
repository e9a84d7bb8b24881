/** Which cgroup driver the kubelet must use. */
import { rpc } from "../rpc.ts";

export const runtimeConfig = rpc("RuntimeConfig", {
  poll: true,
  call: (runtime, context, request) => runtime.runtimeConfig(context, request),
});
