/** Makes a pod sandbox: the frame its containers will share. */
import { attribute } from "../../../trace/attribute.ts";
import { rpc } from "../rpc.ts";
import { podAttributes } from "../span-attributes.ts";

export const runPodSandbox = rpc("RunPodSandbox", {
  attributes: (request) => podAttributes(request.config),
  outcome: (response) => ({ [attribute.sandboxId]: response.podSandboxId }),
  call: (runtime, context, request) => runtime.runPodSandbox(context, request),
});
