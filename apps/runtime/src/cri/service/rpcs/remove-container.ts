/** Removes a container with its writable layer. */

import { rpc } from "../rpc.ts";
import { containerId } from "../span-attributes.ts";

export const removeContainer = rpc("RemoveContainer", {
  attributes: containerId,
  call: (runtime, context, request) => runtime.removeContainer(context, request),
});
