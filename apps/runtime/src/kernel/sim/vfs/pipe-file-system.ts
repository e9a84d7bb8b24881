/**
 * pipefs: where the inodes of pipes live. No path leads there, but a pipe has an owner and a mode like any file,
 * and whoever may can change them through an fd (fchown(2), fchmod(2)).
 */
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { FileSystem } from "./file-system.ts";
import { Dentry, Inode } from "./inode.ts";
import { Mount, type PathPoint } from "./mount.ts";

const pipefsMagic = 0x50495045;

class PipeFileSystem extends FileSystem {
  readonly root: Dentry;
  readonly mount: Mount;

  constructor(machine: Machine) {
    const userNamespace = machine.initUserNamespace;
    super(machine, {
      type: "pipefs",
      source: "pipefs",
      options: "",
      magic: pipefsMagic,
      userNamespace,
    });
    this.root = new Dentry("", undefined, new Inode(this, "directory", 0o555, 0, 0));
    this.mount = new Mount(machine.nextMount(), this.root, 0);
  }

  lookup(): undefined {
    return undefined;
  }

  list(): readonly string[] {
    return [];
  }
}

const known = new WeakMap<Machine, PipeFileSystem>();

function pipefs(machine: Machine): PipeFileSystem {
  let found = known.get(machine);
  if (found === undefined) {
    found = new PipeFileSystem(machine);
    known.set(machine, found);
  }
  return found;
}

/** The inode of a new pipe, which its two ends share: it belongs to its maker. */
export function pipeInode(maker: Process): Inode {
  const { fsuid, fsgid } = maker.credentials;
  return new Inode(pipefs(maker.machine), "fifo", 0o600, fsuid, fsgid);
}

/** Where an fd of a pipe is; undefined for other inodes. */
export function pipePoint(inode: Inode | undefined): PathPoint | undefined {
  if (!(inode?.fileSystem instanceof PipeFileSystem)) return undefined;
  return { mount: inode.fileSystem.mount, dentry: new Dentry("", inode.fileSystem.root, inode) };
}
