/** Who answers and which API it speaks. */
import { rpc } from "../rpc.ts";

export const version = rpc("Version", {
  poll: true,
  call: (runtime, context, request) => runtime.version(context, request),
});
