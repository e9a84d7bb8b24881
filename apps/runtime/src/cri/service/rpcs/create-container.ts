/** Builds a container up to the moment before its command runs. */
import { attribute } from "../../../trace/attribute.ts";
import { rpc } from "../rpc.ts";
import { containerAttributes, podAttributes, sandboxId } from "../span-attributes.ts";

export const createContainer = rpc("CreateContainer", {
  attributes: (request) => ({
    ...sandboxId(request),
    ...podAttributes(request.sandboxConfig),
    ...containerAttributes(request.config),
  }),
  outcome: (response) => ({ [attribute.containerId]: response.containerId }),
  call: (runtime, context, request) => runtime.createContainer(context, request),
});
