/**
 * Gives back what a pod holds of the kernel: processes, network, mounts, cgroups. One path for
 * StopPodSandbox, for the rollback of a RunPodSandbox that failed and for recovery; it asks what is
 * there instead of trusting what was planned, so it may run any number of times.
 */
import { PlanBuilder } from "../../kernel/plan.ts";
import { type Context, step } from "../../trace/tracer.ts";
import { forgetCompiled } from "../containers/compiled-container.ts";
import { releaseContainerRoot } from "../containers/container-root.ts";
import type { EngineParts } from "../engine-parts.ts";
import { allows, next } from "../lifecycle.ts";
import { podPathsOf } from "../paths.ts";
import { releaseAll, together } from "../undo.ts";
import { releaseNetwork } from "./make-network.ts";
import { containerCgroups, madeCgroups, removeCgroupsPlan } from "./pod-cgroup.ts";
import { podLifecycle } from "./pod-lifecycle.ts";
import { type PodRecord, podAttributesOf } from "./pod-record.ts";
import { removeOwnCgroups } from "./remove-cgroups.ts";

/** @throws RuntimeError naming what could not be released; the record then still says notReady. */
export async function releasePod(
  parts: EngineParts,
  context: Context,
  record: PodRecord,
): Promise<void> {
  await step(context, "pod.release", podAttributesOf(record), async (stepContext) => {
    // CNI takes the longest by far, and none of the rest waits for it.
    await together([
      releaseNetwork(parts, stepContext, record),
      releaseAll([
        ["processes", () => endPodProcesses(parts, record)],
        ["pause container", () => releaseContainerRoot(parts, stepContext, record.id)],
        ["mounts and state", () => releasePodState(parts, stepContext, record)],
      ]),
    ]);
  });
  const current = parts.pods.get(record.id);
  if (current === undefined || !allows(podLifecycle, current.state, "released")) return;
  parts.pods.update(record.id, {
    state: next(podLifecycle, current.state, "released", record.id),
    pid: 0,
  });
}

/** Ends the shim and the pause container; without a shim the cgroup says which processes are left. */
async function endPodProcesses(parts: EngineParts, record: PodRecord): Promise<void> {
  await parts.shims.shutdown(record.id);
  parts.crashPoint("D4");
  const [cgroup] = pauseCgroups(parts, record);
  if (cgroup !== undefined) await parts.world.kernel.emptyCgroup(cgroup);
}

async function releasePodState(
  parts: EngineParts,
  context: Context,
  record: PodRecord,
): Promise<void> {
  const paths = podPathsOf(parts.options, record.id);
  const plan = new PlanBuilder("remove pod state")
    .add("host", { op: "umount", path: paths.shm, detach: true }, ["ENOENT", "EINVAL"])
    .add("host", { op: "removeTree", path: paths.stateDirectory }, ["ENOENT"])
    .add("host", { op: "removeTree", path: paths.shimDirectory }, ["ENOENT"]);
  await parts.world.kernel.run(context, plan.build());
  await removeOwnCgroups(parts, context, pauseCgroups(parts, record));
  parts.crashPoint("D5");
}

/** Directories of the pause container's cgroup, in every hierarchy. */
export function pauseCgroups(parts: EngineParts, record: PodRecord): readonly string[] {
  const { facts } = parts.world.kernel;
  return containerCgroups(facts, record.cgroupParent, parts.options.cgroupParentDefault, record.id);
}

/** Removes what is left of a released pod: its cgroup, its files, and last its record. */
export async function forgetPod(
  parts: EngineParts,
  context: Context,
  record: PodRecord,
): Promise<void> {
  const { kernel } = parts.world;
  const made = madeCgroups(kernel.facts, record.cgroupMade);
  // The levels of a parent that the client named may be of use to others by now.
  const named = (record.config.linux?.cgroupParent ?? "") !== "";
  if (named) await kernel.run(context, removeCgroupsPlan(made));
  else await removeOwnCgroups(parts, context, made);
  const { directory } = podPathsOf(parts.options, record.id);
  const plan = new PlanBuilder("remove pod files").add(
    "host",
    { op: "removeTree", path: directory },
    ["ENOENT"],
  );
  await kernel.run(context, plan.build());
  parts.crashPoint("D6");
  forgetCompiled(parts, record.id);
  parts.pods.delete(record.id);
}
