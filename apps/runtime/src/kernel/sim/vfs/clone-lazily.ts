/**
 * Copy on demand. A copied mount starts without children and makes its copy of a child when a path walk or a change
 * touches it. The original warns before it changes (`beforeChange` in mount-tree.ts): then the copies that still
 * depend on the old state make theirs. So a copy costs what is used of it, and changes cost one step per lazy copy
 * that is still there. Recursive changes of the copy (propagation, attributes) are noted and replayed on each child
 * that is made later.
 */
import type { Propagation } from "../../op.ts";
import type { Machine } from "../machine.ts";
import { cloneMount, lockAttributes } from "./clone-mount.ts";
import { addCover, type Dentry } from "./inode.ts";
import type { Mount, PendingChildren } from "./mount.ts";
import { admit, beforeChange } from "./mount-tree.ts";
import { changePropagation } from "./propagation.ts";

/** A change of a mount that can be replayed on a copy made later. */
export interface MountChange {
  readonly propagation?: Propagation | undefined;
  readonly set: number;
  readonly clear: number;
}

/** Whether the copy belongs to a less privileged user namespace: shared becomes slave, all is locked in place. */
export interface LazyHow {
  readonly lesser: boolean;
}

class LazyChildren implements PendingChildren {
  readonly #machine: Machine;
  readonly #copy: Mount;
  readonly source: Mount;
  readonly how: LazyHow;
  changes: readonly MountChange[];
  /** Dentries where the original's child no longer counts. */
  #covered: Set<Dentry> | undefined;

  constructor(
    machine: Machine,
    copy: Mount,
    source: Mount,
    how: LazyHow,
    changes: readonly MountChange[],
  ) {
    this.#machine = machine;
    this.#copy = copy;
    this.source = source;
    this.how = how;
    this.changes = changes;
  }

  covered(dentry: Dentry): void {
    if (this.source.childAt(dentry) === undefined) return;
    this.#covered ??= new Set();
    this.#covered.add(dentry);
  }

  uncovered(dentry: Dentry): void {
    this.#covered?.delete(dentry);
  }

  childAt(dentry: Dentry): Mount | undefined {
    if (dentry.cover === undefined || this.#covered?.has(dentry) === true) return undefined;
    const original = this.source.childAt(dentry);
    return original === undefined ? undefined : this.#make(original, dentry);
  }

  finish(): void {
    for (const [dentry, original] of this.source.children) {
      if (this.#covered?.has(dentry) === true) continue;
      if (!this.#copy.madeChildren.has(dentry)) this.#make(original, dentry);
    }
    this.end();
  }

  /** The copy no longer depends on the original. */
  end(): void {
    this.#copy.pending = undefined;
    this.source.lazyCopies?.delete(this.#copy);
    if (this.source.lazyCopies?.size === 0) this.source.lazyCopies = undefined;
  }

  #make(original: Mount, dentry: Dentry): Mount {
    const copy = cloneLazily(this.#machine, original, this.how, this.changes);
    for (const change of this.changes) applyChange(this.#machine, copy, change);
    // Linked by hand: for everybody else this is no change, the mount has been there all the time.
    const { namespace } = this.#copy;
    copy.parent = this.#copy;
    copy.mountpoint = dentry;
    copy.namespace = namespace;
    this.#copy.setChild(dentry, copy);
    addCover(dentry, 1);
    dentry.cover?.here.add(copy);
    if (namespace !== undefined) admit(namespace, copy);
    return copy;
  }
}

/** A copy of one mount that makes the copies of what sits on it later. */
export function cloneLazily(
  machine: Machine,
  source: Mount,
  how: LazyHow,
  changes: readonly MountChange[] = [],
): Mount {
  const copy = cloneMount(machine, source, source.root, { slave: how.lesser, unbindable: true });
  copy.locked = source.locked || how.lesser;
  if (how.lesser) lockAttributes(copy);
  if (source.pending === undefined && source.madeChildren.size === 0) return copy;
  copy.pending = new LazyChildren(machine, copy, source, how, changes);
  source.lazyCopies ??= new Set();
  source.lazyCopies.add(copy);
  return copy;
}

/** What a lazy copy has not made by now it will never have. */
export function forgetPending(copy: Mount): void {
  // Copies of the copy rely on it.
  if (copy.pending !== undefined && copy.lazyCopies !== undefined)
    for (const one of [...copy.lazyCopies]) one.pending?.finish();
  if (copy.pending instanceof LazyChildren) copy.pending.end();
}

/** True when children that are not made yet could be told apart from private ones: umount would be seen elsewhere. */
export function mayPropagate(copy: Mount): boolean {
  const { pending } = copy;
  if (!(pending instanceof LazyChildren)) return false;
  if (pending.how.lesser) return pending.changes.some((change) => change.propagation === "shared");
  const last = pending.changes.findLast((change) => change.propagation !== undefined);
  return last === undefined || last.propagation === "shared";
}

/** True when children that are not made yet may have locked attributes. */
export function mayBeLocked(copy: Mount): boolean {
  const { pending } = copy;
  if (!(pending instanceof LazyChildren)) return false;
  return pending.how.lesser || mayBeLocked(pending.source) || pending.source.lockedAttributes !== 0;
}

function applyChange(machine: Machine, mount: Mount, change: MountChange): void {
  mount.attributes = (mount.attributes & ~change.clear) | change.set;
  if (change.propagation !== undefined) changePropagation(machine, mount, change.propagation);
}

/** A change of a mount and everything below it, whether made yet or not. */
export function changeTree(machine: Machine, mount: Mount, change: MountChange): void {
  beforeChange(mount);
  applyChange(machine, mount, change);
  const { pending } = mount;
  if (pending instanceof LazyChildren) {
    if (mount.lazyCopies !== undefined) pending.finish();
    else pending.changes = withChange(pending.changes, change);
  }
  for (const child of mount.madeChildren.values()) changeTree(machine, child, change);
}

/** A later "private" or "unbindable" makes earlier propagation changes void. */
function withChange(changes: readonly MountChange[], change: MountChange): readonly MountChange[] {
  const final = change.propagation === "private" || change.propagation === "unbindable";
  if (!final) return [...changes, change];
  const attributes = changes.filter(({ set, clear }) => set !== 0 || clear !== 0);
  return [...attributes.map(({ set, clear }) => ({ set, clear })), change];
}
