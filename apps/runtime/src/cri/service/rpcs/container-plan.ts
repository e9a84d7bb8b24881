/** The Plan a container was created with (vitrine.v1.Admin). */

import { rpc } from "../rpc.ts";
import { containerId } from "../span-attributes.ts";

export const containerPlan = rpc("ContainerPlan", {
  attributes: containerId,
  call: (runtime, context, request) => runtime.containerPlan(context, request),
});
