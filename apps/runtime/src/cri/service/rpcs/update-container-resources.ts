/** New limits for a container that may be running. */

import { rpc } from "../rpc.ts";
import { containerId } from "../span-attributes.ts";

export const updateContainerResources = rpc("UpdateContainerResources", {
  attributes: containerId,
  call: (runtime, context, request) => runtime.updateContainerResources(context, request),
});
