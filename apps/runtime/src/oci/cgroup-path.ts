/** Where a container's cgroup lies: the path from the root, and the directory in each hierarchy. */
import { type CgroupHierarchy, type HostFacts, RuntimeError } from "../kernel/index.ts";

/**
 * The cgroup of container or sandbox `id` below the CRI's cgroup_parent, absolute from the root of
 * each hierarchy. INVALID_ARGUMENT for a parent that leaves the tree, and for a systemd slice, since
 * the driver is cgroupfs.
 */
export function cgroupPathOf(parent: string, defaultParent: string, id: string): string {
  const given = parent === "" ? defaultParent : parent;
  if (given.endsWith(".slice") && !given.includes("/")) {
    throw invalid(`cgroup parent ${given} is a systemd slice, but the cgroup driver is cgroupfs`);
  }
  const parts = given.split("/").filter((part) => part !== "" && part !== ".");
  for (const part of [...parts, id]) {
    if (part === ".." || part.length > 255 || !isPrintable(part) || id.includes("/")) {
      throw invalid(`cgroup parent ${JSON.stringify(given)} is not a path below the root`);
    }
  }
  return `/${[...parts, id].join("/")}`;
}

/** The directory of cgroup `path` in one hierarchy. */
export function cgroupDirectory(hierarchy: CgroupHierarchy, path: string): string {
  return path === "/" ? hierarchy.path : `${hierarchy.path}${path}`;
}

/** The directories of cgroup `path` in every hierarchy of the host, in the host's order. */
export function cgroupDirectories(facts: HostFacts, path: string): readonly string[] {
  return facts.cgroups.map((hierarchy) => cgroupDirectory(hierarchy, path));
}

/** The v1 hierarchy that has `controller`. */
export function hierarchyV1(facts: HostFacts, controller: string): CgroupHierarchy | undefined {
  return facts.cgroups.find((one) => one.version === 1 && one.controllers.includes(controller));
}

/** The v2 hierarchy; on a hybrid host it is there beside those of v1. */
export function hierarchyV2(facts: HostFacts): CgroupHierarchy | undefined {
  return facts.cgroups.find((one) => one.version === 2);
}

/** Whether resource limits are v2's: true only where no v1 hierarchy is left. */
export function isUnified(facts: HostFacts): boolean {
  return facts.cgroups.length > 0 && facts.cgroups.every((one) => one.version === 2);
}

/** The paths from the first level below the root down to `path` itself. */
export function pathAndAncestors(path: string): readonly string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}

function isPrintable(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return false;
  }
  return true;
}

function invalid(message: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", message);
}
