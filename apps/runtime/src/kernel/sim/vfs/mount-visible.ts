/**
 * mount_too_revealing() in fs/namespace.c: proc and sysfs may only be mounted in a user namespace that already sees
 * such a mount with nothing hidden in it, so that masked paths stay masked.
 */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { FileSystem } from "./file-system.ts";
import type { Dentry } from "./inode.ts";
import { type Mount, mountNoDirAtime, mountReadOnly } from "./mount.ts";
import { accessTimeBits } from "./mount-bits.ts";
import { MountTreeNamespace, revealingTypes } from "./mount-namespace.ts";

const times = accessTimeBits | mountNoDirAtime;

function hides(caller: Process, mountpoint: Dentry, child: Mount): boolean {
  if (!child.locked) return false;
  if (mountpoint.inode.type !== "directory") return true;
  return mountpoint.fileSystem.list(mountpoint, caller).length > 0;
}

/** Whether `mount` shows all that a new mount with these attributes would show. */
function showsAll(caller: Process, mount: Mount, attributes: number): boolean {
  if (mount.root.parent !== undefined) return false;
  const readOnly =
    mount.fileSystem.readOnly || (mount.lockedAttributes & mount.attributes & mountReadOnly) !== 0;
  if (readOnly && (attributes & mountReadOnly) === 0) return false;
  const timesLocked = (mount.lockedAttributes & times) !== 0;
  if (timesLocked && ((mount.attributes ^ attributes) & times) !== 0) return false;
  for (const [mountpoint, child] of mount.children)
    if (hides(caller, mountpoint, child)) return false;
  return true;
}

/**
 * Attributes that must be locked on a new mount of `fileSystem`: those of the mount that shows as much already.
 * EPERM when there is none.
 */
export function lockForVisibility(
  caller: Process,
  fileSystem: FileSystem,
  attributes: number,
): number {
  const { mnt } = caller.namespaces;
  if (mnt.owner.parent === undefined || !revealingTypes.has(fileSystem.type)) return 0;
  const mounts = mnt instanceof MountTreeNamespace ? mnt.revealing() : mnt.mounts;
  for (const mount of mounts) {
    if (mount.fileSystem.type !== fileSystem.type || !showsAll(caller, mount, attributes)) continue;
    return mount.lockedAttributes & (times | (mount.attributes & mountReadOnly));
  }
  return refuse("EPERM", "Mount too revealing");
}
