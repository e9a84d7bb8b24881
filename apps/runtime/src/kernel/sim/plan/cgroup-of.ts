/** From a path or a directory of a cgroup file system to the cgroup it stands for. */
import type { CgroupNode } from "../cgroup/hierarchy.ts";
import type { Machine } from "../machine.ts";

/** The cgroup at an absolute path of the host, below the place where its hierarchy is mounted. */
export function cgroupAt(machine: Machine, path: string): CgroupNode | undefined {
  for (const { mountpoint, root } of machine.hierarchies) {
    if (path === mountpoint) return root;
    if (!path.startsWith(`${mountpoint}/`)) continue;
    let node: CgroupNode | undefined = root;
    for (const name of path.slice(mountpoint.length + 1).split("/")) {
      if (name !== "") node = node?.children.get(name);
    }
    if (node !== undefined) return node;
  }
  return undefined;
}

export { cgroupNodeOf } from "../fs/cgroup-file-system.ts";
