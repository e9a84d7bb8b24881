/** The images of this node. */
import { rpc } from "../rpc.ts";

export const listImages = rpc("ListImages", {
  poll: true,
  call: (runtime, context, request) => runtime.listImages(context, request),
});
