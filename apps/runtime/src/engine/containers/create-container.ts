/**
 * CreateContainer: root file system, cgroup and a process that waits, everything set up, right before
 * execve. Whatever is wrong with the config is said here, not when the container starts.
 */
import type { CreateContainerRequest, CreateContainerResponse } from "../../api/index.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import type { ContainerIo } from "../../kernel/kernel.ts";
import { PlanBuilder } from "../../kernel/plan.ts";
import { attribute } from "../../trace/attribute.ts";
import { type Context, step } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import { containerNameOf, newId } from "../identifiers.ts";
import type { ImageRecord } from "../images/images.ts";
import { throwIfGivenUp } from "../keyed-locks.ts";
import { next } from "../lifecycle.ts";
import { containerCgroups } from "../pods/pod-cgroup.ts";
import { type PodRecord, podAttributesOf, podMetadataOf } from "../pods/pod-record.ts";
import { type Undo, withUndo } from "../undo.ts";
import { stillThere } from "./apply-exit.ts";
import { type CheckedContainerConfig, checkContainerConfig } from "./check-container-config.ts";
import { type ContainerCompilation, compileForContainer } from "./compile-container.ts";
import { containerLifecycle } from "./container-lifecycle.ts";
import { type ContainerRecord, containerAttributesOf } from "./container-record.ts";
import { explainRefusal } from "./explain-refusal.ts";
import { forgetContainer, releaseContainer } from "./remove-container.ts";
import { chooseStopSignal } from "./stop-signal.ts";

/**
 * @throws RuntimeError NOT_FOUND for an unknown pod or image, FAILED_PRECONDITION when the pod is not
 * READY, INVALID_ARGUMENT for a bad config, ALREADY_EXISTS when the name is taken, DEADLINE_EXCEEDED when
 * the caller's deadline passed; nothing is left then.
 */
export async function createContainer(
  parts: EngineParts,
  context: Context,
  request: CreateContainerRequest,
): Promise<CreateContainerResponse> {
  const pod = parts.pods.need(request.podSandboxId);
  context.span?.set(podAttributesOf(pod));
  const checked = checkContainerConfig(request, pod);
  const image = parts.images.resolve(checked.image);
  const name = containerNameOf(checked.metadata, podMetadataOf(pod));
  const id = newId(parts.world.random);
  // A caller that gave up and tries again waits here until its first try has been rolled back.
  return await parts.locks.run(context, `container-name ${name}`, () =>
    parts.locks.run(context, id, () =>
      withUndo(context, async (undo) => {
        const record = await reserve(parts, context, undo, { id, name, pod, checked, image });
        context.span?.set(containerAttributesOf(record));
        await build(parts, context, record, image);
        parts.crashPoint("C7");
        return { containerId: id };
      }),
    ),
  );
}

interface Reservation {
  readonly id: string;
  readonly name: string;
  readonly pod: PodRecord;
  readonly checked: CheckedContainerConfig;
  readonly image: ImageRecord;
}

/** Records the intent, and with it reserves the name. From here on the pod's Stop and Remove see the container. */
async function reserve(
  parts: EngineParts,
  context: Context,
  undo: Undo,
  { id, name, pod, checked, image }: Reservation,
): Promise<ContainerRecord> {
  const { facts } = parts.world.kernel;
  const { config, logPath } = checked;
  const resources = config.linux?.resources;
  const record: ContainerRecord = {
    version: 1,
    id,
    name,
    podId: pod.id,
    state: containerLifecycle.initial,
    config,
    imageId: image.id,
    createdAtNs: parts.world.clock.nowNs().toString(),
    startedAtNs: "0",
    logPath,
    stopSignal: chooseStopSignal(config.stopSignal, image.config.StopSignal),
    ...(resources === undefined ? {} : { resources }),
    cgroupPaths: containerCgroups(facts, pod.cgroupParent, parts.options.cgroupParentDefault, id),
    sharesPids: (config.linux?.securityContext?.namespaceOptions?.pid ?? "POD") !== "CONTAINER",
    pid: 0,
    startTime: 0,
  };
  await step(context, "container.reserve", { "vitrine.reserved_name": name }, async () => {
    // No other call comes between this look at the pod and the record: both are one synchronous step.
    if (parts.pods.get(pod.id)?.state !== "ready") {
      throw new RuntimeError("FAILED_PRECONDITION", `pod sandbox ${pod.id} is not ready`);
    }
    parts.crashPoint("C1");
    parts.containers.create(record);
    parts.crashPoint("C2");
  });
  undo.defer("the record", (undoContext, failures) => {
    if (failures.length === 0) return forgetContainer(parts, id);
    const state = next(containerLifecycle, stillThere(parts, id).state, "lost", id);
    parts.containers.update(id, { state });
    return undoContext;
  });
  undo.defer("what the kernel holds of it", (undoContext) =>
    releaseContainer(parts, undoContext, record),
  );
  return record;
}

async function build(
  parts: EngineParts,
  context: Context,
  record: ContainerRecord,
  image: ImageRecord,
): Promise<void> {
  const pod = parts.pods.need(record.podId);
  const compilation = await compileForContainer(parts, context, pod, record, image);
  throwIfGivenUp(context);
  const { compiled, user } = compilation;
  const logPath = await makeLogDirectory(parts, context, pod, record);
  await makeCgroup(parts, context, record, compilation);
  const shim = await parts.shims.need(record.podId);
  const created = await step(
    context,
    "container.create",
    containerAttributesOf(record),
    async (stepContext, span) => {
      try {
        const init = await shim.create(stepContext, {
          containerId: record.id,
          plan: compiled.plan,
          io: ioOf(parts, record, logPath),
          cgroupPaths: compiled.cgroupPaths,
        });
        span.set({ [attribute.pid]: init.pid });
        return init;
      } catch (error) {
        throw explainRefusal(error, "create container", {
          ...compiled.spec.process,
          logPath: record.logPath,
        });
      }
    },
  );
  throwIfGivenUp(context);
  parts.containers.update(record.id, {
    state: next(containerLifecycle, stillThere(parts, record.id).state, "created", record.id),
    pid: created.pid,
    startTime: created.startTime,
    user: { uid: user.uid, gid: user.gid, supplementalGroups: user.groups },
  });
  parts.crashPoint("C6");
}

/**
 * The log directory of the pod, which belongs to the client and stays, and where the container's log is
 * to be opened. The directory may lie behind symbolic links (a /var/log on another disk); below it a
 * container may have planted some, so the shim, which makes what is missing there, follows none.
 */
async function makeLogDirectory(
  parts: EngineParts,
  context: Context,
  pod: PodRecord,
  { logPath }: ContainerRecord,
): Promise<string> {
  if (logPath === "") return "";
  const { kernel } = parts.world;
  const directory = pod.config.logDirectory.replace(/\/+$/, "");
  const plan = new PlanBuilder("make log directory");
  plan.add("host", { op: "mkdir", path: directory || "/", mode: 0o755, parents: true });
  try {
    await kernel.run(context, plan.build());
  } catch (error) {
    throw explainRefusal(error, "make log directory");
  }
  const real = (await kernel.files.real(directory || "/")) ?? directory;
  return `${real.replace(/\/+$/, "")}${logPath.slice(directory.length)}`;
}

async function makeCgroup(
  parts: EngineParts,
  context: Context,
  record: ContainerRecord,
  { compiled }: ContainerCompilation,
): Promise<void> {
  await step(context, "container.cgroup", containerAttributesOf(record), async (stepContext) => {
    try {
      await parts.world.kernel.run(stepContext, compiled.cgroupPlan);
    } catch (error) {
      throw explainRefusal(error, "make cgroup");
    }
  });
}

function ioOf(parts: EngineParts, { config }: ContainerRecord, logPath: string): ContainerIo {
  return {
    ...(logPath === "" ? {} : { logPath }),
    logLineBytesMax: parts.options.logLineBytesMax,
    terminal: config.tty,
    stdin: config.stdin,
    stdinOnce: config.stdinOnce,
  };
}
