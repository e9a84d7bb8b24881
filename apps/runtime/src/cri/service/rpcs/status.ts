/** Whether pods can run here, and whether they would get a network. */
import { rpc } from "../rpc.ts";

export const status = rpc("Status", {
  poll: true,
  call: (runtime, context, request) => runtime.status(context, request),
});
