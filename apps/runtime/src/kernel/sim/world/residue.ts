/**
 * What a machine holds that somebody may have left behind: processes, mounts, namespaces, cgroups, network
 * devices, rules, files. A snapshot before and one after tell what is there now and was not there before.
 */
import type { CgroupNode } from "../cgroup/hierarchy.ts";
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import type { Dentry } from "../vfs/inode.ts";
import { mountpointPath } from "../vfs/mount-tree.ts";

/** Lines such as "process 12 sleep" and "mount /run/vitrine/x"; equal snapshots are equal machines in these things. */
export type Snapshot = ReadonlySet<string>;

/** What came ("+ ...") and what went ("- ..."), in words; empty is no residue. */
export type Residue = readonly string[];

/** Left on purpose: logs are the kubelet's to remove, images and their layers stay until they are removed. */
const keptFiles: readonly string[] = [
  "/var/log/",
  "/var/lib/vitrine/content",
  "/var/lib/vitrine/snapshots",
];

/** Directories that are made once and stay, empty; what lies in them counts. */
const keptDirectories: ReadonlySet<string> = new Set([
  "/run/netns",
  "/var/lib/vitrine/cni",
  "/var/lib/vitrine/cni/leases",
  "/var/lib/vitrine/cni/results",
  "/var/lib/docker",
  "/var/lib/docker/network",
  "/var/lib/cni",
  "/var/lib/cni/networks",
]);

function addCgroups(lines: Set<string>, node: CgroupNode, mountpoint: string): void {
  for (const child of node.children.values()) {
    const path = `${mountpoint}/${child.name}`;
    lines.add(`cgroup ${path}`);
    addCgroups(lines, child, path);
  }
}

function addFiles(machine: Machine, lines: Set<string>, directory: Dentry, path: string): void {
  const { fileSystem } = directory;
  for (const name of fileSystem.list(directory, machine.init)) {
    const entry = fileSystem.lookup(directory, name, machine.init);
    const full = `${path}/${name}`;
    if (entry === undefined || keptFiles.some((kept) => full.startsWith(kept))) continue;
    if (!keptDirectories.has(full)) lines.add(`file ${full}`);
    if (entry.inode.type === "directory") addFiles(machine, lines, entry, full);
  }
}

/** File systems that hold files somebody stored; the others show what is told here anyway. */
const storing: ReadonlySet<string> = new Set(["ext4", "tmpfs"]);

function addMounts(machine: Machine, lines: Set<string>): void {
  for (const mount of machine.init.namespaces.mnt.mounts) {
    const path = mountpointPath(machine.init, mount) ?? "(unreachable)";
    lines.add(`mount ${path} ${mount.fileSystem.type}`);
    const whole = mount.root === mount.fileSystem.root;
    if (whole && storing.has(mount.fileSystem.type)) {
      addFiles(machine, lines, mount.root, path === "/" ? "" : path);
    }
  }
}

function addNetwork(lines: Set<string>, namespace: NetNamespace, name: string): void {
  const { devices, routes, rules } = namespace.network;
  for (const device of devices.values()) {
    lines.add(`link ${device.name} in ${name}`);
    for (const { ip, prefixLength } of device.addresses) {
      lines.add(`address ${ip}/${prefixLength} of ${device.name} in ${name}`);
    }
  }
  for (const { destination, device } of routes) {
    lines.add(`route ${destination} by ${device.name} in ${name}`);
  }
  for (const { chain, owner } of rules) lines.add(`rule of ${owner} in ${chain} in ${name}`);
}

/** Everything of the machine that can be left behind. Which init and which daemon run is no residue. */
export function snapshot(machine: Machine): Snapshot {
  const lines = new Set<string>();
  for (const process of machine.processes.values()) {
    if (process.comm === "vitrined") continue;
    lines.add(
      `process ${process.pid} ${process.comm}${process.state === "zombie" ? " (zombie)" : ""}`,
    );
  }
  for (const namespace of machine.namespaces()) {
    lines.add(`namespace ${namespace.type}:[${namespace.inode}]`);
    if (namespace.type === "net") {
      const host = namespace === machine.init.namespaces.net;
      addNetwork(lines, namespace, host ? "the host" : `net:[${namespace.inode}]`);
    }
  }
  for (const { root, mountpoint } of machine.hierarchies) addCgroups(lines, root, mountpoint);
  addMounts(machine, lines);
  return lines;
}

/** What `after` has and `before` had not, and the other way round. */
export function difference(before: Snapshot, after: Snapshot): Residue {
  const came = [...after].filter((line) => !before.has(line)).map((line) => `+ ${line}`);
  const went = [...before].filter((line) => !after.has(line)).map((line) => `- ${line}`);
  return [...came, ...went];
}

/** What was left behind: only what came. */
export function residueBetween(before: Snapshot, after: Snapshot): Residue {
  return [...after].filter((line) => !before.has(line));
}
