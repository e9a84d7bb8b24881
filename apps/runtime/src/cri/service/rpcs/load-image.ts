/** Brings images from an archive on the daemon's file system (vitrine.v1.Admin). */
import { rpc } from "../rpc.ts";

export const loadImage = rpc("LoadImage", {
  attributes: (request) => ({ "vitrine.image.path": request.path }),
  call: (runtime, context, request) => runtime.loadImage(context, request),
});
