/**
 * The tree of mounts: what sits where, and who sits on whom. These functions know nothing of permissions,
 * propagation or locks; those are in mount-*.ts and propagation*.ts. Everything that changes a mount calls
 * `beforeChange` first, so that lazy copies of the tree (clone-lazily.ts) keep what they were copied from.
 */
import type { MountNamespace } from "../namespace.ts";
import type { Process } from "../process/process.ts";
import { addCover, type Dentry } from "./inode.ts";
import type { Mount, PathPoint } from "./mount.ts";

/** Follows mounts that sit on the dentry, to the root of the topmost one; `point` itself when there is none. */
export function topMount(point: PathPoint): PathPoint {
  if (point.dentry.cover === undefined) return point;
  let at = point;
  for (;;) {
    const above = at.mount.childAt(at.dentry);
    if (above === undefined) return at;
    at = { mount: above, dentry: above.root };
  }
}

/** From the root of a mount to where it sits in its parent; undefined for the root of a namespace and detached mounts. */
export function aboveMount(point: PathPoint): PathPoint | undefined {
  const { parent, mountpoint } = point.mount;
  return parent === undefined || mountpoint === undefined
    ? undefined
    : { mount: parent, dentry: mountpoint };
}

/**
 * To be called before anything of `mount` changes: its children, attributes or propagation. Copies of the tree it
 * is in that have not yet made their copy of it make it now.
 */
export function beforeChange(mount: Mount): void {
  const { parent, mountpoint } = mount;
  if (parent === undefined || mountpoint === undefined) return;
  beforeChange(parent);
  if (parent.lazyCopies === undefined) return;
  for (const copy of [...parent.lazyCopies]) copy.childAt(mountpoint);
}

/** Puts a mount that sits nowhere, with all below it, onto a dentry of `at.mount` on which nothing sits. */
export function attach(mount: Mount, at: PathPoint): void {
  beforeChange(at.mount);
  mount.parent = at.mount;
  mount.mountpoint = at.dentry;
  at.mount.setChild(at.dentry, mount);
  if (at.mount.lazyCopies !== undefined)
    for (const copy of at.mount.lazyCopies) copy.pending?.covered(at.dentry);
  addCover(at.dentry, 1);
  at.dentry.cover?.here.add(mount);
  if (at.mount.namespace === undefined) letFloat(mount, at.mount.madeIn);
  else if (mount.namespace !== at.mount.namespace) enterNamespace(mount, at.mount.namespace);
}

/** Takes a mount, with all below it, from where it sits. Its namespace is the caller's business. */
export function detach(mount: Mount): void {
  const { parent, mountpoint } = mount;
  if (parent === undefined || mountpoint === undefined) return;
  beforeChange(mount);
  parent.setChild(mountpoint, undefined);
  parent.pending?.covered(mountpoint);
  if (parent.lazyCopies !== undefined)
    for (const copy of parent.lazyCopies) copy.pending?.uncovered(mountpoint);
  mountpoint.cover?.here.delete(mount);
  addCover(mountpoint, -1);
  mount.parent = undefined;
  mount.mountpoint = undefined;
}

/** Makes a mount and all below it members of `namespace`; of none when it is undefined. */
export function enterNamespace(mount: Mount, namespace: MountNamespace | undefined): void {
  forEachMade(mount, (one) => {
    if (one.namespace !== undefined) expel(one.namespace, one);
    one.namespace = namespace;
    one.madeIn = undefined;
    if (namespace !== undefined) admit(namespace, one);
  });
}

/** Notes a member in its namespace. A namespace made by hand has its `mounts` alone. */
export function admit(namespace: MountNamespace, mount: Mount): void {
  if (namespace.admit === undefined) namespace.mounts.add(mount);
  else namespace.admit(mount);
}

function expel(namespace: MountNamespace, mount: Mount): void {
  if (namespace.expel === undefined) namespace.mounts.delete(mount);
  else namespace.expel(mount);
}

/** Makes a mount and all below it a tree that sits nowhere but may be attached. */
export function letFloat(mount: Mount, madeIn: MountNamespace | undefined): void {
  forEachMade(mount, (one) => {
    one.namespace = undefined;
    one.madeIn = madeIn;
  });
}

/** Calls `visit` for a mount and everything below, parents first, but for what lazy copies have not made. */
export function forEachMade(mount: Mount, visit: (mount: Mount) => void): void {
  visit(mount);
  for (const child of mount.madeChildren.values()) forEachMade(child, visit);
}

/** A mount and everything below it, parents first. */
export function treeOf(mount: Mount): readonly Mount[] {
  const found: Mount[] = [mount];
  for (let index = 0; index < found.length; index++)
    found.push(...(found[index] as Mount).children.values());
  return found;
}

/** True when `inner` is `outer` or lies below it in the directory tree of their file system. */
export function isBelow(inner: Dentry, outer: Dentry): boolean {
  for (let at: Dentry | undefined = inner; at !== undefined; at = at.parent)
    if (at === outer) return true;
  return false;
}

/** is_path_reachable(): whether `point` can be reached from `root` going down. */
export function isReachable(point: PathPoint, root: PathPoint): boolean {
  let at: PathPoint | undefined = point;
  while (at !== undefined && at.mount !== root.mount) at = aboveMount(at);
  return at !== undefined && isBelow(at.dentry, root.dentry);
}

/** True when `mount` is `above` or sits somewhere below it. */
export function sitsBelow(mount: Mount, above: Mount): boolean {
  for (let at: Mount | undefined = mount; at !== undefined; at = at.parent)
    if (at === above) return true;
  return false;
}

/** Path from the root of its file system: field 4 of mountinfo. */
export function pathInFileSystem(dentry: Dentry): string {
  let path = "";
  for (let at = dentry; at.parent !== undefined; at = at.parent) path = `/${at.name}${path}`;
  return path === "" ? "/" : path;
}

/**
 * Where a mount sits as `process` sees it from its root (field 5 of mountinfo); undefined when it cannot be
 * reached from there. Not escaped.
 */
export function mountpointPath(process: Process, mount: Mount): string | undefined {
  const { root } = process;
  let path = "";
  let at: PathPoint = { mount, dentry: mount.root };
  for (;;) {
    if (at.mount === root.mount && at.dentry === root.dentry) return path === "" ? "/" : path;
    if (at.dentry === at.mount.root) {
      const above = aboveMount(at);
      if (above === undefined) return undefined;
      at = above;
      continue;
    }
    const { parent } = at.dentry;
    if (parent === undefined) return undefined;
    path = `/${at.dentry.name}${path}`;
    at = { mount: at.mount, dentry: parent };
  }
}

/**
 * Whether a mount of the caller's namespace sits on this dentry: unlink, rmdir and rename of it are EBUSY
 * (is_local_mountpoint()).
 */
export function isLocalMountpoint(namespace: MountNamespace, dentry: Dentry): boolean {
  if (dentry.cover === undefined) return false;
  // The set grows meanwhile: copies of copies.
  for (const mount of dentry.cover.here) beforeChange(mount);
  for (const mount of dentry.cover.here) if (mount.namespace === namespace) return true;
  return false;
}
