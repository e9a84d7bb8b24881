/** System calls on mounts, after their man pages. Each begins with `enter`. */
import type { MountAttr, Propagation } from "../../op.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";

/** mount(2); `flags` MS_*, `data` the option string. */
export function mount(
  _caller: Process,
  _source: string,
  _target: string,
  _fstype: string,
  _flags: number,
  _data: string,
): void {
  refuse("ENOSYS");
}
/** fsopen, fsconfig for each option, fsmount: fd of a detached mount. */
export function fsmount(
  _caller: Process,
  _fstype: string,
  _source: string,
  _options: readonly (readonly [key: string, value: string])[],
  _attrs: readonly MountAttr[],
): number {
  return refuse("ENOSYS");
}
/** open_tree(2); `flags`: OPEN_TREE_CLONE, AT_RECURSIVE, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. */
export function openTree(_caller: Process, _dirfd: number, _path: string, _flags: number): number {
  return refuse("ENOSYS");
}
/** move_mount(2) of the mount that `fromFd` refers to, onto what `toDirfd` and `toPath` name ("" is toDirfd itself). */
export function moveMount(
  _caller: Process,
  _fromFd: number,
  _toDirfd: number,
  _toPath: string,
): void {
  refuse("ENOSYS");
}
/** mount_setattr(2) on the mount an fd is on. `idmapFd`: a user namespace fd. */
export function mountSetattr(
  _caller: Process,
  _dirfd: number,
  _path: string,
  _change: {
    readonly set: readonly MountAttr[];
    readonly clear: readonly MountAttr[];
    readonly recursive: boolean;
    readonly propagation?: Propagation;
    readonly idmapFd?: number;
  },
): void {
  refuse("ENOSYS");
}
/** pivot_root(2): both paths as the caller sees them; "." with "." is how the executor does it. */
export function pivotRoot(_caller: Process, _newRoot: string, _putOld: string): void {
  refuse("ENOSYS");
}
/** umount2(2); `flags`: MNT_DETACH, UMOUNT_NOFOLLOW. */
export function umount2(_caller: Process, _path: string, _flags: number): void {
  refuse("ENOSYS");
}
