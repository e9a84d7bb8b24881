/** The pods of this node. */
import { rpc } from "../rpc.ts";

export const listPodSandbox = rpc("ListPodSandbox", {
  poll: true,
  call: (runtime, context, request) => runtime.listPodSandbox(context, request),
});
