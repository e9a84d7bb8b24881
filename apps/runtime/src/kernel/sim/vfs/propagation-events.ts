/**
 * What happens elsewhere when a mount comes or goes below a shared one (fs/pnode.c, with the rules of
 * Documentation/filesystems/propagate_umount.txt): peers and slaves of the place get copies, or lose theirs.
 */
import type { Machine } from "../machine.ts";
import { copyTree, lockAttributes } from "./clone-mount.ts";
import type { Dentry } from "./inode.ts";
import type { Mount, PathPoint, PeerGroup } from "./mount.ts";
import { attach, beforeChange, detach, isBelow, treeOf } from "./mount-tree.ts";

/**
 * Every mount that hears of what happens on `mount`: its peers, their slaves, the slaves' peers and so on; not itself.
 * The sets grow meanwhile: `beforeChange` makes what lazy copies of these mounts have not made yet.
 */
export function* listeners(mount: Mount): Generator<Mount, void, void> {
  if (mount.peers === undefined) return;
  const seen = new Set<Mount>([mount]);
  const groups: PeerGroup[] = [mount.peers];
  for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
    for (const member of group.members) {
      beforeChange(member);
      if (seen.has(member)) continue;
      seen.add(member);
      yield member;
    }
    for (const slave of group.slaves) {
      beforeChange(slave);
      if (seen.has(slave)) continue;
      seen.add(slave);
      yield slave;
      if (slave.peers !== undefined) groups.push(slave.peers);
    }
  }
}

/** One copy of the new tree, and the mount it is for. */
interface Copy {
  readonly tree: Mount;
  readonly onto: Mount;
}

/**
 * Copies of `tree` for everybody who hears of mounts on `at` (propagate_mnt()). All of `tree` has been made shared.
 * They are attached by the caller: `attachCopies`.
 */
export function copiesFor(machine: Machine, tree: Mount, at: PathPoint): readonly Copy[] {
  const copies: Copy[] = [];
  const group = at.mount.peers;
  if (group !== undefined) copyForGroup(machine, tree, at, group, new Set([at.mount]), copies);
  return copies;
}

function copyForGroup(
  machine: Machine,
  tree: Mount,
  at: PathPoint,
  group: PeerGroup,
  seen: Set<Mount>,
  copies: Copy[],
): void {
  const hears = (mount: Mount): boolean =>
    mount.namespace !== undefined && isBelow(at.dentry, mount.root);
  let model = tree;
  for (const member of group.members) {
    beforeChange(member);
    if (seen.has(member)) continue;
    seen.add(member);
    if (!hears(member)) continue;
    model = copyTree(machine, model, model.root, { shared: true });
    copies.push({ tree: model, onto: member });
  }
  for (const slave of group.slaves) {
    beforeChange(slave);
    if (seen.has(slave)) continue;
    if (slave.peers === undefined) {
      seen.add(slave);
      if (!hears(slave)) continue;
      copies.push({ tree: copyTree(machine, tree, tree.root, { slave: true }), onto: slave });
    } else {
      copyForSlaves(machine, tree, at, slave.peers, seen, copies);
    }
  }
}

/** Slaves that are peers of each other: the first gets a slave copy, which is shared, the others peers of that. */
function copyForSlaves(
  machine: Machine,
  tree: Mount,
  at: PathPoint,
  group: PeerGroup,
  seen: Set<Mount>,
  copies: Copy[],
): void {
  for (const first of group.members) {
    if (seen.has(first) || first.namespace === undefined || !isBelow(at.dentry, first.root))
      continue;
    seen.add(first);
    const copy = copyTree(machine, tree, tree.root, { slave: true, shared: true });
    copies.push({ tree: copy, onto: first });
    copyForGroup(machine, copy, at, group, seen, copies);
    return;
  }
}

/** Attaches the copies: what already sits at the place moves on top of them. */
export function attachCopies(copies: readonly Copy[], at: PathPoint): void {
  for (const { tree, onto } of copies) {
    const place = { mount: onto, dentry: at.dentry };
    if (onto.namespace?.owner !== at.mount.namespace?.owner) lockTree(tree);
    const covered = onto.childAt(at.dentry);
    if (covered !== undefined) detach(covered);
    attach(tree, place);
    if (covered !== undefined) {
      let top = tree;
      for (let next = top.childAt(top.root); next !== undefined; next = top.childAt(top.root))
        top = next;
      attach(covered, { mount: top, dentry: top.root });
    }
  }
}

/** What comes from another user namespace stays together as it came. */
function lockTree(tree: Mount): void {
  for (const mount of treeOf(tree)) {
    lockAttributes(mount);
    if (mount !== tree) mount.locked = true;
  }
}

/** What sits at the place of `mount` for everybody who hears of its going. */
export function* counterparts(mount: Mount): Generator<Mount, void, void> {
  const { parent, mountpoint } = mount;
  if (parent === undefined || mountpoint === undefined) return;
  for (const listener of listeners(parent)) {
    const child = listener.childAt(mountpoint);
    if (child !== undefined && child !== mount) yield child;
  }
}

/**
 * The mounts elsewhere that go when those of `leaving` (whole trees) go: what sits at the same place of a listener,
 * unless something that stays sits on it, other than on all of it, or it is locked to a parent that stays.
 */
export function leavingElsewhere(leaving: ReadonlySet<Mount>): ReadonlySet<Mount> {
  const found = new Set<Mount>();
  for (const mount of leaving)
    for (const other of counterparts(mount)) if (!leaving.has(other)) found.add(other);
  const goes: Goes = (mount) => leaving.has(mount) || found.has(mount);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const mount of found) if (staysBehind(mount, goes)) found.delete(mount);
  }
  return found;
}

type Goes = (mount: Mount) => boolean;

function staysBehind(mount: Mount, goes: Goes): boolean {
  if (mount.locked && mount.parent !== undefined && !goes(mount.parent)) return true;
  for (const [dentry, child] of mount.children)
    if (dentry !== mount.root && leavesSomething(child, goes)) return true;
  return false;
}

/** It stays, or what covers all of it does and comes down to its place. */
function leavesSomething(mount: Mount, goes: Goes): boolean {
  if (!goes(mount)) return true;
  const cover = overmount(mount);
  return cover !== undefined && leavesSomething(cover, goes);
}

/** The mount that sits on all of this one and would come down when it goes. */
export function overmount(mount: Mount): Mount | undefined {
  return mount.childAt(mount.root as Dentry);
}
