/** umount2(2): what may go, what is busy, and what goes with it elsewhere (do_umount() and umount_tree()). */
import { MNT_DETACH, MNT_FORCE } from "../abi.ts";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import { forgetPending, mayPropagate } from "./clone-lazily.ts";
import type { Dentry } from "./inode.ts";
import { Mount, type PathPoint } from "./mount.ts";
import { isMountRoot } from "./mount-attach.ts";
import { dissolve } from "./mount-dissolve.ts";
import { attach, beforeChange, detach, enterNamespace } from "./mount-tree.ts";
import { counterparts, leavingElsewhere, overmount } from "./propagation-events.ts";
import { ramfsFactory } from "./tmpfs.ts";

/** Somebody's root, cwd, executable or open file is on it. */
function isInUse(mount: Mount): boolean {
  return mount.openFiles > 0 || mount.users.size > 0;
}

/** propagate_mount_busy(): it, or what would go with it, is in use. */
function isBusy(mount: Mount): boolean {
  if (mount.children.size > 0 || isInUse(mount)) return true;
  for (const other of counterparts(mount)) {
    const stays = [...other.children.keys()].some((dentry) => dentry !== other.root);
    if (!stays && isInUse(other)) return true;
  }
  return false;
}

/** All mounts of the tree that exist, or that must be made because others would notice their going. */
function collect(mount: Mount, found: Set<Mount>): void {
  found.add(mount);
  if (mount.pending !== undefined) {
    if (mayPropagate(mount)) mount.pending.finish();
    else forgetPending(mount);
  }
  for (const child of mount.madeChildren.values()) collect(child, found);
}

/** Takes a whole tree away, and with it what listeners have at the same places. */
export function unmountTree(machine: Machine, top: Mount): void {
  beforeChange(top);
  const leaving = new Set<Mount>();
  collect(top, leaving);
  // What the original hid its owner may show: its copies are no longer locked in place (propagate_mount_unlock()).
  for (const other of counterparts(top)) other.locked = false;
  const elsewhere = leavingElsewhere(leaving);
  // Children first, so that each place is empty when what covered it comes down.
  for (const mount of [...elsewhere].reverse()) removeCovered(machine, mount, elsewhere);
  dissolve(machine, top);
}

/** Ends one mount; what covers it and stays comes down to where it sat. */
function removeCovered(machine: Machine, mount: Mount, going: ReadonlySet<Mount>): void {
  const { parent, mountpoint } = mount;
  let cover = overmount(mount);
  while (cover !== undefined && going.has(cover)) cover = overmount(cover);
  if (cover !== undefined) detach(cover);
  dissolve(machine, mount);
  if (cover !== undefined && parent !== undefined && mountpoint !== undefined)
    attach(cover, { mount: parent, dentry: mountpoint });
}

/** detach_mounts(): what is mounted on a name goes with the name, in whatever namespace, and no peer hears of it. */
export function unmountFrom(machine: Machine, entry: Dentry): void {
  if (entry.cover === undefined) return;
  // The set grows meanwhile: lazy copies make what they had not made.
  for (const mount of entry.cover.here) beforeChange(mount);
  for (const mount of [...entry.cover.here]) dissolve(machine, mount);
}

/** umount2(2) of what a path led to, as `mayMount` has allowed. `flags`: MNT_DETACH, MNT_FORCE. */
export function unmount(caller: Process, point: PathPoint, flags: number): void {
  const { machine } = caller;
  const { mount } = point;
  if (!isMountRoot(point) || mount.namespace !== caller.namespaces.mnt || mount.locked) {
    refuse("EINVAL");
  }
  const overFileSystem = () =>
    capableIn(caller.credentials, mount.fileSystem.userNamespace, "CAP_SYS_ADMIN");
  if ((flags & MNT_FORCE) !== 0 && !overFileSystem()) refuse("EPERM");
  const detachOnly = (flags & MNT_DETACH) !== 0;
  if (mount === caller.root.mount && !detachOnly) {
    // Who unmounts their root gets it read-only instead: how a machine goes down.
    if (!overFileSystem()) refuse("EPERM");
    if (mount.writers > 0) refuse("EBUSY");
    mount.fileSystem.readOnly = true;
    return;
  }
  if (!detachOnly && isBusy(mount)) refuse("EBUSY");
  unmountTree(machine, mount);
  if (caller.namespaces.mnt.root === mount) uncoverRootfs(caller);
}

/** Below the root of every namespace lies rootfs, which nobody sees unless the root is taken away. */
function uncoverRootfs(caller: Process): void {
  const { machine, namespaces } = caller;
  const rootfs = ramfsFactory(machine, machine.init, "rootfs", new Map());
  const mount = new Mount(machine.nextMount(), rootfs.root, 0);
  namespaces.mnt.root = mount;
  enterNamespace(mount, namespaces.mnt);
}
