/** Changes of what is mounted already, by mount(2): MS_REMOUNT, with MS_BIND or without, and MS_SHARED and its kin. */
import type { Propagation } from "../../op.ts";
import { MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import { changeTree } from "./clone-lazily.ts";
import { type Mount, mountReadOnly, type PathPoint } from "./mount.ts";
import { isMountRoot } from "./mount-attach.ts";
import { mayBecome } from "./mount-setattr.ts";
import { beforeChange } from "./mount-tree.ts";
import { changePropagation } from "./propagation.ts";

const kinds: ReadonlyMap<number, Propagation> = new Map([
  [MS_SHARED, "shared"],
  [MS_PRIVATE, "private"],
  [MS_SLAVE, "slave"],
  [MS_UNBINDABLE, "unbindable"],
]);
const MS_SILENT = 32768;

/** do_change_type(). EINVAL when the flags name two kinds or anything else beside. */
export function changeType(caller: Process, point: PathPoint, flags: number): void {
  const kind = kinds.get(flags & ~(MS_REC | MS_SILENT));
  if (kind === undefined || !isMountRoot(point)) refuse("EINVAL");
  const { mount } = point;
  const owner = (mount.namespace ?? mount.madeIn)?.owner;
  if (owner === undefined) refuse("EINVAL");
  if (!capableIn(caller.credentials, owner, "CAP_SYS_ADMIN")) refuse("EPERM");
  if ((flags & MS_REC) !== 0) {
    changeTree(caller.machine, mount, { propagation: kind, set: 0, clear: 0 });
  } else {
    beforeChange(mount);
    changePropagation(caller.machine, mount, kind);
  }
}

function checkRemount(caller: Process, point: PathPoint, attributes: number): Mount {
  const { mount } = point;
  if (mount.namespace !== caller.namespaces.mnt || !isMountRoot(point)) refuse("EINVAL");
  if (!mayBecome(mount, attributes)) refuse("EPERM");
  return mount;
}

/** MS_REMOUNT with MS_BIND: the mount alone, not its file system. EBUSY when files are open for writing. */
export function remountBind(caller: Process, point: PathPoint, attributes: number): void {
  const mount = checkRemount(caller, point, attributes);
  const protects = (attributes & ~mount.attributes & mountReadOnly) !== 0;
  if (protects && mount.writers > 0) refuse("EBUSY");
  beforeChange(mount);
  mount.attributes = attributes;
}

/** MS_REMOUNT: file system and mount. Read-only then is the file system, wherever it is mounted. */
export function remount(
  caller: Process,
  point: PathPoint,
  attributes: number,
  options: ReadonlyMap<string, string>,
): void {
  const mount = checkRemount(caller, point, attributes);
  const { fileSystem } = mount;
  if (!capableIn(caller.credentials, fileSystem.userNamespace, "CAP_SYS_ADMIN")) refuse("EPERM");
  const readOnly = (attributes & mountReadOnly) !== 0;
  if (readOnly && !fileSystem.readOnly && mount.writers > 0) refuse("EBUSY");
  fileSystem.reconfigure(caller, options);
  fileSystem.readOnly = readOnly;
  beforeChange(mount);
  mount.attributes = attributes;
}
