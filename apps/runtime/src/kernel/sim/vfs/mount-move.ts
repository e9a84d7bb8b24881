/** Moving mounts: move_mount(2), which also attaches detached ones, and mount(2) with MS_MOVE. */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { Mount, PathPoint } from "./mount.ts";
import { attachTree, isDirectory, isMountRoot, placeFor } from "./mount-attach.ts";
import { sitsBelow, treeOf } from "./mount-tree.ts";

/** A mount of the caller's namespace: it must be free to leave its place. */
function checkAttached(caller: Process, mount: Mount, place: PathPoint): void {
  if (mount.locked || mount.parent?.peers !== undefined) refuse("EINVAL");
  if (place.mount.namespace !== caller.namespaces.mnt) refuse("EINVAL");
}

/** Any other must be the root of a detached tree that the caller's namespace may use, and not go into itself. */
function checkDetached(caller: Process, mount: Mount, place: PathPoint): void {
  const { mnt } = caller.namespaces;
  if (mount.madeIn === undefined || mount.parent !== undefined) refuse("EINVAL");
  if (sitsBelow(place.mount, mount)) refuse("EINVAL");
  if (place.mount.namespace !== mnt && place.mount.madeIn !== mnt) refuse("EINVAL");
}

/**
 * do_move_mount(). EINVAL for what is no mount's root, a directory onto a file, a mount that is locked or below a shared
 * one, an unbindable one onto a shared place; ELOOP into itself.
 */
export function moveTree(caller: Process, source: PathPoint, target: PathPoint): void {
  const { mount } = source;
  if (!isMountRoot(source) || isDirectory(source) !== isDirectory(target)) refuse("EINVAL");
  const place = placeFor(target);
  if (mount.namespace !== undefined && mount.namespace === caller.namespaces.mnt) {
    checkAttached(caller, mount, place);
  } else {
    checkDetached(caller, mount, place);
  }
  const shared = place.mount.peers !== undefined;
  if (shared && treeOf(mount).some((one) => one.unbindable)) refuse("EINVAL");
  if (sitsBelow(place.mount, mount)) refuse("ELOOP");
  attachTree(caller.machine, mount, place);
}
