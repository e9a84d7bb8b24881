/**
 * Whose file it is, seen through a mount. On an ordinary mount that is what the inode says; an idmapped
 * mount (mount_setattr(2)) shows other ids. Everything here is in host ids.
 */
import type { Process } from "../process/process.ts";
import { fromHostId, overflowId, toHostId, type UserNamespace } from "../user/user-namespace.ts";
import type { Inode } from "./inode.ts";
import type { Mount } from "./mount.ts";

type Kind = "uid" | "gid";

/** Owner of `inode` as `mount` shows it (i_uid_into_vfsuid); undefined when the map has none for it. */
export function ownerThrough(
  mount: Mount | undefined,
  inode: Inode,
  kind: Kind,
): number | undefined {
  const id = kind === "uid" ? inode.uid : inode.gid;
  if (mount?.idmap === undefined) return id;
  const stored = fromHostId(inode.fileSystem.userNamespace, kind, id);
  return stored === undefined ? undefined : toHostId(mount.idmap, kind, stored);
}

/** The id to store for a file that `id` (a host id) owns through `mount`; undefined: it cannot be stored there. */
export function storedOwner(
  mount: Mount,
  fileSystemNamespace: UserNamespace,
  kind: Kind,
  id: number,
): number | undefined {
  if (mount.idmap === undefined) {
    return fromHostId(fileSystemNamespace, kind, id) === undefined ? undefined : id;
  }
  const stored = fromHostId(mount.idmap, kind, id);
  return stored === undefined ? undefined : toHostId(fileSystemNamespace, kind, stored);
}

/** Owner of a file as stat(2) tells `viewer`: 65534 where its user namespace has no id for it. */
export function shownOwner(
  viewer: Process,
  mount: Mount | undefined,
  inode: Inode,
  kind: Kind,
): number {
  const id = ownerThrough(mount, inode, kind);
  if (id === undefined) return overflowId;
  return fromHostId(viewer.credentials.userNamespace, kind, id) ?? overflowId;
}
