/** Stop signal, grace period, SIGKILL. */

import { rpc } from "../rpc.ts";
import { containerId } from "../span-attributes.ts";

export const stopContainer = rpc("StopContainer", {
  attributes: (request) => ({
    ...containerId(request),
    "vitrine.stop.grace_seconds": request.timeout,
  }),
  call: (runtime, context, request) => runtime.stopContainer(context, request),
});
