/** Lone containers with a user namespace of their own and without: what lessons and what-if compare. */
import { imageSpec } from "../../actors/pod-messages.ts";
import { PlanBuilder } from "../../kernel/plan.ts";
import type { OciIdMapping } from "../../oci/index.ts";
import type { Context } from "../../trace/tracer.ts";
import { shellImage } from "../pods.ts";
import type { Stage } from "../stage.ts";
import { LoneContainer, type LoneContainerOptions } from "./lone-container.ts";

/** As /etc/subuid gives them: root inside is 100000 outside, and the 65535 after it are its own, too. */
export const idMappings: readonly OciIdMapping[] = [
  { containerID: 0, hostID: 100_000, size: 65_536 },
];

/** A directory of the host that containers get, with a file in it that is for its root alone. */
export const sharedDirectory = "/srv/shared";
const mount = { containerPath: "/shared", hostPath: sharedDirectory };

export async function makeShared(stage: Stage, context: Context): Promise<void> {
  const key = new TextEncoder().encode("the host's key\n");
  const plan = new PlanBuilder("share a directory")
    .add("host", { op: "mkdir", path: sharedDirectory, mode: 0o755, parents: true })
    .add("host", {
      op: "writeFile",
      path: `${sharedDirectory}/admin.key`,
      data: key,
      mode: 0o600,
      how: "create",
    });
  await stage.world.kernel.run(context, plan.build());
}

export async function removeShared(stage: Stage, context: Context): Promise<void> {
  const plan = new PlanBuilder("share nothing").add("host", {
    op: "removeTree",
    path: sharedDirectory,
  });
  await stage.world.kernel.run(context, plan.build());
}

/** A container with a shell that has /shared; it is created and started by the caller. */
export async function shellContainer(
  stage: Stage,
  context: Context,
  options: Partial<LoneContainerOptions>,
): Promise<LoneContainer> {
  await stage.engine.pullImage(context, { image: imageSpec(shellImage) });
  const image = stage.engine.parts.images.resolve(shellImage);
  const bytes = [...stage.world.random.bytes(32)];
  const id = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const container = { mounts: [mount], ...options.container };
  return new LoneContainer(stage, { id, name: "inside", image, ...options, container });
}
