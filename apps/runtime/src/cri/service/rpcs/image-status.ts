/** Whether an image is here; the first half of every pull. */

import { rpc } from "../rpc.ts";
import { imageAttributes } from "../span-attributes.ts";

export const imageStatus = rpc("ImageStatus", {
  attributes: (request) => imageAttributes(request.image),
  call: (runtime, context, request) => runtime.imageStatus(context, request),
});
