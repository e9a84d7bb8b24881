/** Ends whatever runs in a pod and gives its network back. */

import { rpc } from "../rpc.ts";
import { sandboxId } from "../span-attributes.ts";

export const stopPodSandbox = rpc("StopPodSandbox", {
  attributes: sandboxId,
  call: (runtime, context, request) => runtime.stopPodSandbox(context, request),
});
