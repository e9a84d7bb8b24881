/**
 * What lies on the machine under names of ours and belongs to no record: left by a daemon that died
 * between an effect and the end of its undo, or by a record that had to be set aside. All of it is found
 * by listing the directories and cgroups that only we use.
 */
import { messageOf } from "../kernel/errors.ts";
import { type Plan, PlanBuilder } from "../kernel/plan.ts";
import { cgroupDirectories } from "../oci/index.ts";
import type { Context } from "../trace/tracer.ts";
import { releaseContainerRoot } from "./containers/container-root.ts";
import type { EngineParts } from "./engine-parts.ts";
import { isNetnsName, podPathsOf } from "./paths.ts";
import { removeOwnCgroups } from "./pods/remove-cgroups.ts";

/** Returns what could not be removed, in sentences. */
export async function removeOrphans(
  parts: EngineParts,
  context: Context,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const { rootDirectory, stateDirectory } = parts.options;
  const isPod = (id: string): boolean => parts.pods.get(id) !== undefined;
  const isOurs = (id: string): boolean => isPod(id) || parts.containers.get(id) !== undefined;
  const sweep = async (
    what: string,
    ids: readonly string[],
    keep: (id: string) => boolean,
    remove: (id: string) => Promise<unknown>,
  ): Promise<void> => {
    for (const id of ids) {
      if (keep(id)) continue;
      await remove(id).catch((error: unknown) =>
        problems.push(`${what} ${id} without a record: ${messageOf(error)}`),
      );
    }
  };
  const run = (plan: Plan): Promise<unknown> => parts.world.kernel.run(context, plan);
  const list = async (path: string): Promise<readonly string[]> =>
    (await parts.world.kernel.files.list(path)) ?? [];

  await sweep("shim", await list(`${stateDirectory}/shims`), isPod, async (id) => {
    await parts.shims.shutdown(id);
    await run(removeTreePlan(podPathsOf(parts.options, id).shimDirectory));
  });
  await sweep("cgroup", await ourCgroups(parts), isPod, (id) => removeCgroup(parts, context, id));
  await sweep("root file system", await list(`${stateDirectory}/containers`), isOurs, (id) =>
    releaseContainerRoot(parts, context, id),
  );
  await sweep(
    "snapshot",
    parts.snapshots.keys(),
    (key) => isOurs(key.split("-image-")[0] ?? ""),
    (key) => parts.snapshots.remove(context, key),
  );
  await sweep("state of pod sandbox", await list(`${stateDirectory}/pods`), isPod, async (id) => {
    const paths = podPathsOf(parts.options, id);
    const plan = new PlanBuilder("unmount shm").add(
      "host",
      { op: "umount", path: paths.shm, detach: true },
      ["ENOENT", "EINVAL"],
    );
    await run(plan.build());
    await run(removeTreePlan(paths.stateDirectory));
  });
  await sweep("files of pod sandbox", await list(`${rootDirectory}/pods`), isPod, (id) =>
    run(removeTreePlan(podPathsOf(parts.options, id).directory)),
  );
  await sweep("network of pod sandbox", await parts.network.attachedPods(), isPod, (id) =>
    parts.network.detach(context, { id, netnsPath: podPathsOf(parts.options, id).netns }),
  );
  await sweep(
    "network namespace",
    await orphanNamespaces(parts),
    () => false,
    (path) => parts.network.removeNamespace(context, path),
  );
  return problems;
}

function removeTreePlan(path: string): Plan {
  return new PlanBuilder("remove orphan")
    .add("host", { op: "removeTree", path }, ["ENOENT"])
    .build();
}

/** Bound namespaces with a name of ours that no pod of ours has. */
async function orphanNamespaces(parts: EngineParts): Promise<readonly string[]> {
  const { netnsDirectory } = parts.options;
  const known = new Set(parts.pods.all().map(({ id }) => podPathsOf(parts.options, id).netns));
  const names = (await parts.world.kernel.files.list(netnsDirectory)) ?? [];
  return names
    .filter((name) => isNetnsName(name))
    .map((name) => `${netnsDirectory}/${name}`)
    .filter((path) => !known.has(path));
}

/** Ids of the pods that have a cgroup below our own root. */
async function ourCgroups(parts: EngineParts): Promise<readonly string[]> {
  const ids = new Set<string>();
  const { facts, files } = parts.world.kernel;
  for (const directory of cgroupDirectories(facts, parts.options.cgroupParentDefault)) {
    for (const name of (await files.list(directory)) ?? []) {
      if (/^[0-9a-f]{64}$/.test(name)) ids.add(name);
    }
  }
  return [...ids];
}

/** Empties and removes a pod's cgroup with those of its containers. */
async function removeCgroup(parts: EngineParts, context: Context, podId: string): Promise<void> {
  const { kernel } = parts.world;
  const path = `${parts.options.cgroupParentDefault}/${podId}`;
  for (const directory of cgroupDirectories(kernel.facts, path)) {
    const children = ((await kernel.files.list(directory)) ?? []).filter((name) =>
      /^[0-9a-f]{64}$/.test(name),
    );
    const directories = [...children.map((name) => `${directory}/${name}`), directory];
    for (const one of directories) await kernel.emptyCgroup(one);
    await removeOwnCgroups(parts, context, directories);
  }
}
