/** New namespaces for a child or for the caller itself (clone(2), unshare(2); create_new_namespaces()). */

import type { NamespaceType } from "../../op.ts";
import { makeCgroupNamespace } from "../cgroup/namespace.ts";
import type { NetNamespace, PidNamespace, TimeNamespace } from "../namespace.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import type { Credentials } from "../user/credentials.ts";
import { isWithin, type UserNamespace } from "../user/user-namespace.ts";
import { copyMountNamespace } from "../vfs/clone-namespace.ts";
import type { PathPoint } from "../vfs/mount.ts";
import { emptyNetwork } from "./initial-namespaces.ts";
import type { Namespaces, Process } from "./process.ts";

/** MAX_PID_NS_LEVEL. */
const pidLevelMax = 32;

export interface MadeNamespaces {
  /** `pidForChildren` and `timeForChildren` are the new ones; `pid` and `time` are the caller's still. */
  readonly namespaces: Namespaces;
  /** The same places in a new mount namespace. */
  readonly root: PathPoint;
  readonly cwd: PathPoint;
}

/**
 * New namespaces of `types`, owned by the user namespace of `credentials`, which may be new itself. undefined when
 * nothing but a user namespace is asked for. EPERM without CAP_SYS_ADMIN there.
 */
export function makeNamespaces(
  caller: Process,
  types: readonly NamespaceType[],
  credentials: Credentials,
): MadeNamespaces | undefined {
  if (!types.some((type) => type !== "user")) return undefined;
  const owner = credentials.userNamespace;
  if (!capableIn(credentials, owner, "CAP_SYS_ADMIN")) refuse("EPERM");
  const { machine, namespaces: now } = caller;
  const has = (type: NamespaceType) => types.includes(type);
  if (has("pid")) checkPidNamespace(caller, owner);
  const mnt = has("mnt")
    ? copyMountNamespace(machine, now.mnt, owner, machine.nextNamespace())
    : undefined;
  const { hostname, domainname } = now.uts;
  const uts = () => ({
    type: "uts" as const,
    inode: machine.nextNamespace(),
    owner,
    hostname,
    domainname,
  });
  const ipc = () => ({
    type: "ipc" as const,
    inode: machine.nextNamespace(),
    owner,
    queues: new Map<string, Uint8Array>(),
  });
  return {
    namespaces: {
      mnt: mnt?.namespace ?? now.mnt,
      uts: has("uts") ? uts() : now.uts,
      ipc: has("ipc") ? ipc() : now.ipc,
      pid: now.pid,
      pidForChildren: has("pid") ? newPidNamespace(caller, owner) : now.pidForChildren,
      cgroup: has("cgroup") ? makeCgroupNamespace(machine, caller, owner) : now.cgroup,
      net: has("net") ? newNetNamespace(caller, owner) : now.net,
      time: now.time,
      ...timeOf(caller, owner, has("time")),
    },
    root: mnt?.translate(caller.root) ?? caller.root,
    cwd: mnt?.translate(caller.cwd) ?? caller.cwd,
  };
}

/** EINVAL: after unshare the children have a namespace already; ENOSPC: nested too deep. */
function checkPidNamespace(caller: Process, owner: UserNamespace): void {
  const { pid, pidForChildren } = caller.namespaces;
  if (pid !== pidForChildren || !isWithin(owner, pid.owner)) refuse("EINVAL");
  if (pid.level >= pidLevelMax) refuse("ENOSPC", "pid namespaces are nested too deep");
}

function newPidNamespace(caller: Process, owner: UserNamespace): PidNamespace {
  const parent = caller.namespaces.pid;
  return {
    type: "pid",
    inode: caller.machine.nextNamespace(),
    owner,
    parent,
    level: parent.level + 1,
    processes: new Map(),
    init: undefined,
    lastPid: 0,
  };
}

function newNetNamespace(caller: Process, owner: UserNamespace): NetNamespace {
  const made = emptyNetwork(caller.machine.nextNamespace(), owner);
  caller.machine.newNetwork?.(made);
  return made;
}

function timeOf(
  caller: Process,
  owner: UserNamespace,
  isNew: boolean,
): { readonly timeForChildren?: TimeNamespace } {
  const { timeForChildren } = caller.namespaces;
  if (!isNew) return timeForChildren === undefined ? {} : { timeForChildren };
  const inode = caller.machine.nextNamespace();
  const { monotonicOffsetNs } = timeForChildren ?? caller.namespaces.time;
  return { timeForChildren: { type: "time", inode, owner, monotonicOffsetNs } };
}
