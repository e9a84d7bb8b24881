/**
 * Recovery: a daemon that starts finds records of an earlier one, and beside them shims, cgroups,
 * namespaces, mounts and files that may or may not belong to them. Everything is found by its id; every
 * item has a time of its own, and one bad item never keeps the daemon from starting.
 */
import { messageOf } from "../kernel/errors.ts";
import { PlanBuilder } from "../kernel/plan.ts";
import { type Context, step } from "../trace/tracer.ts";
import { killLeftovers, recordEnd } from "./containers/apply-exit.ts";
import { endUnseen } from "./containers/container-end.ts";
import { containerLifecycle } from "./containers/container-lifecycle.ts";
import type { EngineParts } from "./engine-parts.ts";
import { allows, next } from "./lifecycle.ts";
import { podLifecycle } from "./pods/pod-lifecycle.ts";
import { removePodSandbox } from "./pods/remove-pod-sandbox.ts";
import { reconcilePod } from "./reconcile-pod.ts";
import { removeOrphans } from "./remove-orphans.ts";

const podsAtOnce = 8;

/** Reconciles everything; what could not be mended is in `parts.recovery.problems` afterwards. */
export async function recover(parts: EngineParts, context: Context): Promise<void> {
  const problems = parts.recovery.problems;
  await step(context, "engine.recover", {}, async (stepContext, span) => {
    await makeDirectories(parts, stepContext);
    problems.push(...(await parts.snapshots.start(stepContext)));
    problems.push(...(await parts.images.start(stepContext)));
    for (const id of parts.pods.load()) problems.push(`pod record ${id} was broken and set aside`);
    for (const id of parts.containers.load()) {
      problems.push(`container record ${id} was broken and set aside`);
    }
    await reconcileAll(parts, stepContext);
    await endContainersWithoutPod(parts);
    problems.push(...(await removeOrphans(parts, stepContext)));
    span.set({
      "vitrine.recovery.pods": parts.pods.all().length,
      "vitrine.recovery.containers": parts.containers.all().length,
      "vitrine.recovery.problems": problems,
    });
  });
  parts.recovery.done = true;
}

/** Root is 0700, also when somebody made it otherwise; state can be passed, since user namespaces must. */
async function makeDirectories(parts: EngineParts, context: Context): Promise<void> {
  const { rootDirectory, stateDirectory } = parts.options;
  const plan = new PlanBuilder("make directories");
  for (const [path, mode] of [
    [rootDirectory, 0o700],
    [`${rootDirectory}/pods`, 0o700],
    [stateDirectory, 0o711],
    [`${stateDirectory}/pods`, 0o711],
    [`${stateDirectory}/containers`, 0o711],
    [`${stateDirectory}/shims`, 0o700],
  ] as const) {
    plan.add("host", { op: "mkdir", path, mode, parents: true });
    plan.add("host", { op: "chmod", path, mode });
  }
  await parts.world.kernel.run(context, plan.build());
}

async function reconcileAll(parts: EngineParts, context: Context): Promise<void> {
  const queue = [...parts.pods.all()];
  const worker = async (): Promise<void> => {
    for (let pod = queue.pop(); pod !== undefined; pod = queue.pop()) {
      const { id } = pod;
      await withinBudget(parts, `pod sandbox ${id}`, async () => {
        await parts.locks.run(context, id, () => reconcilePod(parts, context, id));
        if (parts.pods.get(id)?.state !== "removing") return;
        await removePodSandbox(parts, context, { podSandboxId: id });
      });
      settleUnasked(parts, id);
    }
  };
  await Promise.all(Array.from({ length: podsAtOnce }, worker));
}

/** Gives one item its time; then the others go on, and it may still end by itself. */
async function withinBudget(
  parts: EngineParts,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  const timer = new AbortController();
  const timeout = parts.world.clock.sleep(parts.options.recoveryItemMs, timer.signal).then(
    () => `it took longer than ${parts.options.recoveryItemMs} ms`,
    () => undefined,
  );
  const done = work().then(
    () => undefined,
    (error: unknown) => messageOf(error),
  );
  const problem = await Promise.race([done, timeout]);
  timer.abort();
  if (problem !== undefined) parts.recovery.problems.push(`${what}: ${problem}`);
}

/** A pod whose reconciliation did not come to an end is not ready, and of its containers nothing is known. */
function settleUnasked(parts: EngineParts, podId: string): void {
  const pod = parts.pods.get(podId);
  const stuck = parts.recovery.problems.some((problem) => problem.includes(podId));
  if (!stuck) return;
  if (pod?.state === "ready" || pod?.state === "creating") {
    parts.pods.update(podId, { state: next(podLifecycle, pod.state, "stop", podId) });
  }
  for (const record of parts.containers.all()) {
    if (record.podId !== podId || record.state === "exited") continue;
    if (!allows(containerLifecycle, record.state, "lost") || record.state === "removing") continue;
    const state = next(containerLifecycle, record.state, "lost", record.id);
    parts.containers.update(record.id, { state });
  }
}

/** Containers of a pod whose record is lost: nobody owns their shim, which is ended with the other orphans. */
async function endContainersWithoutPod(parts: EngineParts): Promise<void> {
  for (const record of parts.containers.all()) {
    if (parts.pods.get(record.podId) !== undefined) continue;
    try {
      await parts.shims.shutdown(record.podId);
      await killLeftovers(parts, record);
    } catch (error) {
      parts.recovery.problems.push(`container ${record.id}: ${messageOf(error)}`);
    }
    const end = endUnseen(
      parts.world.clock.nowNs(),
      record.startedAtNs,
      "the record of its pod sandbox is lost",
    );
    if (record.state === "creating") {
      const state = next(containerLifecycle, record.state, "lost", record.id);
      parts.containers.update(record.id, { state, end });
    } else recordEnd(parts, record, end);
  }
}
