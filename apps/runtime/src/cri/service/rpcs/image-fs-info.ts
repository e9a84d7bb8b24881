/** How full the file system of the images is. */
import { rpc } from "../rpc.ts";

export const imageFsInfo = rpc("ImageFsInfo", {
  poll: true,
  call: (runtime, context, request) => runtime.imageFsInfo(context, request),
});
