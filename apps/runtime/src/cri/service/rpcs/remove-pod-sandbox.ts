/** Removes a pod with its records and files. */

import { rpc } from "../rpc.ts";
import { sandboxId } from "../span-attributes.ts";

export const removePodSandbox = rpc("RemovePodSandbox", {
  attributes: sandboxId,
  call: (runtime, context, request) => runtime.removePodSandbox(context, request),
});
