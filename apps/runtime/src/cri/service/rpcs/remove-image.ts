/** Removes an image under all its names. */

import { rpc } from "../rpc.ts";
import { imageAttributes } from "../span-attributes.ts";

export const removeImage = rpc("RemoveImage", {
  attributes: (request) => imageAttributes(request.image),
  call: (runtime, context, request) => runtime.removeImage(context, request),
});
