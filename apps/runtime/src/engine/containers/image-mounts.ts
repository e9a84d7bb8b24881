/**
 * Mounts of a container whose source is an image: each image is a read-only snapshot of its own, mounted
 * at `containers/<id>/images/<n>` and bound into the container from there.
 */
import type { Mount } from "../../api/index.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import { PlanBuilder } from "../../kernel/plan.ts";
import type { Context } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import { containerPathsOf } from "../paths.ts";

function keyOf(containerId: string, index: number): string {
  return `${containerId}-image-${index}`;
}

/**
 * Mounts the images that `mounts` name; container path to host directory. Undo is `releaseImageMounts`.
 * @throws RuntimeError NOT_FOUND when an image is absent, INVALID_ARGUMENT when two mounts have one path.
 */
export async function mountImages(
  parts: EngineParts,
  context: Context,
  containerId: string,
  mounts: readonly Mount[],
): Promise<ReadonlyMap<string, string>> {
  const directories = new Map<string, string>();
  const { imagesDirectory } = containerPathsOf(parts.options, containerId);
  for (const mount of mounts) {
    const name = mount.image?.image ?? "";
    if (name === "") continue;
    if (directories.has(mount.containerPath)) {
      throw new RuntimeError(
        "INVALID_ARGUMENT",
        `two mounts of an image have the container path ${mount.containerPath}`,
      );
    }
    const index = directories.size;
    const image = parts.images.resolve(name);
    const source = await parts.snapshots.prepare(
      context,
      keyOf(containerId, index),
      image.chainId,
      {
        readonly: true,
      },
    );
    const target = `${imagesDirectory}/${index}`;
    const plan = new PlanBuilder("mount image").add("host", {
      op: "mkdir",
      path: target,
      mode: 0o711,
      parents: true,
    });
    for (const op of source.ops(target)) plan.add("host", op);
    await parts.world.kernel.run(context, plan.build());
    directories.set(mount.containerPath, target);
  }
  return directories;
}

/** Unmounts them and removes their snapshots. None there is no error. */
export async function releaseImageMounts(
  parts: EngineParts,
  context: Context,
  containerId: string,
): Promise<void> {
  const { imagesDirectory } = containerPathsOf(parts.options, containerId);
  const names = (await parts.world.kernel.files.list(imagesDirectory)) ?? [];
  if (names.length > 0) {
    const plan = new PlanBuilder("unmount images");
    for (const name of names) {
      const path = `${imagesDirectory}/${name}`;
      plan.add("host", { op: "umount", path, detach: true }, ["ENOENT", "EINVAL"]);
    }
    await parts.world.kernel.run(context, plan.build());
  }
  const prefix = keyOf(containerId, 0).slice(0, -1);
  for (const key of parts.snapshots.keys()) {
    if (key.startsWith(prefix)) await parts.snapshots.remove(context, key);
  }
}
