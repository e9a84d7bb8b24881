/**
 * cgroup and cgroup2: directories are nodes of a hierarchy, files are what its controllers have to say. One
 * superblock a hierarchy, however often it is mounted; a cgroup namespace mounts it from its own root on.
 */

import {
  coreFilesV1,
  coreFilesV2,
  coreRootFilesV1,
  coreRootFilesV2,
} from "../cgroup/core-files.ts";
import { cpuacctFiles, cpuFilesV1, cpuFilesV2 } from "../cgroup/cpu-files.ts";
import { cpusetFilesV1, cpusetFilesV2, cpusetRootFilesV2 } from "../cgroup/cpuset.ts";
import { noteProcsOwner } from "../cgroup/delegation.ts";
import { deviceFiles } from "../cgroup/device-rules.ts";
import { makeCgroup, removeCgroup, renameCgroup } from "../cgroup/directories.ts";
import { freezerFiles } from "../cgroup/freezer.ts";
import { type CgroupHierarchy, CgroupNode, hierarchyName } from "../cgroup/hierarchy.ts";
import {
  blkioFiles,
  blkioRootFiles,
  hugetlbFilesV2,
  ioFilesV2,
  ioRootFilesV2,
} from "../cgroup/io-files.ts";
import { memoryFilesV1, memoryFilesV2, memoryRootFilesV2 } from "../cgroup/memory-files.ts";
import { namespaceRoot, pathFrom } from "../cgroup/namespace.ts";
import { pidsFiles, pidsFilesV2 } from "../cgroup/pids.ts";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import type { FileSystem, NewFile } from "../vfs/file-system.ts";
import type { Dentry } from "../vfs/inode.ts";
import { type FileTable, type Owner, type PseudoEntry, RowEntry } from "./pseudo-entry.ts";
import { type PseudoDentry, PseudoFileSystem } from "./pseudo-file-system.ts";

const none: FileTable<CgroupNode> = new Map();

/** Files of a controller: at a directory, and at the root. */
interface ControllerFiles {
  readonly files: FileTable<CgroupNode>;
  readonly rootFiles: FileTable<CgroupNode>;
}

const v1: Readonly<Record<string, ControllerFiles>> = {
  cpu: { files: cpuFilesV1, rootFiles: cpuFilesV1 },
  cpuacct: { files: cpuacctFiles, rootFiles: cpuacctFiles },
  cpuset: { files: cpusetFilesV1, rootFiles: cpusetFilesV1 },
  memory: { files: memoryFilesV1, rootFiles: memoryFilesV1 },
  devices: { files: deviceFiles, rootFiles: deviceFiles },
  freezer: { files: freezerFiles, rootFiles: none },
  blkio: { files: blkioFiles, rootFiles: blkioRootFiles },
  pids: { files: pidsFiles, rootFiles: none },
};

const v2: Readonly<Record<string, ControllerFiles>> = {
  cpu: { files: cpuFilesV2, rootFiles: none },
  cpuset: { files: cpusetFilesV2, rootFiles: cpusetRootFilesV2 },
  io: { files: ioFilesV2, rootFiles: ioRootFilesV2 },
  memory: { files: memoryFilesV2, rootFiles: memoryRootFilesV2 },
  hugetlb: { files: hugetlbFilesV2, rootFiles: none },
  pids: { files: pidsFilesV2, rootFiles: none },
};

type Tables = readonly FileTable<CgroupNode>[];

/** Tables by the list of controllers; equal lists are one list (sharedList of core-files.ts). */
const tables = {
  root: new WeakMap<readonly string[], Tables>(),
  below: new WeakMap<readonly string[], Tables>(),
};

function tablesOf(node: CgroupNode): Tables {
  const isRoot = node.parent === undefined;
  const { controllers } = node;
  const known = isRoot ? tables.root : tables.below;
  let found = known.get(controllers);
  if (found === undefined) {
    found = collectTables(node.hierarchy.version, controllers, isRoot);
    known.set(controllers, found);
  }
  return found;
}

function collectTables(version: 1 | 2, controllers: readonly string[], isRoot: boolean): Tables {
  const core = version === 1 ? [coreFilesV1, coreRootFilesV1] : [coreFilesV2, coreRootFilesV2];
  const found = [(isRoot ? core[1] : core[0]) ?? none];
  for (const name of controllers) {
    const files = (version === 1 ? v1 : v2)[name];
    if (files !== undefined) found.push(isRoot ? files.rootFiles : files.files);
  }
  return found;
}

/** One cgroup as a directory. */
class CgroupEntry implements PseudoEntry {
  readonly type = "directory" as const;
  readonly mode = 0o755;
  readonly subject: CgroupNode;

  constructor(node: CgroupNode) {
    this.subject = node;
  }

  owner(): Owner {
    return this.subject;
  }

  get directories(): number {
    return this.subject.children.size;
  }

  child(name: string): PseudoEntry | undefined {
    const node = this.subject;
    if (node.removed) return undefined;
    const child = node.children.get(name);
    if (child !== undefined) return new CgroupEntry(child);
    for (const table of tablesOf(node)) {
      const row = table.get(name);
      if (row !== undefined) return new RowEntry(row, node, node);
    }
    return undefined;
  }

  names(): readonly string[] {
    const node = this.subject;
    if (node.removed) return [];
    const files = tablesOf(node).flatMap((table) => [...table.keys()]);
    return [...files, ...node.children.keys()].sort();
  }
}

export class CgroupFileSystem extends PseudoFileSystem {
  readonly hierarchy: CgroupHierarchy;

  constructor(machine: Machine, hierarchy: CgroupHierarchy) {
    const type = hierarchy.version === 1 ? "cgroup" : "cgroup2";
    const kind = {
      type,
      source: type,
      options: hierarchyName(hierarchy),
      magic: hierarchy.version === 1 ? 0x27e0eb : 0x63677270,
      userNamespace: machine.initUserNamespace,
    };
    super(machine, kind, new CgroupEntry(hierarchy.root), machine.init);
    this.hierarchy = hierarchy;
  }

  /** The dentry of a node: from the root down. */
  dentryOf(node: CgroupNode, viewer: Process): Dentry {
    if (node.parent === undefined) return this.root;
    return this.lookup(this.dentryOf(node.parent, viewer), node.name, viewer) ?? this.root;
  }

  override mountRoot(mounter: Process): Dentry {
    const root = namespaceRoot(mounter.namespaces.cgroup, this.hierarchy);
    return root.removed ? this.root : this.dentryOf(root, mounter);
  }

  override showRoot(root: Dentry, viewer: Process): string | undefined {
    const node = cgroupNodeOf(root);
    if (node === undefined) return undefined;
    return pathFrom(namespaceRoot(viewer.namespaces.cgroup, this.hierarchy), node);
  }

  override create(directory: Dentry, name: string, file: NewFile, viewer: Process): Dentry {
    const parent = nodeOfDentry(directory);
    if (file.type !== "directory") return super.create(directory, name, file, viewer);
    makeCgroup(parent, name, file.uid, file.gid);
    return this.lookup(directory, name, viewer) ?? refuse("ENOENT");
  }

  override unlink(directory: Dentry, entry: Dentry, _viewer: Process): void {
    if (entry.inode.type !== "directory") refuse("EPERM");
    removeCgroup(nodeOfDentry(entry));
    entry.deleted = true;
    (directory as PseudoDentry).forget(entry.name);
  }

  override rename(
    from: Dentry,
    entry: Dentry,
    to: Dentry,
    name: string,
    target: Dentry | undefined,
  ): void {
    const child = cgroupNodeOf(entry);
    renameCgroup(nodeOfDentry(from), child, nodeOfDentry(to), name, target !== undefined);
    (from as PseudoDentry).rename(entry as PseudoDentry, name);
  }

  override read(entry: Dentry, offset: number, length: number, viewer: Process): Uint8Array {
    if (nodeOfDentry(entry).removed) refuse("ENODEV");
    return super.read(entry, offset, length, viewer);
  }

  override write(entry: Dentry, offset: number, data: Uint8Array, viewer: Process): number {
    if (nodeOfDentry(entry).removed) refuse("ENODEV");
    return super.write(entry, offset, data, viewer);
  }

  override setAttributes(
    entry: Dentry,
    change: { readonly mode?: number; readonly uid?: number; readonly gid?: number },
  ): void {
    super.setAttributes(entry, change);
    if (entry.name === "cgroup.procs") noteProcsOwner(nodeOfDentry(entry), entry.inode);
  }
}

function nodeOfDentry(dentry: Dentry): CgroupNode {
  return (dentry as PseudoDentry).entry.subject as CgroupNode;
}

/** The cgroup that a directory of a cgroup file system is; undefined for anything else. */
export function cgroupNodeOf(dentry: Dentry): CgroupNode | undefined {
  if (dentry.inode.type !== "directory" || !(dentry.fileSystem instanceof CgroupFileSystem))
    return undefined;
  const { subject } = (dentry as PseudoDentry).entry;
  return subject instanceof CgroupNode ? subject : undefined;
}

const made = new WeakMap<CgroupHierarchy, CgroupFileSystem>();

/** The file system of a hierarchy; the same for every mount. */
export function cgroupFileSystem(machine: Machine, hierarchy: CgroupHierarchy): FileSystem {
  let found = made.get(hierarchy);
  if (found === undefined) {
    found = new CgroupFileSystem(machine, hierarchy);
    made.set(hierarchy, found);
  }
  return found;
}

/** mount -t cgroup2: any option but those of cgroup-v2.rst is EINVAL. */
export function mountCgroup2(
  machine: Machine,
  mounter: Process,
  _source: string,
  options: ReadonlyMap<string, string>,
): FileSystem {
  const known = ["nsdelegate", "favordynmods", "memory_localevents", "memory_recursiveprot"];
  for (const name of options.keys()) if (!known.includes(name)) refuse("EINVAL");
  checkMounter(mounter);
  const hierarchy = machine.hierarchies.find((one) => one.version === 2);
  return hierarchy === undefined ? refuse("ENODEV") : cgroupFileSystem(machine, hierarchy);
}

function checkMounter(mounter: Process): void {
  const { owner } = mounter.namespaces.cgroup;
  if (!capableIn(mounter.credentials, owner, "CAP_SYS_ADMIN")) refuse("EPERM");
}

/** mount -t cgroup: the hierarchy with exactly these controllers. EBUSY for a controller that another one has, EINVAL for none. */
export function mountCgroup1(
  machine: Machine,
  mounter: Process,
  _source: string,
  options: ReadonlyMap<string, string>,
): FileSystem {
  checkMounter(mounter);
  const label = options.get("name") ?? "";
  const wanted = [...options.keys()].filter((name) => name !== "name" && !flagsV1.has(name));
  const all = machine.hierarchies.flatMap((one) => one.controllers);
  if (wanted.length === 0 && label === "") refuse("EINVAL");
  if (wanted.some((name) => !all.includes(name)))
    refuse(knownV1.has(wanted[0] ?? "") ? "EBUSY" : "EINVAL");
  const exact = machine.hierarchies.find(
    (one) =>
      one.version === 1 &&
      one.label === label &&
      one.controllers.length === wanted.length &&
      wanted.every((name) => one.controllers.includes(name)),
  );
  return exact === undefined ? refuse("EBUSY") : cgroupFileSystem(machine, exact);
}

const flagsV1 = new Set(["xattr", "noprefix", "clone_children", "none", "all"]);
const knownV1 = new Set(["net_cls", "net_prio", "perf_event", "hugetlb", "rdma", "misc"]);
