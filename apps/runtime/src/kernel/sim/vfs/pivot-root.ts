/** pivot_root(2): another mount becomes the root of the namespace (path_pivot_root() in fs/namespace.c). */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { Mount, PathPoint } from "./mount.ts";
import { isMountRoot, placeFor } from "./mount-attach.ts";
import { attach, beforeChange, detach, isReachable } from "./mount-tree.ts";

/** All preconditions, in the order in which Linux asks for them. */
function check(caller: Process, newRoot: PathPoint, place: PathPoint): void {
  const { root } = caller;
  const { mnt } = caller.namespaces;
  const isShared = (mount: Mount | undefined) => mount?.peers !== undefined;
  if (isShared(place.mount) || isShared(newRoot.mount.parent) || isShared(root.mount.parent)) {
    refuse("EINVAL");
  }
  if (root.mount.namespace !== mnt || newRoot.mount.namespace !== mnt) refuse("EINVAL");
  if (newRoot.mount.locked) refuse("EINVAL");
  if (newRoot.dentry.deleted) refuse("ENOENT");
  // A loop, or the old root put onto itself.
  if (newRoot.mount === root.mount || place.mount === root.mount) refuse("EBUSY");
  if (!isMountRoot(root) || !isMountRoot(newRoot)) refuse("EINVAL");
  // The root of a namespace sits on the invisible rootfs; nothing else without a parent may be a root.
  if (root.mount.parent === undefined && root.mount !== mnt.root) refuse("EINVAL");
  if (newRoot.mount.parent === undefined) refuse("EINVAL");
  if (!isReachable(place, newRoot) || !isReachable(newRoot, root)) refuse("EINVAL");
}

/** chroot_fs_refs(): whoever had the old root as root or cwd has the new one now. */
function moveProcesses(oldRoot: PathPoint, newRoot: PathPoint): void {
  const isOld = (point: PathPoint) =>
    point.mount === oldRoot.mount && point.dentry === oldRoot.dentry;
  for (const process of [...oldRoot.mount.users]) {
    if (isOld(process.root)) process.root = newRoot;
    if (isOld(process.cwd)) process.cwd = newRoot;
  }
}

/**
 * Moves the root mount of the caller's namespace to `putOld` and `newRoot` to where it was. With both at one place the
 * old root ends up on top of the new one, for umount2(".", MNT_DETACH) to take away.
 */
export function pivot(caller: Process, newRoot: PathPoint, putOld: PathPoint): void {
  const place = placeFor(putOld);
  check(caller, newRoot, place);
  const oldRoot = caller.root;
  const { mount: oldMount } = oldRoot;
  const { mount: newMount } = newRoot;
  const above =
    oldMount.parent === undefined || oldMount.mountpoint === undefined
      ? undefined
      : { mount: oldMount.parent, dentry: oldMount.mountpoint };
  const { mnt } = caller.namespaces;
  beforeChange(newMount);
  detach(newMount);
  detach(oldMount);
  newMount.locked = oldMount.locked;
  oldMount.locked = false;
  if (above === undefined) mnt.root = newMount;
  else attach(newMount, above);
  attach(oldMount, place);
  moveProcesses(oldRoot, { mount: newMount, dentry: newRoot.dentry });
}
