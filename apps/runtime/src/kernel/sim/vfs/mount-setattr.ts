/** mount_setattr(2): attributes, propagation and id maps of a mount or a tree of mounts, all of it or nothing. */
import type { MountAttr, Propagation } from "../../op.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import { changeTree, mayBeLocked } from "./clone-lazily.ts";
import { type Mount, mountNoDirAtime, mountReadOnly, type PathPoint } from "./mount.ts";
import { isMountRoot } from "./mount-attach.ts";
import { accessTimeBits, attributeBits, namesAccessTime } from "./mount-bits.ts";
import { beforeChange, treeOf } from "./mount-tree.ts";
import { changePropagation } from "./propagation.ts";

/** File systems with FS_ALLOW_IDMAP. */
const idmappable: ReadonlySet<string> = new Set([
  "ext4",
  "xfs",
  "btrfs",
  "tmpfs",
  "erofs",
  "squashfs",
  "vfat",
]);

export interface SetattrChange {
  readonly set: readonly MountAttr[];
  readonly clear: readonly MountAttr[];
  readonly recursive: boolean;
  readonly propagation?: Propagation;
  readonly idmap?: UserNamespace;
}

interface Bits {
  readonly set: number;
  readonly clear: number;
}

/** The access times are one field: naming one of them clears it first. EINVAL when two are to be set at once. */
function bitsOf(change: SetattrChange): Bits {
  const set = attributeBits(change.set);
  if ((set & accessTimeBits) === accessTimeBits) refuse("EINVAL");
  let clear = attributeBits(change.clear);
  if (namesAccessTime(change.set) || namesAccessTime(change.clear)) clear |= accessTimeBits;
  return { set, clear };
}

/** can_change_locked_flags(). */
export function mayBecome(mount: Mount, attributes: number): boolean {
  const changed = mount.attributes ^ attributes;
  const times = accessTimeBits | mountNoDirAtime;
  if ((mount.lockedAttributes & changed & times) !== 0) return false;
  return (mount.lockedAttributes & changed & mount.attributes & ~times) === 0;
}

/** can_idmap_mount(). */
function checkIdmap(caller: Process, mount: Mount, idmap: UserNamespace): void {
  const { fileSystem } = mount;
  if (idmap === fileSystem.userNamespace) refuse("EINVAL");
  if (mount.idmap !== undefined) refuse("EPERM");
  if (!idmappable.has(fileSystem.type)) refuse("EINVAL");
  if (!capableIn(caller.credentials, fileSystem.userNamespace, "CAP_SYS_ADMIN")) refuse("EPERM");
  if (mount.madeIn === undefined) refuse("EINVAL");
}

function check(caller: Process, mount: Mount, bits: Bits, idmap: UserNamespace | undefined): void {
  if (!mayBecome(mount, (mount.attributes & ~bits.clear) | bits.set)) refuse("EPERM");
  if (idmap !== undefined) checkIdmap(caller, mount, idmap);
  const protects = (bits.set & ~mount.attributes & mountReadOnly) !== 0;
  if ((protects || idmap !== undefined) && mount.writers > 0) refuse("EBUSY");
}

/** The mounts a change must be checked on. Those of a lazy copy that are not made are as new, unless they are locked. */
function checkTree(caller: Process, mount: Mount, bits: Bits, idmap: UserNamespace | undefined) {
  check(caller, mount, bits, idmap);
  const changes = bits.set !== 0 || bits.clear !== 0;
  if (idmap !== undefined || (changes && mayBeLocked(mount))) mount.pending?.finish();
  for (const child of mount.madeChildren.values()) checkTree(caller, child, bits, idmap);
}

/** What the idmap of mount_setattr may be: EPERM for the host's own namespace and one the caller has no power over. */
export function checkIdmapNamespace(caller: Process, idmap: UserNamespace): void {
  if (idmap.parent === undefined) refuse("EPERM");
  if (!capableIn(caller.credentials, idmap, "CAP_SYS_ADMIN")) refuse("EPERM");
}

/** mount_setattr(2) of what a path led to. EINVAL when it is no mount's root, or one that is not the caller's. */
export function setattr(caller: Process, point: PathPoint, change: SetattrChange): void {
  const { machine } = caller;
  const { mount } = point;
  const bits = bitsOf(change);
  const { idmap, propagation, recursive } = change;
  if (!isMountRoot(point)) refuse("EINVAL");
  const detachedRoot = mount.madeIn !== undefined && mount.parent === undefined;
  if (mount.namespace !== caller.namespaces.mnt && !detachedRoot) refuse("EINVAL");
  if (recursive) checkTree(caller, mount, bits, idmap);
  else check(caller, mount, bits, idmap);
  if (recursive) {
    changeTree(machine, mount, { ...bits, propagation });
    if (idmap !== undefined) for (const one of treeOf(mount)) one.idmap = idmap;
    return;
  }
  beforeChange(mount);
  mount.attributes = (mount.attributes & ~bits.clear) | bits.set;
  if (propagation !== undefined) changePropagation(machine, mount, propagation);
  if (idmap !== undefined) mount.idmap = idmap;
}
