/**
 * The root file system of a container, or of a pause container, on the host: a snapshot of the image,
 * mounted at `containers/<id>/rootfs`. It is found again by the container's id alone.
 */
import { PlanBuilder } from "../../kernel/plan.ts";
import type { Context } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import { containerPathsOf } from "../paths.ts";
import { releaseImageMounts } from "./image-mounts.ts";

/** Directories below the state directory hold nothing secret; a user namespace must be able to pass. */
const directoryMode = 0o711;

/** Makes the snapshot and mounts it; returns the path of the root. Undo is `releaseContainerRoot`. */
export async function mountContainerRoot(
  parts: EngineParts,
  context: Context,
  id: string,
  chainId: string,
  readonly: boolean,
): Promise<string> {
  const { rootfs } = containerPathsOf(parts.options, id);
  const mount = await parts.snapshots.prepare(context, id, chainId, { readonly });
  const plan = new PlanBuilder("mount root file system").add("host", {
    op: "mkdir",
    path: rootfs,
    mode: directoryMode,
    parents: true,
  });
  for (const op of mount.ops(rootfs)) plan.add("host", op);
  await parts.world.kernel.run(context, plan.build());
  return rootfs;
}

/** Unmounts the root and removes the snapshot with all the container wrote. Nothing there is no error. */
export async function releaseContainerRoot(
  parts: EngineParts,
  context: Context,
  id: string,
): Promise<void> {
  const { stateDirectory, rootfs } = containerPathsOf(parts.options, id);
  await releaseImageMounts(parts, context, id);
  const plan = new PlanBuilder("unmount root file system")
    .add("host", { op: "umount", path: rootfs, detach: true }, ["ENOENT", "EINVAL"])
    .add("host", { op: "removeTree", path: stateDirectory }, ["ENOENT"]);
  await parts.world.kernel.run(context, plan.build());
  parts.crashPoint("R3");
  await parts.snapshots.remove(context, id);
  parts.crashPoint("R4");
}
