/** Brings an image from its registry. Credentials of the request never reach the span. */

import { rpc } from "../rpc.ts";
import { imageAttributes } from "../span-attributes.ts";

export const pullImage = rpc("PullImage", {
  attributes: (request) => imageAttributes(request.image),
  outcome: (response) => ({ "container.image.id": response.imageRef }),
  call: (runtime, context, request) => runtime.pullImage(context, request),
});
