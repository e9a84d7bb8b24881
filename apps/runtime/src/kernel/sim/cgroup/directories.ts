/** Making and removing cgroups (cgroups(7)): names, bounds of v2, what a child gets of its parent, EBUSY. */
import { refuse } from "../refusal.ts";
import type { CgroupNode } from "./hierarchy.ts";

/** EINVAL for a name with a line break, EAGAIN beyond cgroup.max.depth or cgroup.max.descendants, ENOENT in one that is gone. */
export function makeCgroup(parent: CgroupNode, name: string, uid: number, gid: number): CgroupNode {
  if (parent.removed) refuse("ENOENT");
  if (name.includes("\n")) refuse("EINVAL");
  if (parent.hierarchy.version === 2) checkBounds(parent);
  const child = parent.addChild(name, uid, gid);
  if (parent.hierarchy.controllers.includes("cpuset")) cloneCpuset(parent, child);
  return child;
}

function checkBounds(parent: CgroupNode): void {
  let level = 1;
  for (let at: CgroupNode | undefined = parent; at !== undefined; at = at.parent, level++) {
    const depth = at.setting("cgroup.max.depth") ?? "max";
    const count = at.setting("cgroup.max.descendants") ?? "max";
    if (depth !== "max" && level > Number(depth)) refuse("EAGAIN");
    if (count === "max") continue;
    let descendants = 0;
    for (const _ of at.tree()) descendants++;
    if (descendants > Number(count)) refuse("EAGAIN");
  }
}

/** cgroup.clone_children of v1: a new cpuset is as its parent's, else it is empty. */
function cloneCpuset(parent: CgroupNode, child: CgroupNode): void {
  if (parent.setting("cgroup.clone_children") !== "1") return;
  child.set("cgroup.clone_children", "1");
  if (parent.cpuset !== undefined) child.cpuset = { ...parent.cpuset };
}

/** EBUSY while there is a process or a child in it; zombies do not count. */
export function removeCgroup(node: CgroupNode): void {
  if (node.population > 0 || node.children.size > 0) refuse("EBUSY");
  node.parent?.removeChild(node);
}

/** v1 only, and only within one directory: EPERM in v2, ENOTDIR for files, EIO elsewhere, EEXIST over another. */
export function renameCgroup(
  from: CgroupNode,
  child: CgroupNode | undefined,
  to: CgroupNode,
  name: string,
  exists: boolean,
): void {
  if (from.hierarchy.version === 2) refuse("EPERM");
  if (name.includes("\n")) refuse("EINVAL");
  if (child === undefined) {
    refuse("ENOTDIR");
  }
  if (from !== to) refuse("EIO");
  if (exists) refuse("EEXIST");
  from.renameChild(child, name);
}
