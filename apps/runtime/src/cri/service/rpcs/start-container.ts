/** Lets the command of a created container run. */

import { rpc } from "../rpc.ts";
import { containerId } from "../span-attributes.ts";

export const startContainer = rpc("StartContainer", {
  attributes: containerId,
  call: (runtime, context, request) => runtime.startContainer(context, request),
});
