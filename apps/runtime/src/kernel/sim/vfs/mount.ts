/** A mount: one file system, from one of its directories on, at one place of one namespace (mount_namespaces(7)). */
import type { MountNamespace } from "../namespace.ts";
import type { Process } from "../process/process.ts";
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

/** Mounts below one that is a copy and has not made them all yet; clone-lazily.ts has the only kind. */
export interface PendingChildren {
  /** The mount that is to sit on `dentry`, made now; undefined when there is none. */
  childAt(dentry: Dentry): Mount | undefined;
  /** Makes all that are missing. */
  finish(): void;
  /** The original got a child at `dentry`, or the copy lost its own: what the original has there does not count. */
  covered(dentry: Dentry): void;
  /** The original has none there any more. */
  uncovered(dentry: Dentry): void;
}

const nobody: ReadonlySet<Process> = new Set();
const noMounts: ReadonlyMap<Dentry, Mount> = new Map();

export class Mount {
  readonly id: number;
  readonly fileSystem: FileSystem;
  readonly root: Dentry;
  /** Where it sits; undefined while detached, and for the root of a namespace. */
  parent: Mount | undefined;
  mountpoint: Dentry | undefined;
  /** undefined while detached (fsmount, open_tree with clone, after umount). */
  namespace: MountNamespace | undefined;
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
  /**
   * Set in a detached tree that can be attached (fsmount, open_tree with clone): the namespace of who made it.
   * A mount with neither this nor `namespace` was unmounted and only lives on in open files.
   */
  madeIn: MountNamespace | undefined;
  /** Copies of this one that still look here for children of theirs. */
  lazyCopies: Set<Mount> | undefined;
  pending: PendingChildren | undefined;
  /** Open files on it, O_PATH too, and those of them that are open for writing. */
  openFiles = 0;
  writers = 0;
  #users: Set<Process> | undefined;
  #children: Map<Dentry, Mount> | undefined;

  constructor(id: number, root: Dentry, attributes: number) {
    this.id = id;
    this.fileSystem = root.fileSystem;
    this.root = root;
    this.attributes = attributes;
  }

  /** Living processes with their root or cwd on it. */
  get users(): ReadonlySet<Process> {
    return this.#users ?? nobody;
  }

  addUser(process: Process): void {
    this.#users ??= new Set();
    this.#users.add(process);
  }

  removeUser(process: Process): void {
    this.#users?.delete(process);
    if (this.#users?.size === 0) this.#users = undefined;
  }

  /** The mount that sits on `dentry` of this one. Cheap, however many there are. */
  childAt(dentry: Dentry): Mount | undefined {
    return this.#children?.get(dentry) ?? this.pending?.childAt(dentry);
  }

  /**
   * Mounts that sit on this one, by the dentry they sit on; a mount on top of another sits on that one's root.
   * Asking makes those that a lazy copy still lacks: for one dentry ask `childAt`.
   */
  get children(): ReadonlyMap<Dentry, Mount> {
    this.pending?.finish();
    return this.#children ?? noMounts;
  }

  /** The children there are without making any. */
  get madeChildren(): ReadonlyMap<Dentry, Mount> {
    return this.#children ?? noMounts;
  }

  /** Without any rule: attach and detach of mount-tree.ts have them. */
  setChild(dentry: Dentry, child: Mount | undefined): void {
    if (child === undefined) {
      this.#children?.delete(dentry);
      if (this.#children?.size === 0) this.#children = undefined;
      return;
    }
    this.#children ??= new Map();
    this.#children.set(dentry, child);
  }
}
