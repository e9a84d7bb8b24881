/** Files of /proc about the machine and not about a process (proc(5)). */
import { bootUnixNs } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { sysDirectory } from "./proc-sys.ts";
import { type PseudoEntry, pseudoDirectory, pseudoFile, pseudoSymlink } from "./pseudo-entry.ts";

function used({ machine }: Process): number {
  let bytes = 0;
  for (const process of machine.processes.values()) bytes += process.memoryBytes;
  return bytes;
}

function meminfo(viewer: Process): string {
  const total = viewer.machine.options.memoryTotalBytes;
  const taken = used(viewer);
  const rows: readonly (readonly [string, number])[] = [
    ["MemTotal", total],
    ["MemFree", total - taken],
    ["MemAvailable", total - taken],
    ["Buffers", 0],
    ["Cached", 0],
    ["SwapCached", 0],
    ["Active", taken],
    ["Inactive", 0],
    ["SwapTotal", 0],
    ["SwapFree", 0],
    ["AnonPages", taken],
    ["Shmem", 0],
  ];
  const lines = rows.map(
    ([name, bytes]) => `${`${name}:`.padEnd(15)} ${`${Math.floor(bytes / 1024)}`.padStart(8)} kB\n`,
  );
  return `${lines.join("")}HugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB\n`;
}

function seconds(ns: bigint): string {
  const hundredths = ns / 10_000_000n;
  return `${hundredths / 100n}.${(hundredths % 100n).toString().padStart(2, "0")}`;
}

function cpuTimes({ machine }: Process): { readonly user: bigint; readonly idle: bigint } {
  let user = 0n;
  for (const process of machine.processes.values()) user += process.cpuNs;
  const whole = machine.scheduler.nowNs * BigInt(machine.options.cpuCount);
  return { user, idle: whole > user ? whole - user : 0n };
}

function uptime(viewer: Process): string {
  return `${seconds(viewer.machine.scheduler.nowNs)} ${seconds(cpuTimes(viewer).idle)}\n`;
}

function stat(viewer: Process): string {
  const { machine } = viewer;
  const { user, idle } = cpuTimes(viewer);
  const tick = 10_000_000n;
  const line = (name: string, share: bigint) =>
    `${name} ${user / tick / share} 0 0 ${idle / tick / share} 0 0 0 0 0 0\n`;
  const count = BigInt(machine.options.cpuCount);
  const each = Array.from({ length: machine.options.cpuCount }, (_, index) =>
    line(`cpu${index}`, count),
  );
  return (
    `${line("cpu ", 1n)}${each.join("")}intr 0\nctxt 0\nbtime ${bootUnixNs / 1_000_000_000n}\n` +
    `processes ${machine.initPidNamespace.lastPid}\nprocs_running 1\nprocs_blocked 0\n`
  );
}

function loadavg({ machine, namespaces }: Process): string {
  return `0.00 0.00 0.00 1/${machine.processes.size} ${namespaces.pid.lastPid}\n`;
}

function cpuinfo({ machine }: Process): string {
  return Array.from(
    { length: machine.options.cpuCount },
    (_, index) =>
      `processor\t: ${index}\nvendor_id\t: Simulated\ncpu family\t: 6\nmodel\t\t: 0\nmodel name\t: Vitrine simulated CPU\n` +
      `stepping\t: 0\ncpu MHz\t\t: 2000.000\ncache size\t: 0 KB\nphysical id\t: 0\nsiblings\t: ${machine.options.cpuCount}\n` +
      `core id\t\t: ${index}\ncpu cores\t: ${machine.options.cpuCount}\nflags\t\t: fpu\nbogomips\t: 4000.00\n\n`,
  ).join("");
}

function version({ machine }: Process): string {
  return `Linux version ${machine.options.release} (vitrine) (simulated) #1 SMP PREEMPT_DYNAMIC\n`;
}

/** File systems on a block device, which these are not. */
const onDisk = new Set(["ext4", "xfs", "btrfs"]);

function filesystems({ machine }: Process): string {
  const names = new Set([...machine.fileSystems.keys(), "ext4"]);
  return [...names].map((name) => `${onDisk.has(name) ? "" : "nodev"}\t${name}\n`).join("");
}

function cgroups({ machine }: Process): string {
  let text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n";
  for (const hierarchy of machine.hierarchies) {
    let count = 0;
    for (const _ of hierarchy.root.tree()) count++;
    for (const name of hierarchy.controllers)
      text += `${name === "io" ? "blkio" : name}\t${hierarchy.id}\t${count}\t1\n`;
  }
  return text;
}

function fixed(text: string, mode = 0o444): PseudoEntry {
  return pseudoFile(mode, () => text);
}

/** One table for every procfs: what depends on somebody depends on the reader. */
export const systemFiles: Readonly<Record<string, PseudoEntry>> = {
  acpi: pseudoDirectory({}),
  asound: pseudoDirectory({
    version: fixed("Advanced Linux Sound Architecture Driver Version k.\n"),
  }),
  bus: pseudoDirectory({
    input: pseudoDirectory({}),
    pci: pseudoDirectory({ devices: fixed("") }),
  }),
  cgroups: pseudoFile(0o444, cgroups),
  cmdline: fixed("console=ttyS0 panic=1\n"),
  consoles: fixed("ttyS0                -W- (EC p  )    4:64\n"),
  cpuinfo: pseudoFile(0o444, cpuinfo),
  devices: fixed(
    "Character devices:\n  1 mem\n  5 /dev/tty\n136 pts\n\nBlock devices:\n254 virtblk\n",
  ),
  diskstats: fixed(" 254       0 vda 0 0 0 0 0 0 0 0 0 0 0\n"),
  filesystems: pseudoFile(0o444, filesystems),
  fs: pseudoDirectory({ ext4: pseudoDirectory({}), jbd2: pseudoDirectory({}) }),
  interrupts: fixed("            CPU0\n"),
  irq: pseudoDirectory({ default_smp_affinity: fixed("3\n", 0o644) }),
  kallsyms: fixed("0000000000000000 T _text\n"),
  kcore: pseudoFile(0o400, () => ""),
  "key-users": fixed("    0:     1 1/1 1/1000000 9/25000000\n"),
  keys: fixed("0d024958 I------     1 perm 1f030000     0     0 keyring   .dns_resolver: empty\n"),
  kmsg: pseudoFile(0o400, () => ""),
  latency_stats: pseudoFile(
    0o644,
    () => "Latency Top version : v0.1\n",
    () => {},
  ),
  loadavg: pseudoFile(0o444, loadavg),
  locks: fixed(""),
  meminfo: pseudoFile(0o444, meminfo),
  misc: fixed("229 fuse\n"),
  modules: fixed(""),
  mounts: pseudoSymlink(() => "self/mounts"),
  net: pseudoSymlink(() => "self/net"),
  partitions: fixed("major minor  #blocks  name\n\n 254        0  268435456 vda\n"),
  scsi: pseudoDirectory({ scsi: fixed("Attached devices:\n") }),
  softirqs: fixed("                    CPU0\n"),
  stat: pseudoFile(0o444, stat),
  swaps: fixed("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
  sys: sysDirectory,
  "sysrq-trigger": pseudoFile(0o200, undefined, () => {}),
  sysvipc: pseudoDirectory({}),
  timer_list: fixed("Timer List Version: v0.10\n", 0o400),
  tty: pseudoDirectory({}),
  uptime: pseudoFile(0o444, uptime),
  version: pseudoFile(0o444, version),
  vmstat: fixed("nr_free_pages 0\n"),
};
