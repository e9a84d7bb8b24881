/**
 * UpdateContainerResources: changes the limits of a container while it is there; what is not given stays.
 * All of them or none: when the kernel refuses one, those already changed get their old values back.
 */
import type {
  LinuxContainerResources,
  UpdateContainerResourcesRequest,
  UpdateContainerResourcesResponse,
} from "../../api/index.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import type { HostFiles } from "../../kernel/kernel.ts";
import { type Plan, PlanBuilder } from "../../kernel/plan.ts";
import { cgroupPathOf, resolveResources, updateCgroupPlan } from "../../oci/index.ts";
import { type Context, step, withoutDeadline } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import { podAttributesOf } from "../pods/pod-record.ts";
import { stillThere } from "./apply-exit.ts";
import { type ContainerRecord, containerAttributesOf } from "./container-record.ts";
import { explainRefusal } from "./explain-refusal.ts";

/**
 * @throws RuntimeError NOT_FOUND, FAILED_PRECONDITION when it has exited, INVALID_ARGUMENT for limits
 * that the kernel does not take
 */
export async function updateContainerResources(
  parts: EngineParts,
  context: Context,
  request: UpdateContainerResourcesRequest,
): Promise<UpdateContainerResourcesResponse> {
  const { id } = parts.containers.need(request.containerId);
  const { linux } = request;
  if (linux === undefined) return {};
  await parts.locks.run(context, id, () => update(parts, context, stillThere(parts, id), linux));
  return {};
}

async function update(
  parts: EngineParts,
  context: Context,
  record: ContainerRecord,
  resources: LinuxContainerResources,
): Promise<void> {
  if (record.state !== "created" && record.state !== "running") {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      `container ${record.id} is ${record.state}: its limits cannot be changed`,
    );
  }
  const pod = parts.pods.need(record.podId);
  context.span?.set({ ...podAttributesOf(pod), ...containerAttributesOf(record) });
  const { kernel } = parts.world;
  const path = cgroupPathOf(pod.cgroupParent, parts.options.cgroupParentDefault, record.id);
  const wanted = resolveResources(kernel.facts, { resources, pidsLimit: 0 });
  const { plan, warnings } = updateCgroupPlan(kernel.facts, path, wanted);
  await step(
    context,
    "container.update",
    containerAttributesOf(record),
    async (stepContext, span) => {
      for (const warning of warnings) span.event("warning", { "vitrine.warning": warning });
      const undo = await undoOf(kernel.files, plan);
      try {
        await kernel.run(stepContext, plan);
      } catch (error) {
        await kernel.run(withoutDeadline(stepContext), undo);
        throw explainRefusal(error, "change limits");
      }
    },
  );
  parts.containers.update(record.id, { resources: merge(record.resources, resources) });
}

/** The longest value of a cgroup file: a list of many CPUs. */
const valueBytesMax = 64 * 1024;

/** The Plan that writes back what the files of `plan` hold now, the last one first; it fails at nothing. */
async function undoOf(files: HostFiles, plan: Plan): Promise<Plan> {
  const builder = new PlanBuilder("take limits back");
  for (const { op } of [...plan.steps].reverse()) {
    if (op.op !== "writeFile") continue;
    const data = await files.read(op.path, valueBytesMax);
    if (data !== undefined) builder.add("host", { ...op, data }, ["EINVAL", "EBUSY", "ENOENT"]);
  }
  return builder.build();
}

/** In the CRI 0, "" and an empty list all mean "not given". */
function merge(
  before: LinuxContainerResources | undefined,
  given: LinuxContainerResources,
): LinuxContainerResources {
  if (before === undefined) return given;
  const changed = Object.entries(given).filter(
    ([, value]) =>
      value !== 0 &&
      value !== "" &&
      !(typeof value === "object" && Object.keys(value).length === 0),
  );
  return { ...before, ...Object.fromEntries(changed) };
}
