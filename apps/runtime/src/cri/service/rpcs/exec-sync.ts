/** Runs one more command in a container and captures its output. */
import { attribute } from "../../../trace/attribute.ts";
import { rpc } from "../rpc.ts";
import { containerId } from "../span-attributes.ts";

export const execSync = rpc("ExecSync", {
  attributes: containerId,
  outcome: (response) => ({ [attribute.exitCode]: response.exitCode }),
  call: (runtime, context, request) => runtime.execSync(context, request),
});
