/** ReopenContainerLog: the log file was renamed away; the shim goes on in a new one of the old name. */
import type { ReopenContainerLogRequest, ReopenContainerLogResponse } from "../../api/index.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import { type Context, step } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import { podAttributesOf } from "../pods/pod-record.ts";
import { containerAttributesOf } from "./container-record.ts";
import { explainRefusal } from "./explain-refusal.ts";

/** @throws RuntimeError NOT_FOUND, FAILED_PRECONDITION when it does not run; no file is made then. */
export async function reopenContainerLog(
  parts: EngineParts,
  context: Context,
  request: ReopenContainerLogRequest,
): Promise<ReopenContainerLogResponse> {
  const record = parts.containers.need(request.containerId);
  const pod = parts.pods.get(record.podId);
  context.span?.set({
    ...(pod === undefined ? {} : podAttributesOf(pod)),
    ...containerAttributesOf(record),
  });
  if (record.state !== "running") {
    throw new RuntimeError("FAILED_PRECONDITION", `container ${record.id} is not running`);
  }
  const shim = await parts.shims.need(record.podId);
  await step(context, "container.reopen_log", containerAttributesOf(record), async () => {
    try {
      await shim.reopenLog(record.id);
    } catch (error) {
      throw explainRefusal(error, "reopen container log", { logPath: record.logPath });
    }
  });
  return {};
}
