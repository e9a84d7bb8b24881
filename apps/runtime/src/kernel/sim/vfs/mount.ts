/** A mount: one file system, from one of its directories on, at one place of one namespace (mount_namespaces(7)). */
import type { MountNamespace } from "../namespace.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import type { FileSystem } from "./file-system.ts";
import type { Dentry } from "./inode.ts";

/** Where a path leads: a directory entry seen through a mount. */
export interface PathPoint {
  readonly mount: Mount;
  readonly dentry: Dentry;
}

/** Mounts that tell each other about mounts below them; `id` as in mountinfo's shared:N. */
export interface PeerGroup {
  readonly id: number;
  readonly members: Set<Mount>;
  /** Mounts that only listen to this group. */
  readonly slaves: Set<Mount>;
}

/** Bits of `attributes`. */
export const mountReadOnly = 1;
export const mountNoSuid = 2;
export const mountNoDev = 4;
export const mountNoExec = 8;
export const mountNoAtime = 16;
export const mountNoDirAtime = 32;
export const mountNoSymFollow = 64;
export const mountStrictAtime = 128;

export class Mount {
  readonly id: number;
  readonly fileSystem: FileSystem;
  readonly root: Dentry;
  /** Where it sits; undefined while detached, and for the root of a namespace. */
  parent: Mount | undefined;
  mountpoint: Dentry | undefined;
  /** undefined while detached (fsmount, open_tree with clone, after umount). */
  namespace: MountNamespace | undefined;
  /** Mounts that sit on this one, by the dentry they sit on; a mount on top of another sits on that one's root. */
  readonly children = new Map<Dentry, Mount>();
  attributes: number;
  /** Attribute bits that came from a more privileged namespace and cannot be cleared (mount_namespaces(7)). */
  lockedAttributes = 0;
  /** Came along with others into a less privileged namespace: cannot be taken away alone. */
  locked = false;
  peers: PeerGroup | undefined;
  master: PeerGroup | undefined;
  unbindable = false;
  /** Idmapped mount: the user namespace whose maps apply. */
  idmap: UserNamespace | undefined;

  constructor(id: number, root: Dentry, attributes: number) {
    this.id = id;
    this.fileSystem = root.fileSystem;
    this.root = root;
    this.attributes = attributes;
  }
}
