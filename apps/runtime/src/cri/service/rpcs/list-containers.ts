/** The containers of this node. */
import { rpc } from "../rpc.ts";

export const listContainers = rpc("ListContainers", {
  poll: true,
  call: (runtime, context, request) => runtime.listContainers(context, request),
});
