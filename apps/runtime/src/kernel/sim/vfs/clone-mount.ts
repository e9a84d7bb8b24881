/** Copies of mounts: of one, or eagerly of a tree (clone_mnt() and copy_tree() in fs/namespace.c). */
import type { Machine } from "../machine.ts";
import { refuse } from "../refusal.ts";
import type { Dentry } from "./inode.ts";
import {
  Mount,
  mountNoDev,
  mountNoDirAtime,
  mountNoExec,
  mountNoSuid,
  mountReadOnly,
} from "./mount.ts";
import { accessTimeBits } from "./mount-bits.ts";
import { dissolve } from "./mount-dissolve.ts";
import { attach, isBelow } from "./mount-tree.ts";
import { becomePeer, becomeSlave, makeShared } from "./propagation.ts";

export interface CloneHow {
  /** What is shared is copied as its slave instead of its peer (CL_SLAVE). */
  readonly slave?: boolean;
  /** The copy is shared, whatever the original is (CL_MAKE_SHARED). */
  readonly shared?: boolean;
  /** Nothing is left out (CL_COPY_UNBINDABLE). */
  readonly unbindable?: boolean;
}

/**
 * A copy that sits nowhere yet, of `source` from `root` on; a peer of it where it is shared, else a slave beside
 * it. No copy is unbindable, even where an unbindable mount may be copied.
 */
export function cloneMount(machine: Machine, source: Mount, root: Dentry, how: CloneHow): Mount {
  const copy = new Mount(machine.nextMount(), root, source.attributes);
  copy.lockedAttributes = source.lockedAttributes;
  copy.idmap = source.idmap;
  if (source.peers !== undefined && how.slave === true) {
    becomeSlave(copy, source.peers);
  } else {
    if (source.peers !== undefined) becomePeer(copy, source.peers);
    if (source.master !== undefined) becomeSlave(copy, source.master);
  }
  if (how.shared === true) makeShared(machine, copy);
  return copy;
}

const lockedWhenSet = mountReadOnly | mountNoSuid | mountNoDev | mountNoExec;

/** What a less privileged namespace may not change about a mount: flags that are set, and access times (lock_mnt_tree()). */
export function lockAttributes(mount: Mount): void {
  mount.lockedAttributes |= (mount.attributes & lockedWhenSet) | accessTimeBits | mountNoDirAtime;
}

/**
 * A copy of `source` from `root` on with everything that sits below. Unbindable mounts are left out with what is on
 * them; EPERM when one is locked in place too.
 */
export function copyTree(machine: Machine, source: Mount, root: Dentry, how: CloneHow): Mount {
  const top = cloneMount(machine, source, root, how);
  // Without mounts below this directory in any namespace there is none here: no need to look at all.
  if (root.cover === undefined) return top;
  try {
    for (const [mountpoint, child] of source.children)
      if (isBelow(mountpoint, root)) copyChild(machine, child, top, mountpoint, how);
  } catch (thrown) {
    dissolve(machine, top);
    throw thrown;
  }
  return top;
}

function copyChild(
  machine: Machine,
  source: Mount,
  onto: Mount,
  mountpoint: Dentry,
  how: CloneHow,
): void {
  if (source.unbindable && how.unbindable !== true) {
    if (source.locked) refuse("EPERM");
    return;
  }
  const copy = cloneMount(machine, source, source.root, how);
  copy.locked = source.locked;
  attach(copy, { mount: onto, dentry: mountpoint });
  for (const [dentry, child] of source.children) copyChild(machine, child, copy, dentry, how);
}
