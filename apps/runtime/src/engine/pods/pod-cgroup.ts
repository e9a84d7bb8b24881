/**
 * The cgroup of a pod. A kubelet makes one and names it as cgroup_parent; for a client that names none
 * there is one below our own. What we made ourselves we remove again, and nothing else.
 */
import type { PodSandboxConfig } from "../../api/index.ts";
import type { HostFacts, HostFiles } from "../../kernel/kernel.ts";
import { type Plan, PlanBuilder } from "../../kernel/plan.ts";
import {
  cgroupDirectories,
  cgroupDirectory,
  cgroupPathOf,
  pathAndAncestors,
} from "../../oci/cgroup-path.ts";

/** Path of the pod's cgroup inside each hierarchy. */
export function cgroupParentOf(config: PodSandboxConfig, ours: string, podId: string): string {
  const named = config.linux?.cgroupParent ?? "";
  return named === "" ? `${ours}/${podId}` : named;
}

/**
 * The levels of `path` that do not exist yet, outermost first: the ones we are going to make. The first
 * hierarchy answers for all. Our own root is left out: it stays as long as the daemon does.
 */
export async function missingCgroupLevels(
  files: HostFiles,
  facts: HostFacts,
  path: string,
  ours: string,
): Promise<readonly string[]> {
  const hierarchy = facts.cgroups[0];
  if (hierarchy === undefined) return [];
  const missing: string[] = [];
  for (const level of [...pathAndAncestors(path)].reverse()) {
    if (level === ours) break;
    if ((await files.stat(cgroupDirectory(hierarchy, level))) !== undefined) break;
    missing.unshift(level);
  }
  return missing;
}

/** The directories of the cgroup of container or pause container `id`, in every hierarchy. */
export function containerCgroups(
  facts: HostFacts,
  cgroupParent: string,
  ours: string,
  id: string,
): readonly string[] {
  return cgroupDirectories(facts, cgroupPathOf(cgroupParent, ours, id));
}

/**
 * Removes levels above a pod that the client named, in the order given. One that has gone already is fine;
 * one that somebody else has put something into stays theirs.
 */
export function removeCgroupsPlan(directories: readonly string[]): Plan {
  const plan = new PlanBuilder("remove cgroups");
  for (const path of directories) {
    plan.add("host", { op: "rmdir", path }, ["ENOENT", "EBUSY", "ENOTEMPTY"]);
  }
  return plan.build();
}

/** The directories of the levels we made ourselves, deepest first. */
export function madeCgroups(facts: HostFacts, made: readonly string[]): readonly string[] {
  return [...made].reverse().flatMap((level) => cgroupDirectories(facts, level));
}
