/** Cgroup namespaces: whoever lives in one calls the cgroup it was made in "/" (cgroup_namespaces(7)). */
import type { Machine } from "../machine.ts";
import type { CgroupNamespace } from "../namespace.ts";
import type { Process } from "../process/process.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import { type CgroupHierarchy, type CgroupNode, hierarchyName } from "./hierarchy.ts";

/** A new namespace for `process`: its own cgroups are the roots. clone3 and unshare call it. */
export function makeCgroupNamespace(
  machine: Machine,
  process: Process,
  owner: UserNamespace,
): CgroupNamespace {
  const inode = machine.nextNamespace();
  return { type: "cgroup", inode, owner, roots: new Map(process.cgroups) };
}

/** The namespace that begins at the roots. */
export function makeInitCgroupNamespace(machine: Machine): CgroupNamespace {
  const roots = new Map(machine.hierarchies.map((one) => [one.id, one.root] as const));
  const owner = machine.initUserNamespace;
  return { type: "cgroup", inode: machine.nextNamespace(), owner, roots };
}

/** What the namespace calls "/" in this hierarchy. */
export function namespaceRoot(namespace: CgroupNamespace, hierarchy: CgroupHierarchy): CgroupNode {
  return namespace.roots.get(hierarchy.id) ?? hierarchy.root;
}

function ancestry(node: CgroupNode): readonly CgroupNode[] {
  const nodes: CgroupNode[] = [];
  for (let at: CgroupNode | undefined = node; at !== undefined; at = at.parent) nodes.unshift(at);
  return nodes;
}

/** The path from the namespace's root: "/", "/a", and "/.." for what lies outside. */
export function pathFrom(root: CgroupNode, node: CgroupNode): string {
  if (root.parent === undefined) return node.path;
  const [above, to] = [ancestry(root), ancestry(node)];
  let shared = 0;
  while (shared < above.length && above[shared] === to[shared]) shared++;
  const parts = [
    ...above.slice(shared).map(() => ".."),
    ...to.slice(shared).map((one) => one.name),
  ];
  return `/${parts.join("/")}`;
}

/** /proc/PID/cgroup of `process` as `viewer` reads it: highest hierarchy first, the unified one last. */
export function cgroupText(process: Process, viewer: Process): string {
  const { cgroup } = viewer.namespaces;
  const ordered = process.machine.hierarchies.toSorted((a, b) => b.id - a.id);
  return ordered
    .map((hierarchy) => {
      const node = process.cgroups.get(hierarchy.id) ?? hierarchy.root;
      const path = pathFrom(namespaceRoot(cgroup, hierarchy), node);
      const gone = node.removed ? " (deleted)" : "";
      return `${hierarchy.id}:${hierarchyName(hierarchy)}:${path}${gone}\n`;
    })
    .join("");
}
