/** Extended attributes (xattr(7)): which namespaces of names there are, and who may see and set them. */
import { S_ISVTX } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import type { PathPoint } from "./mount.ts";
import {
  capableOnHost,
  capableOver,
  checkPermission,
  mayRead,
  mayWrite,
  ownerOrCapable,
  wantWrite,
} from "./permission.ts";

const nameMax = 255;
const sizeMax = 65_536;

/** xattr_permission() for one name. */
function checkName(caller: Process, point: PathPoint, name: string, writes: boolean): void {
  const { mount, dentry } = point;
  const { inode } = dentry;
  if (name === "" || name.length > nameMax) refuse("ERANGE");
  if (name.startsWith("trusted.")) {
    if (!capableOnHost(caller, "CAP_SYS_ADMIN")) refuse(writes ? "EPERM" : "ENODATA");
    return;
  }
  if (name.startsWith("security.")) {
    if (!writes) return;
    const own = inode.fileSystem.userNamespace;
    const allowed =
      name === "security.capability"
        ? capableOver(caller, mount, inode, "CAP_SETFCAP")
        : capableIn(caller.credentials, own, "CAP_SYS_ADMIN");
    if (!allowed) refuse("EPERM");
    return;
  }
  if (!name.startsWith("user.")) refuse("EOPNOTSUPP");
  if (inode.type !== "file" && inode.type !== "directory") refuse(writes ? "EPERM" : "ENODATA");
  const sticky = inode.type === "directory" && (inode.mode & S_ISVTX) !== 0;
  if (sticky && writes && !ownerOrCapable(caller, mount, inode)) refuse("EPERM");
  checkPermission(caller, mount, inode, writes ? mayWrite : mayRead);
}

/** setxattr(2); removexattr(2) when `value` is undefined: ENODATA when it is not there. */
export function changeXattr(
  caller: Process,
  point: PathPoint,
  name: string,
  value: Uint8Array | undefined,
): void {
  if (value !== undefined && value.length > sizeMax) refuse("E2BIG");
  wantWrite(point.mount);
  checkName(caller, point, name, true);
  const { dentry } = point;
  if (value === undefined && dentry.inode.xattrs?.has(name) !== true) refuse("ENODATA");
  dentry.inode.fileSystem.setXattr(dentry, name, value);
}

/** getxattr(2). ENODATA. */
export function xattrOf(caller: Process, point: PathPoint, name: string): Uint8Array {
  checkName(caller, point, name, false);
  return point.dentry.inode.xattrs?.get(name) ?? refuse("ENODATA");
}

/** listxattr(2): trusted ones only for CAP_SYS_ADMIN. */
export function xattrNames(caller: Process, point: PathPoint): readonly string[] {
  const names = [...(point.dentry.inode.xattrs?.keys() ?? [])];
  if (capableOnHost(caller, "CAP_SYS_ADMIN")) return names;
  return names.filter((name) => !name.startsWith("trusted."));
}
