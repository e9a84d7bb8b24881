/** User namespaces and their id maps (user_namespaces(7)). Ids inside the model are always the host's. */
import type { IdMapping } from "../../op.ts";

export interface UserNamespace {
  readonly type: "user";
  readonly inode: number;
  readonly parent: UserNamespace | undefined;
  /** 0 is the host's. */
  readonly level: number;
  /** Host uid and gid of whoever made it: that user has every capability in it, seen from the parent. */
  readonly ownerUid: number;
  readonly ownerGid: number;
  /** Empty until written; written once. `hostId` is an id of the parent namespace, as in /proc/PID/uid_map. */
  uidMap: readonly IdMapping[];
  gidMap: readonly IdMapping[];
  setgroups: "allow" | "deny";
  /** Whether its maker had CAP_SETFCAP: only then may it map id 0 of the parent itself. */
  readonly parentCouldSetFcap?: boolean;
}

const idMax = 0xffff_ffff;

/** The host's user namespace: every id is itself. Its inode number is the kernel's own (PROC_USER_INIT_INO). */
export function initialUserNamespace(): UserNamespace {
  const identity = [{ containerId: 0, hostId: 0, size: idMax }];
  return {
    type: "user",
    inode: 4026531837,
    parent: undefined,
    level: 0,
    ownerUid: 0,
    ownerGid: 0,
    uidMap: identity,
    gidMap: identity,
    setgroups: "allow",
  };
}

/** What an id without a mapping looks like: /proc/sys/kernel/overflowuid. */
export const overflowId = 65534;

function upward(map: readonly IdMapping[], id: number): number | undefined {
  for (const { containerId, hostId, size } of map)
    if (id >= containerId && id < containerId + size) return hostId + (id - containerId);
  return undefined;
}

function downward(map: readonly IdMapping[], id: number): number | undefined {
  for (const { containerId, hostId, size } of map)
    if (id >= hostId && id < hostId + size) return containerId + (id - hostId);
  return undefined;
}

/** The host's id of an id in `namespace`; undefined when it has no mapping. */
export function toHostId(
  namespace: UserNamespace,
  kind: "uid" | "gid",
  id: number,
): number | undefined {
  let value: number | undefined = id;
  for (let at: UserNamespace | undefined = namespace; at?.parent !== undefined; at = at.parent) {
    value = upward(kind === "uid" ? at.uidMap : at.gidMap, value);
    if (value === undefined) return undefined;
  }
  return value;
}

/** What `namespace` calls a host id; undefined when it has no mapping there. */
export function fromHostId(
  namespace: UserNamespace,
  kind: "uid" | "gid",
  hostId: number,
): number | undefined {
  if (namespace.parent === undefined) return hostId;
  const inParent = fromHostId(namespace.parent, kind, hostId);
  return inParent === undefined
    ? undefined
    : downward(kind === "uid" ? namespace.uidMap : namespace.gidMap, inParent);
}

/** True when `inner` is `outer` or below it. */
export function isWithin(inner: UserNamespace, outer: UserNamespace): boolean {
  for (let at: UserNamespace | undefined = inner; at !== undefined; at = at.parent)
    if (at === outer) return true;
  return false;
}
