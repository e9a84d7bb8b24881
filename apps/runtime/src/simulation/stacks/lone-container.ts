/**
 * A container without a pod, as docker run and ctr run make one: image, snapshot, shim, container, with the
 * engine's own parts for each, and nothing of sandboxes or CNI. Whoever calls gives the network.
 */
import type { ContainerDescription } from "../../actors/pod-description.ts";
import { containerConfig, sandboxConfig } from "../../actors/pod-messages.ts";
import {
  mountContainerRoot,
  releaseContainerRoot,
} from "../../engine/containers/container-root.ts";
import type { ImageRecord } from "../../engine/images/image-record.ts";
import type { ContainerExit, CreateOptions, Shim } from "../../kernel/kernel.ts";
import { type Plan, PlanBuilder } from "../../kernel/plan.ts";
import {
  type Compiled,
  type ContainerRequest,
  compileAlone,
  defaultRuntimeOptions,
  type OciIdMapping,
  type OciRlimit,
  prepareContainer,
  removeCgroupPlan,
  removeParentCgroupPlan,
} from "../../oci/index.ts";
import { attribute } from "../../trace/attribute.ts";
import { type Context, step } from "../../trace/tracer.ts";
import type { Stage } from "../stage.ts";

export interface LoneContainerOptions {
  readonly id: string;
  readonly name: string;
  readonly image: ImageRecord;
  readonly args?: readonly string[];
  /** Mounts, user, terminal and what else a container may ask for. */
  readonly container?: Partial<ContainerDescription>;
  /** Maps of a user namespace of its own; unset, root inside is root outside. */
  readonly idMappings?: readonly OciIdMapping[];
  /** Limits it starts with. */
  readonly rlimits?: readonly OciRlimit[];
  /** Bound network namespace to join; unset gives it one of its own with nothing in it. */
  readonly netnsPath?: string;
  /** Where its output goes; unset discards it. */
  readonly logPath?: string;
}

/** The top directory becomes that of the root inside; the image's files stay nobody's in there, and readable. */
function giveRoot(rootfs: string, idMappings: readonly OciIdMapping[]): Plan {
  const { hostID } = idMappings.find(({ containerID }) => containerID === 0) ?? { hostID: 0 };
  const chown = { op: "chown", path: rootfs, uid: hostID, gid: hostID } as const;
  return new PlanBuilder("give root file system").add("host", chown).build();
}

/** Directory of such containers in each cgroup hierarchy. */
const cgroupParent = "/lone";

/** The container's life in the hands of its caller: created, started, waited for, removed. */
export class LoneContainer {
  readonly #stage: Stage;
  readonly #options: LoneContainerOptions;
  #shim: Shim | undefined;
  #compiled: Compiled | undefined;
  #pid = 0;

  constructor(stage: Stage, options: LoneContainerOptions) {
    this.#stage = stage;
    this.#options = options;
  }

  /** Of its first process; 0 before it is created. */
  get pid(): number {
    return this.#pid;
  }

  get #attributes() {
    const { id, name } = this.#options;
    return { [attribute.containerId]: id, [attribute.containerName]: name };
  }

  #request(rootfs: string): ContainerRequest {
    const { id, name, image, args, rlimits } = this.#options;
    const more = { ...(args === undefined ? {} : { args }), ...this.#options.container };
    const container = { name, image: image.id, ...more };
    const pod = {
      name,
      namespace: "",
      uid: id,
      hostname: id.slice(0, 12),
      logDirectory: "",
      cgroupParent,
      containers: [container],
    };
    return {
      facts: this.#stage.world.kernel.facts,
      options: {
        ...defaultRuntimeOptions,
        unsetSeccompProfile: "runtime/default",
        ...(rlimits === undefined ? {} : { rlimits }),
      },
      id,
      podId: id,
      pod: sandboxConfig(pod),
      config: containerConfig(pod, container, image.id),
      image: image.config,
      rootfs,
      files: {},
    };
  }

  /**
   * Root file system, cgroup, shim, and the process that waits at the door. In a guest the first and the third
   * come from outside: then `quiet` is the context of what is no part of the story.
   */
  async create(context: Context, quiet: Context = context): Promise<void> {
    const { parts } = this.#stage.engine;
    const { kernel } = parts.world;
    const { id, image, netnsPath, idMappings } = this.#options;
    const rootfs = await mountContainerRoot(parts, quiet, id, image.chainId, false);
    if (idMappings !== undefined) await kernel.run(quiet, giveRoot(rootfs, idMappings));
    const request = this.#request(rootfs);
    const compiled = await step(context, "container.spec", this.#attributes, async () => {
      const groundwork = await prepareContainer(kernel.files, request);
      const { seccompProfile } = groundwork;
      return compileAlone(request, groundwork, {
        netnsPath,
        idMappings,
        ...(seccompProfile === undefined
          ? {}
          : { seccompFilter: kernel.compileSeccomp(seccompProfile) }),
      });
    });
    this.#compiled = compiled;
    await step(context, "container.cgroup", this.#attributes, (inner) =>
      kernel.run(inner, compiled.cgroupPlan),
    );
    const shim = await step(quiet, "pod.shim", {}, async (inner, span) => {
      await kernel.run(inner, this.#shimDirectory("mkdir"));
      const started = await parts.shims.start(inner, id);
      span.set({ [attribute.pid]: started.pid });
      return started;
    });
    this.#shim = shim;
    await step(context, "container.create", this.#attributes, async (inner, span) => {
      this.#pid = (await shim.create(inner, this.#createRequest(compiled))).pid;
      span.set({ [attribute.pid]: this.#pid });
    });
  }

  #createRequest({ plan, cgroupPaths }: Compiled): CreateOptions {
    const { id, logPath, container } = this.#options;
    const io = {
      ...(logPath === undefined ? {} : { logPath }),
      logLineBytesMax: 16_384,
      terminal: container?.tty ?? false,
      stdin: false,
      stdinOnce: false,
    };
    return { containerId: id, plan, io, cgroupPaths };
  }

  async start(context: Context): Promise<void> {
    await step(context, "container.start", this.#attributes, async (inner) => {
      await this.#shim?.start(inner, this.#options.id);
    });
  }

  #shimDirectory(what: "mkdir" | "removeTree"): Plan {
    const path = `${this.#stage.engine.parts.options.stateDirectory}/shims/${this.#options.id}`;
    const builder = new PlanBuilder("shim directory");
    if (what === "removeTree")
      return builder.add("host", { op: "removeTree", path }, ["ENOENT"]).build();
    return builder.add("host", { op: "mkdir", path, mode: 0o711, parents: true }).build();
  }

  /** How it ended. */
  async wait(): Promise<ContainerExit | undefined> {
    return this.#shim?.wait(this.#options.id);
  }

  async kill(signal: number): Promise<void> {
    await this.#shim?.kill(this.#options.id, signal, false);
  }

  /** Everything it had, in reverse. */
  async remove(context: Context): Promise<void> {
    const { parts } = this.#stage.engine;
    const { id } = this.#options;
    await step(context, "container.release", this.#attributes, async (inner) => {
      await this.#shim?.remove(id);
      await parts.shims.shutdown(id);
      await parts.world.kernel.run(inner, this.#shimDirectory("removeTree"));
      const { kernel } = parts.world;
      for (const path of this.#compiled?.cgroupPaths ?? []) await kernel.emptyCgroup(path);
      await kernel.run(inner, removeCgroupPlan(kernel.facts, `${cgroupParent}/${id}`));
      await kernel.run(inner, removeParentCgroupPlan(kernel.facts, cgroupParent));
      await releaseContainerRoot(parts, inner, id);
    });
  }
}
