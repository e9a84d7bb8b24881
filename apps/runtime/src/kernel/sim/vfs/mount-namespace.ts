/**
 * A mount namespace that may be a lazy copy: its mounts are made when somebody asks for all of them, and end when
 * no process and no open file refers to it any more.
 */
import { namespaceOf } from "../fs/nsfs.ts";
import type { Machine } from "../machine.ts";
import { holdNetwork, type MountNamespace } from "../namespace.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import type { Mount } from "./mount.ts";
import { dissolve } from "./mount-dissolve.ts";
import { beforeChange, enterNamespace, treeOf } from "./mount-tree.ts";

/** Types that show a user namespace something of the machine (SB_I_USERNS_VISIBLE). */
export const revealingTypes: ReadonlySet<string> = new Set(["proc", "sysfs"]);

export class MountTreeNamespace implements MountNamespace {
  readonly type = "mnt";
  readonly inode: number;
  readonly owner: UserNamespace;
  root: Mount;
  readonly #machine: Machine;
  /** The mounts that exist already. */
  readonly #made = new Set<Mount>();
  /** Those of them that mount-visible.ts asks for. */
  readonly #revealing = new Set<Mount>();
  /** The one it is a copy of. */
  readonly #copyOf: MountTreeNamespace | undefined;
  #holders = 0;
  /** Bound to a file, by nsfs: it lives on without processes. */
  pinned = false;

  /** `root` and what is below it become members. */
  constructor(
    machine: Machine,
    kind: {
      readonly inode: number;
      readonly owner: UserNamespace;
      readonly root: Mount;
      readonly copyOf?: MountNamespace;
    },
  ) {
    this.#machine = machine;
    this.inode = kind.inode;
    this.owner = kind.owner;
    this.root = kind.root;
    this.#copyOf = kind.copyOf instanceof MountTreeNamespace ? kind.copyOf : undefined;
    enterNamespace(kind.root, this);
  }

  /** Every mount, those that a lazy copy had not made included. */
  get mounts(): Set<Mount> {
    if (this.root.namespace === this) treeOf(this.root);
    return this.#made;
  }

  /** How many mounts exist already. */
  get madeCount(): number {
    return this.#made.size;
  }

  admit(mount: Mount): void {
    this.#made.add(mount);
    const bound = namespaceOf(mount.root);
    if (bound?.type === "net") holdNetwork(bound, 1);
    if (revealingTypes.has(mount.fileSystem.type)) this.#revealing.add(mount);
  }

  expel(mount: Mount): void {
    this.#made.delete(mount);
    const bound = namespaceOf(mount.root);
    if (bound?.type === "net") holdNetwork(bound, -1);
    this.#revealing.delete(mount);
  }

  /** Mounts of proc and sysfs, made or not. */
  revealing(): ReadonlySet<Mount> {
    if (this.#copyOf !== undefined)
      for (const mount of [...this.#copyOf.revealing()]) beforeChange(mount);
    return this.#revealing;
  }

  hold(): void {
    this.#holders++;
  }

  release(): void {
    this.#holders--;
    if (this.#holders > 0 || this.pinned || this.root.namespace !== this) return;
    dissolve(this.#machine, this.root);
  }
}
