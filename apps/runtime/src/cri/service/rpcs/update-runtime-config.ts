/** The kubelet names the address range of this node's pods. */
import { rpc } from "../rpc.ts";

export const updateRuntimeConfig = rpc("UpdateRuntimeConfig", {
  call: (runtime, context, request) => runtime.updateRuntimeConfig(context, request),
});
