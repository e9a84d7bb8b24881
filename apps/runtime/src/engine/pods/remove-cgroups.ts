/**
 * Removing the cgroups of containers and pods that are ours alone. A container that manages cgroups itself
 * (systemd, docker in it) leaves some below its own, and the kernel may say EBUSY for a moment after the last
 * process has died; neither may leave a cgroup behind.
 */
import { KernelError } from "../../kernel/errors.ts";
import type { HostFiles } from "../../kernel/kernel.ts";
import { PlanBuilder } from "../../kernel/plan.ts";
import type { Context } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";

const triesMax = 6;
const firstWaitMs = 5;

function isInUse(error: unknown): boolean {
  return error instanceof KernelError && (error.errno === "EBUSY" || error.errno === "ENOTEMPTY");
}

/** The cgroups below `directory`, deepest first, and itself last. */
async function withAllBelow(files: HostFiles, directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of (await files.list(directory)) ?? []) {
    const path = `${directory}/${name}`;
    if ((await files.stat(path))?.type !== "directory") continue;
    found.push(...(await withAllBelow(files, path)));
  }
  return [...found, directory];
}

async function tryOnce(
  parts: Pick<EngineParts, "world">,
  context: Context,
  directories: readonly string[],
): Promise<void> {
  const plan = new PlanBuilder("remove cgroups");
  for (const path of directories) plan.add("host", { op: "rmdir", path }, ["ENOENT"]);
  await parts.world.kernel.run(context, plan.build());
}

/**
 * Removes cgroup directories that nobody but us has business in, with what is below them, in the order given.
 * One that has gone already is fine.
 * @throws KernelError EBUSY when one is still in use after some tries.
 */
export async function removeOwnCgroups(
  parts: Pick<EngineParts, "world">,
  context: Context,
  directories: readonly string[],
): Promise<void> {
  const { kernel, clock } = parts.world;
  let all = directories;
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryOnce(parts, context, all);
    } catch (error) {
      if (!isInUse(error) || attempt === triesMax) throw error;
    }
    await clock.sleep(firstWaitMs * 2 ** (attempt - 1));
    for (const directory of directories) await kernel.emptyCgroup(directory);
    const trees = directories.map((directory) => withAllBelow(kernel.files, directory));
    all = (await Promise.all(trees)).flat();
  }
}
