/** Putting a tree of mounts somewhere, with what that does to peers and slaves of the place (attach_recursive_mnt()). */
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import type { Mount, PathPoint } from "./mount.ts";
import { attach, beforeChange, detach, topMount, treeOf } from "./mount-tree.ts";
import { makeShared } from "./propagation.ts";
import { attachCopies, copiesFor } from "./propagation-events.ts";

/** may_mount(): CAP_SYS_ADMIN over the owner of the caller's mount namespace. */
export function mayMount(caller: Process): boolean {
  return capableIn(caller.credentials, caller.namespaces.mnt.owner, "CAP_SYS_ADMIN");
}

/** path_mounted(): the point is the root of its mount. */
export function isMountRoot(point: PathPoint): boolean {
  return point.dentry === point.mount.root;
}

/** lock_mount(): where a new mount really sits, on top of all that sit there. ENOENT when directory or mount is gone. */
export function placeFor(point: PathPoint): PathPoint {
  const place = topMount(point);
  const { mount } = place;
  const unmounted = mount.namespace === undefined && mount.madeIn === undefined;
  if (place.dentry.deleted || unmounted) refuse("ENOENT");
  return place;
}

export function isDirectory(point: PathPoint): boolean {
  return point.dentry.inode.type === "directory";
}

/**
 * Attaches a tree, detached or still sitting elsewhere, at `place`; below a shared mount all of it becomes shared.
 * ENOENT when the directory it shows has been removed.
 */
export function attachTree(machine: Machine, tree: Mount, place: PathPoint): void {
  if (tree.root.deleted) refuse("ENOENT");
  const shared = place.mount.peers !== undefined;
  if (shared) {
    beforeChange(place.mount);
    for (const mount of treeOf(tree)) {
      beforeChange(mount);
      makeShared(machine, mount);
    }
  }
  const copies = shared ? copiesFor(machine, tree, place) : [];
  detach(tree);
  attach(tree, place);
  attachCopies(copies, place);
}
