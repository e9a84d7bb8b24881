/** Namespaces: what each kind holds (namespaces(7)). Made by clone3, unshare and the boot; freed by nobody: garbage is the host's. */
import type { NamespaceType } from "../op.ts";
import type { CgroupNode } from "./cgroup/hierarchy.ts";
import type { Network } from "./net/network.ts";
import type { Process } from "./process/process.ts";
import type { UserNamespace } from "./user/user-namespace.ts";
import type { Mount } from "./vfs/mount.ts";

interface NamespaceBase<Type extends NamespaceType> {
  readonly type: Type;
  /** Inode number, as /proc/PID/ns/TYPE shows it: 4026531840 and up. */
  readonly inode: number;
  /** The user namespace that owns it; capabilities over it are looked for there. */
  readonly owner: UserNamespace;
}

export interface MountNamespace extends NamespaceBase<"mnt"> {
  root: Mount;
  /** Every mount attached in this namespace. Asking makes those that a lazy copy still lacks. */
  readonly mounts: Set<Mount>;
  /** A mount came or went (mount-namespace.ts); without them `mounts` itself is changed. */
  admit?(mount: Mount): void;
  expel?(mount: Mount): void;
  /** A process or an open file refers to it, or does no longer: without any its mounts end. */
  hold?(): void;
  release?(): void;
}

export interface PidNamespace extends NamespaceBase<"pid"> {
  readonly parent: PidNamespace | undefined;
  /** 0 is the host's. */
  readonly level: number;
  /** Pid in this namespace to process, zombies included. */
  readonly processes: Map<number, Process>;
  /** Its pid 1; when that dies, everybody in the namespace is killed and nobody can be born here. */
  init: Process | undefined;
  lastPid: number;
}

export interface NetNamespace extends NamespaceBase<"net"> {
  readonly network: Network;
  /** Living processes in it, and open files and mounts that refer to it. */
  holders?: number;
}

export interface UtsNamespace extends NamespaceBase<"uts"> {
  hostname: string;
  domainname: string;
}

export interface IpcNamespace extends NamespaceBase<"ipc"> {
  /** Names in its POSIX message queue file system. */
  readonly queues: Map<string, Uint8Array>;
}

export interface CgroupNamespace extends NamespaceBase<"cgroup"> {
  /** What /proc/self/cgroup calls "/" in each hierarchy, by hierarchy id. */
  readonly roots: ReadonlyMap<number, CgroupNode>;
}

export interface TimeNamespace extends NamespaceBase<"time"> {
  readonly monotonicOffsetNs: bigint;
}

export type Namespace =
  | MountNamespace
  | PidNamespace
  | NetNamespace
  | UtsNamespace
  | IpcNamespace
  | CgroupNamespace
  | TimeNamespace
  | UserNamespace;

/** Counts who holds a network namespace; without any it goes, with the devices in it. */
export function holdNetwork(namespace: NetNamespace, change: 1 | -1): void {
  namespace.holders = (namespace.holders ?? 0) + change;
}
