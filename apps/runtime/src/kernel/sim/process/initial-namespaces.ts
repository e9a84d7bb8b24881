/** The namespaces a machine boots with; their inode numbers are the kernel's own constants (include/uapi/linux/nsfs.h). */
import type { Machine } from "../machine.ts";
import type { NetNamespace, PidNamespace } from "../namespace.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import type { Mount } from "../vfs/mount.ts";
import { MountTreeNamespace } from "../vfs/mount-namespace.ts";
import type { Namespaces } from "./process.ts";

const inodes = {
  mnt: 4026531832,
  net: 4026531833,
  time: 4026531834,
  cgroup: 4026531835,
  pid: 4026531836,
  uts: 4026531838,
  ipc: 4026531839,
};

function initialPidNamespace(owner: UserNamespace): PidNamespace {
  return {
    type: "pid",
    inode: inodes.pid,
    owner,
    parent: undefined,
    level: 0,
    processes: new Map(),
    init: undefined,
    lastPid: 0,
  };
}

/** An empty network; `machine.newNetwork` gives it a loopback device. */
export function emptyNetwork(inode: number, owner: UserNamespace): NetNamespace {
  return {
    type: "net",
    inode,
    owner,
    network: {
      devices: new Map(),
      routes: [],
      rules: [],
      sysctls: new Map(),
      listeners: new Map(),
    },
  };
}

/** One of each, `root` the root of the mount namespace. */
export function initialNamespaces(machine: Machine, root: Mount): Namespaces {
  const owner = machine.initUserNamespace;
  const pid = initialPidNamespace(owner);
  const mnt = new MountTreeNamespace(machine, { inode: inodes.mnt, owner, root });
  const net = emptyNetwork(inodes.net, owner);
  machine.initPidNamespace = pid;
  machine.newNetwork?.(net);
  return {
    mnt,
    pid,
    pidForChildren: pid,
    net,
    ipc: { type: "ipc", inode: inodes.ipc, owner, queues: new Map() },
    uts: {
      type: "uts",
      inode: inodes.uts,
      owner,
      hostname: machine.options.hostname,
      domainname: "(none)",
    },
    cgroup: { type: "cgroup", inode: inodes.cgroup, owner, roots: new Map() },
    time: { type: "time", inode: inodes.time, owner, monotonicOffsetNs: 0n },
  };
}
