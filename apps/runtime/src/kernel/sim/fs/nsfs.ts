/** nsfs: namespaces as files. One file system of the kernel itself, one dentry a namespace (namespaces(7), ioctl_ns(2)). */
import type { Machine } from "../machine.ts";
import type { Namespace } from "../namespace.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { FileSystem } from "../vfs/file-system.ts";
import { Dentry, Inode } from "../vfs/inode.ts";
import { Mount, mountStrictAtime, type PathPoint } from "../vfs/mount.ts";
import { OpenFile } from "../vfs/open-file.ts";

const magic = 0x6e736673;

class NamespaceDentry extends Dentry {
  readonly namespace: Namespace;

  constructor(namespace: Namespace, inode: Inode) {
    super(namespaceLabel(namespace), undefined, inode);
    this.namespace = namespace;
  }
}

/** "net:[4026531840]". */
export function namespaceLabel(namespace: Namespace): string {
  return `${namespace.type}:[${namespace.inode}]`;
}

class NamespaceFileSystem extends FileSystem {
  readonly root: Dentry;
  readonly #dentries = new WeakMap<Namespace, NamespaceDentry>();
  #nextNumber = 1;

  constructor(machine: Machine) {
    super(machine, {
      type: "nsfs",
      source: "nsfs",
      options: "",
      magic,
      userNamespace: machine.initUserNamespace,
    });
    this.root = new Dentry("", undefined, new Inode(this, "directory", 0o755, 0, 0));
  }

  override nextInode(): number {
    return this.#nextNumber;
  }

  dentryOf(namespace: Namespace): Dentry {
    let found = this.#dentries.get(namespace);
    if (found === undefined) {
      this.#nextNumber = namespace.inode;
      found = new NamespaceDentry(namespace, new Inode(this, "file", 0o444, 0, 0));
      this.#dentries.set(namespace, found);
    }
    return found;
  }

  override lookup(): undefined {
    return undefined;
  }

  override list(): readonly string[] {
    return [];
  }

  override setAttributes(): void {
    refuse("EPERM");
  }

  override open(entry: Dentry, flags: number, _opener: Process, point?: PathPoint): OpenFile {
    const namespace = namespaceOf(entry);
    const label = entry.name;
    const inode = entry.inode;
    return new OpenFile({ point, inode, flags, namespace, label });
  }

  override showRoot(root: Dentry): string {
    return root.name;
  }
}

/** The namespace a dentry of nsfs stands for; undefined for any other. */
export function namespaceOf(dentry: Dentry): Namespace | undefined {
  return dentry instanceof NamespaceDentry ? dentry.namespace : undefined;
}

const mounts = new WeakMap<Machine, Mount>();

/** Where the magic links of /proc/PID/ns lead: a place in the kernel's own mount of nsfs, which sits nowhere. */
export function namespacePoint(machine: Machine, namespace: Namespace): PathPoint {
  let mount = mounts.get(machine);
  if (mount === undefined) {
    mount = new Mount(
      machine.nextMount(),
      new NamespaceFileSystem(machine).root,
      // Internal mounts have no access time flags, and their binds none either: shown as plain "rw".
      mountStrictAtime,
    );
    mounts.set(machine, mount);
  }
  const fileSystem = mount.fileSystem as NamespaceFileSystem;
  return { mount, dentry: fileSystem.dentryOf(namespace) };
}
