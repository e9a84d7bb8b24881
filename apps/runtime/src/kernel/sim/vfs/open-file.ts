/** An open file description (open(2)): what a file descriptor refers to. */
import { O_ACCMODE, O_PATH, O_RDONLY } from "../abi.ts";
import { holdNetwork, type Namespace } from "../namespace.ts";
import type { Process } from "../process/process.ts";
import type { Coroutine, WaitQueue } from "../task.ts";
import type { Inode } from "./inode.ts";
import type { PathPoint } from "./mount.ts";

/** What is behind an fd that is no file of a file system: pipe ends, sockets, ttys, null, zero. */
export interface Stream {
  /** Waits until there is something; an empty array is end of file. EAGAIN when `nonblocking` and nothing is there. */
  read(length: number, nonblocking: boolean): Coroutine<Uint8Array>;
  /** Waits for room; returns the bytes taken. EPIPE when nobody reads any more. */
  write(data: Uint8Array, nonblocking: boolean): Coroutine<number>;
  /** The last fd was closed. */
  close(): void;
  /** Woken when a read may make progress (poll). */
  readonly readable?: WaitQueue;
}

export class OpenFile {
  readonly inode: Inode | undefined;
  /** undefined for pipes, sockets, pidfds and the like. */
  readonly point: PathPoint | undefined;
  /** O_* flags. */
  flags: number;
  offset = 0;
  #references = 0;
  stream: Stream | undefined;
  /** Called when the last reference is gone: takes away a mount that was only held by this file (fsmount, open_tree). */
  released: (() => void) | undefined;
  /** nsfs: /proc/PID/ns/TYPE. */
  namespace: Namespace | undefined;
  /** Host ids of who owns a pipe or socket, once fchown(2) has said so; root until then. */
  owner: { readonly uid: number; readonly gid: number } | undefined;
  /** A pidfd. */
  process: Process | undefined;
  /** "pipe:[n]", "socket:[n]", "anon_inode:[pidfd]": what readlink of /proc/self/fd/N says without a point. */
  readonly label: string;

  constructor(what: {
    readonly point?: PathPoint | undefined;
    readonly inode?: Inode | undefined;
    readonly flags: number;
    readonly stream?: Stream | undefined;
    readonly namespace?: Namespace | undefined;
    readonly process?: Process | undefined;
    readonly label?: string;
  }) {
    this.point = what.point;
    this.inode = what.inode ?? what.point?.dentry.inode;
    this.flags = what.flags;
    this.stream = what.stream;
    this.namespace = what.namespace;
    this.process = what.process;
    this.label = what.label ?? "";
  }
  /** How many fds, in all processes, refer to it. */
  get references(): number {
    return this.#references;
  }

  /** The mount it is on knows that it is in use: umount and read-only remounts are refused (EBUSY). */
  set references(references: number) {
    const before = this.#references;
    this.#references = references;
    if (before > 0 === references > 0) return;
    const mount = this.point?.mount;
    if (mount !== undefined) {
      const change = references > 0 ? 1 : -1;
      mount.openFiles += change;
      if (this.#writes) mount.writers += change;
    }
    if (this.namespace?.type === "mnt") {
      if (references > 0) this.namespace.hold?.();
      else this.namespace.release?.();
    } else if (this.namespace?.type === "net") {
      holdNetwork(this.namespace, references > 0 ? 1 : -1);
    }
    if (references <= 0) this.released?.();
  }

  /** Open for writing, and to a file that a read-only mount protects. */
  get #writes(): boolean {
    const type = this.inode?.type;
    return (
      (this.flags & O_PATH) === 0 &&
      (this.flags & O_ACCMODE) !== O_RDONLY &&
      (type === "file" || type === "directory")
    );
  }
}
