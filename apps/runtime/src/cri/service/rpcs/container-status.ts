/** State, exit code and times of one container. */

import { rpc } from "../rpc.ts";
import { containerId } from "../span-attributes.ts";

export const containerStatus = rpc("ContainerStatus", {
  poll: true,
  attributes: containerId,
  call: (runtime, context, request) => runtime.containerStatus(context, request),
});
