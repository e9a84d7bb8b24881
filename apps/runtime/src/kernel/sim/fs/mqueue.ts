/** mqueue: POSIX message queues of an IPC namespace as files (mq_overview(7)). Messages themselves are not modelled. */
import type { Machine } from "../machine.ts";
import type { IpcNamespace } from "../namespace.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import { FileSystem, type NewFile } from "../vfs/file-system.ts";
import { Dentry, Inode } from "../vfs/inode.ts";
import { ipcSysctls } from "./sysctl.ts";

const magic = 0x19800202;
const queuesMax = 256;
const encoder = new TextEncoder();

class QueueFileSystem extends FileSystem {
  readonly root: Dentry;
  readonly #namespace: IpcNamespace;
  readonly #queues = new Map<string, Dentry>();

  constructor(machine: Machine, namespace: IpcNamespace) {
    super(machine, {
      type: "mqueue",
      source: "mqueue",
      options: "",
      magic,
      userNamespace: namespace.owner,
    });
    this.#namespace = namespace;
    this.root = new Dentry("", undefined, new Inode(this, "directory", 0o1777, 0, 0));
  }

  override lookup(_directory: Dentry, name: string): Dentry | undefined {
    return this.#queues.get(name);
  }

  override list(): readonly string[] {
    return [...this.#queues.keys()].sort();
  }

  /** A queue; ENOSPC beyond fs.mqueue.queues_max without CAP_SYS_RESOURCE. */
  override create(directory: Dentry, name: string, file: NewFile, viewer: Process): Dentry {
    if (file.type !== "file") return refuse("EPERM");
    const max = Number(ipcSysctls(this.#namespace).get("fs.mqueue.queues_max") ?? queuesMax);
    const { credentials, machine } = viewer;
    const unlimited = capableIn(credentials, machine.initUserNamespace, "CAP_SYS_RESOURCE");
    if (this.#queues.size >= max && !unlimited) refuse("ENOSPC");
    const inode = new Inode(this, "file", file.mode, file.uid, file.gid);
    const entry = new Dentry(name, directory, inode);
    this.#queues.set(name, entry);
    this.#namespace.queues.set(name, new Uint8Array(0));
    return entry;
  }

  override unlink(_directory: Dentry, entry: Dentry): void {
    this.#queues.delete(entry.name);
    this.#namespace.queues.delete(entry.name);
    entry.deleted = true;
    entry.inode.nlink--;
  }

  override read(_entry: Dentry, offset: number, length: number): Uint8Array {
    const text = "QSIZE:0          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n";
    return encoder.encode(text).subarray(offset, offset + length);
  }

  override size(): number {
    return 80;
  }

  override truncate(): void {}
}

const made = new WeakMap<IpcNamespace, QueueFileSystem>();

/** The queues of the mounter's IPC namespace; EPERM without CAP_SYS_ADMIN over it, EINVAL for options. */
export function mountMqueue(
  machine: Machine,
  mounter: Process,
  _source: string,
  options: ReadonlyMap<string, string>,
): FileSystem {
  const { ipc } = mounter.namespaces;
  if (options.size > 0) refuse("EINVAL");
  if (!capableIn(mounter.credentials, ipc.owner, "CAP_SYS_ADMIN")) refuse("EPERM");
  let found = made.get(ipc);
  if (found === undefined) {
    found = new QueueFileSystem(machine, ipc);
    made.set(ipc, found);
  }
  return found;
}
