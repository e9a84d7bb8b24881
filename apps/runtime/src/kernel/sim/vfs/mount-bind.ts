/** Bind mounts: mount(2) with MS_BIND, and open_tree(2) with OPEN_TREE_CLONE, which is one not attached yet. */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { cloneMount, copyTree } from "./clone-mount.ts";
import type { Mount, PathPoint } from "./mount.ts";
import { attachTree, isDirectory, placeFor } from "./mount-attach.ts";
import { MountTreeNamespace } from "./mount-namespace.ts";
import { isBelow, letFloat } from "./mount-tree.ts";

/** __has_locked_children(): a copy without them would show what they hide. */
function hasLockedChildren(point: PathPoint): boolean {
  if (point.mount.namespace?.owner.parent === undefined) return false;
  for (const [mountpoint, child] of point.mount.children)
    if (child.locked && isBelow(mountpoint, point.dentry)) return true;
  return false;
}

/** may_copy_tree(): from the caller's own namespace, from a detached tree made there, or a namespace file. */
function mayCopy(caller: Process, mount: Mount): boolean {
  const { mnt } = caller.namespaces;
  return mount.namespace === mnt || mount.madeIn === mnt || mount.fileSystem.type === "nsfs";
}

/** The mount namespace whose file in nsfs this is. */
function namespaceBehind(point: PathPoint): MountTreeNamespace | undefined {
  if (point.mount.fileSystem.type !== "nsfs") return undefined;
  const { namespace } = point.dentry as { readonly namespace?: unknown };
  return namespace instanceof MountTreeNamespace ? namespace : undefined;
}

/** EINVAL for an unbindable source, one of a foreign namespace, and a copy that would uncover what is locked. */
function checkSource(caller: Process, source: PathPoint, recursive: boolean): void {
  if (source.mount.unbindable || !mayCopy(caller, source.mount)) refuse("EINVAL");
  if (!recursive && hasLockedChildren(source)) refuse("EINVAL");
}

/** The copy that a bind mount is (__do_loopback()). */
function copySource(caller: Process, source: PathPoint, recursive: boolean): Mount {
  const { mount, dentry } = source;
  const { machine } = caller;
  return recursive ? copyTree(machine, mount, dentry, {}) : cloneMount(machine, mount, dentry, {});
}

/** mount(2) with MS_BIND. ENOTDIR for a file on a directory or the other way round. */
export function bindMount(
  caller: Process,
  source: PathPoint,
  target: PathPoint,
  recursive: boolean,
): void {
  const bound = namespaceBehind(source);
  // mnt_ns_loop(): a namespace must not keep itself alive, nor one older than itself.
  if (bound !== undefined && bound.inode <= caller.namespaces.mnt.inode) refuse("EINVAL");
  const place = placeFor(target);
  if (place.mount.namespace !== caller.namespaces.mnt) refuse("EINVAL");
  checkSource(caller, source, recursive);
  if (isDirectory(place) !== isDirectory(source)) refuse("ENOTDIR");
  attachTree(caller.machine, copySource(caller, source, recursive), place);
  if (bound !== undefined) bound.pinned = true;
}

/** open_tree(2) with OPEN_TREE_CLONE: the root of a detached copy. */
export function cloneDetached(caller: Process, source: PathPoint, recursive: boolean): Mount {
  checkSource(caller, source, recursive);
  const tree = copySource(caller, source, recursive);
  letFloat(tree, caller.namespaces.mnt);
  return tree;
}
