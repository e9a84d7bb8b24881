/** ExecSync: runs a command in a running container and returns its output and exit code. */
import type { ExecSyncRequest, ExecSyncResponse } from "../../api/index.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import { compileExec } from "../../oci/index.ts";
import { attribute } from "../../trace/attribute.ts";
import { type Context, step } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import { podAttributesOf } from "../pods/pod-record.ts";
import { filterOf } from "./compile-container.ts";
import { compiledOf } from "./compiled-container.ts";
import { type ContainerRecord, containerAttributesOf } from "./container-record.ts";
import { explainRefusal } from "./explain-refusal.ts";

const msPerSecond = 1000;

/**
 * A non-zero exit code is an answer, not an error.
 * @throws RuntimeError NOT_FOUND, FAILED_PRECONDITION when it does not run, INVALID_ARGUMENT for a command
 * that cannot be executed, DEADLINE_EXCEEDED when it took longer than `timeout`; it has been killed then.
 */
export async function execSync(
  parts: EngineParts,
  context: Context,
  request: ExecSyncRequest,
): Promise<ExecSyncResponse> {
  const record = parts.containers.need(request.containerId);
  const pod = parts.pods.get(record.podId);
  context.span?.set({
    ...(pod === undefined ? {} : podAttributesOf(pod)),
    ...containerAttributesOf(record),
  });
  if (request.timeout < 0) {
    throw new RuntimeError("INVALID_ARGUMENT", `timeout ${request.timeout} is negative`);
  }
  const { plan, process } = compileFor(parts, record, request.cmd);
  const shim = await parts.shims.need(record.podId);
  const result = await step(
    context,
    "container.exec",
    containerAttributesOf(record),
    async (stepContext, span) => {
      try {
        const done = await shim.exec(stepContext, record.id, plan, {
          stdoutBytesMax: parts.options.execOutputBytesMax,
          stderrBytesMax: parts.options.execOutputBytesMax,
          timeoutMs: request.timeout * msPerSecond,
          drainMs: parts.options.execDrainMs,
        });
        span.set({ [attribute.exitCode]: done.exitCode });
        return done;
      } catch (error) {
        throw explainRefusal(error, "exec", process);
      }
    },
  );
  if (result.timedOut) {
    throw new RuntimeError(
      "DEADLINE_EXCEEDED",
      `the command in container ${record.id} took longer than ${request.timeout} s and was killed`,
    );
  }
  const { stdout, stderr, exitCode } = result;
  return { stdout, stderr, exitCode };
}

/**
 * The Plan of one more process in `record`'s container.
 * @throws RuntimeError FAILED_PRECONDITION when the container does not run
 */
export function compileFor(
  parts: EngineParts,
  record: ContainerRecord,
  args: readonly string[],
  terminal = false,
): ReturnType<typeof compileExec> {
  if (record.state !== "running") {
    throw new RuntimeError("FAILED_PRECONDITION", `container ${record.id} is not running`);
  }
  const compiled = compiledOf(parts, record.id);
  if (compiled === undefined) {
    throw new RuntimeError("INTERNAL", `the OCI spec of container ${record.id} is lost`);
  }
  const { facts } = parts.world.kernel;
  return compileExec({
    facts,
    spec: compiled.spec,
    args,
    terminal,
    target: { pid: record.pid, startTime: record.startTime },
    seccompFilter: filterOf(parts, compiled.spec.linux.seccomp),
  });
}
