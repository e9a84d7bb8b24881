/** State and addresses of one pod. */

import { rpc } from "../rpc.ts";
import { sandboxId } from "../span-attributes.ts";

export const podSandboxStatus = rpc("PodSandboxStatus", {
  poll: true,
  attributes: sandboxId,
  call: (runtime, context, request) => runtime.podSandboxStatus(context, request),
});
