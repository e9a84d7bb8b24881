/** What this machine is: read once, when the daemon starts. */
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { arch, cpus, hostname, release, totalmem } from "node:os";
import { capabilityNames } from "../capability.ts";
import type { CgroupHierarchy, HostDevice, HostFacts } from "../kernel.ts";
import { type MountRow, mountTable } from "./mount-table.ts";

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

/** The names in a mask as /proc/PID/status prints it, hexadecimal. */
export function capabilitiesOfMask(mask: string): readonly string[] {
  const bits = BigInt(`0x${mask || "0"}`);
  return capabilityNames.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 1n);
}

const v1Controllers = new Set([
  "cpu",
  "cpuacct",
  "cpuset",
  "memory",
  "devices",
  "freezer",
  "blkio",
  "pids",
  "hugetlb",
  "net_cls",
  "net_prio",
  "perf_event",
  "rdma",
  "misc",
]);

/** Hierarchies that have controllers, from the mount table; each controller once. */
export function cgroupHierarchies(
  mounts: readonly MountRow[],
  readControllers: (path: string) => string,
): readonly CgroupHierarchy[] {
  const found: CgroupHierarchy[] = [];
  const seen = new Set<string>();
  for (const { fstype, mountPoint, superOptions, root } of mounts) {
    if (root !== "/") continue;
    if (fstype === "cgroup") {
      const controllers = superOptions.filter((option) => v1Controllers.has(option));
      if (controllers.length === 0 || controllers.some((name) => seen.has(name))) continue;
      for (const name of controllers) seen.add(name);
      found.push({ path: mountPoint, version: 1, controllers });
    } else if (fstype === "cgroup2" && !seen.has("cgroup2")) {
      seen.add("cgroup2");
      const controllers = readControllers(`${mountPoint}/cgroup.controllers`)
        .split(/\s+/)
        .filter((name) => name !== "");
      if (controllers.length > 0) found.push({ path: mountPoint, version: 2, controllers });
    }
  }
  return found;
}

/** Device nodes below /dev, without those that containers get anyway or must never get (pts, shm, fd). */
function devicesBelow(directory: string, found: HostDevice[]): void {
  const skipped = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".udev", "console"]);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (directory === "/dev" && skipped.has(entry.name)) continue;
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) devicesBelow(path, found);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) continue;
    const stat = lstatSync(path);
    found.push({
      path,
      type: entry.isBlockDevice() ? "block" : "char",
      major: majorOf(stat.rdev),
      minor: minorOf(stat.rdev),
      mode: stat.mode & 0o777,
      uid: stat.uid,
      gid: stat.gid,
    });
  }
}

/** gnu_dev_major(3) for numbers that fit 32 bits, as Linux's do. */
export function majorOf(device: number): number {
  return (device >>> 8) & 0xfff;
}

/** gnu_dev_minor(3). */
export function minorOf(device: number): number {
  return (device & 0xff) | ((device >>> 12) & 0xfff00);
}

/** Reads the facts. Throws when /proc is not there. */
export function readHostFacts(): HostFacts {
  const status = readFileSync("/proc/self/status", "utf8");
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "";
  return {
    mode: "real",
    release: release(),
    architecture: arch() === "arm64" ? "arm64" : "amd64",
    hostname: hostname(),
    bootId: readText("/proc/sys/kernel/random/boot_id"),
    cgroups: cgroupHierarchies(mountTable(), readText),
    capabilities: capabilitiesOfMask(effective),
    lastCapability: Number(readText("/proc/sys/kernel/cap_last_cap") || capabilityNames.length - 1),
    apparmor: readText("/sys/module/apparmor/parameters/enabled") === "Y",
    selinux: existsSync("/sys/fs/selinux/enforce"),
    seccomp: /^Seccomp:/m.test(status),
    memoryTotalBytes: totalmem(),
    cpuCount: cpus().length,
    async devices() {
      const found: HostDevice[] = [];
      devicesBelow("/dev", found);
      return found;
    },
  };
}
