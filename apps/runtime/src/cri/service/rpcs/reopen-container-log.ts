/** The log file was renamed: open a new one. */

import { rpc } from "../rpc.ts";
import { containerId } from "../span-attributes.ts";

export const reopenContainerLog = rpc("ReopenContainerLog", {
  attributes: containerId,
  call: (runtime, context, request) => runtime.reopenContainerLog(context, request),
});
