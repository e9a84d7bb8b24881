/**
 * Copies of mount namespaces, for clone3(2) and unshare(2) with CLONE_NEWNS (copy_mnt_ns()).
 * A copy is made lazily (clone-lazily.ts): at first it has its root mount, and those on the way to the root and cwd of
 * its first process. A container makes all of it private, pivots and detaches the old root, and so never pays for the
 * mounts of other pods.
 */
import type { Machine } from "../machine.ts";
import type { MountNamespace } from "../namespace.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import { cloneLazily } from "./clone-lazily.ts";
import type { Mount, PathPoint } from "./mount.ts";
import { MountTreeNamespace } from "./mount-namespace.ts";

export interface NamespaceCopy {
  readonly namespace: MountNamespace;
  /** The same place in the copy; a place outside the copied namespace stays what it is. For root and cwd. */
  readonly translate: (point: PathPoint) => PathPoint;
}

/**
 * A copy of `source` owned by `owner`. Owned by a lesser user namespace, its mounts are slaves where the originals are
 * shared, keep their attributes and cannot be taken away one by one (mount_namespaces(7), "Restrictions").
 */
export function copyMountNamespace(
  machine: Machine,
  source: MountNamespace,
  owner: UserNamespace,
  inode: number,
): NamespaceCopy {
  const lesser = owner !== source.owner;
  const root = cloneLazily(machine, source.root, { lesser });
  const namespace = new MountTreeNamespace(machine, { inode, owner, root, copyOf: source });
  const copyOf = (mount: Mount): Mount | undefined => {
    if (mount === source.root) return root;
    const { parent, mountpoint } = mount;
    if (parent === undefined || mountpoint === undefined) return undefined;
    return copyOf(parent)?.childAt(mountpoint);
  };
  const translate = (point: PathPoint): PathPoint => {
    if (point.mount.namespace !== source) return point;
    const mount = copyOf(point.mount);
    return mount === undefined ? point : { mount, dentry: point.dentry };
  };
  return { namespace, translate };
}
