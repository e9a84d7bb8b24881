/** From a path or a directory of a cgroup file system to the cgroup it stands for. */
import type { CgroupNode } from "../cgroup/hierarchy.ts";
import type { Machine } from "../machine.ts";

/** The cgroup at an absolute path of the host, below the place where its hierarchy is mounted. */
export function cgroupAt(machine: Machine, path: string): CgroupNode | undefined {
  for (const { mountpoint, root } of machine.hierarchies) {
    if (!path.startsWith(mountpoint)) continue;
    if (path.length === mountpoint.length) return root;
    if (path[mountpoint.length] !== "/") continue;
    let node: CgroupNode | undefined = root;
    let start = mountpoint.length + 1;
    while (node !== undefined && start < path.length) {
      const slash = path.indexOf("/", start);
      const end = slash < 0 ? path.length : slash;
      if (end > start) node = node.children.get(path.slice(start, end));
      start = end + 1;
    }
    if (node !== undefined) return node;
  }
  return undefined;
}

export { cgroupNodeOf } from "../fs/cgroup-file-system.ts";
