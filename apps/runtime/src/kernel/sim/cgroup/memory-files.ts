/** Control files of the memory controller, as Linux 6.18 shows them (cgroup-v1/memory.rst, cgroup-v2.rst). */
import type { FileRow, FileTable } from "../fs/pseudo-entry.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { CgroupNode } from "./hierarchy.ts";
import { type MemoryState, memoryState, setMemoryMax } from "./memory.ts";
import {
  sizeText,
  writtenInteger,
  writtenNatural,
  writtenSize,
  writtenSwitch,
} from "./written-value.ts";

const unlimited = Number.POSITIVE_INFINITY;

function get<Key extends keyof MemoryState>(
  node: CgroupNode,
  key: Key,
  initial: MemoryState[Key],
): MemoryState[Key] {
  return node.memory?.[key] ?? initial;
}

function counter(mode: number, key: "usage" | "peak" | "hits", reset = false): FileRow<CgroupNode> {
  const row = { mode, text: (node: CgroupNode) => `${get(node, key, 0)}\n` };
  if (!reset) return row;
  return {
    ...row,
    write: (node) => {
      memoryState(node)[key] = key === "peak" ? get(node, "usage", 0) : 0;
    },
  };
}

/** A size that is kept and shown, and limits nothing in the model. */
function keptSize(file: string, version: 1 | 2, initial: number): [string, FileRow<CgroupNode>] {
  return [
    file,
    {
      mode: 0o644,
      text: (node) => node.setting(file) ?? sizeText(initial, version),
      write: (node, text) =>
        node.set(file, sizeText(writtenSize(text, version === 1 ? "-1" : "max"), version)),
    },
  ];
}

function fixed(file: string, mode: number, text: string): [string, FileRow<CgroupNode>] {
  return [file, { mode, text: () => text }];
}

const statNames = [
  "cache",
  "rss",
  "rss_huge",
  "shmem",
  "mapped_file",
  "dirty",
  "writeback",
  "workingset_refault_anon",
  "workingset_refault_file",
  "swap",
  "swapcached",
  "pgpgin",
  "pgpgout",
  "pgfault",
  "pgmajfault",
  "inactive_anon",
  "active_anon",
  "inactive_file",
  "active_file",
  "unevictable",
];

function statV1(node: CgroupNode): string {
  const usage = get(node, "usage", 0);
  const below = [...node.children.values()].reduce((sum, one) => sum + get(one, "usage", 0), 0);
  const line = (name: string, anonymous: number) =>
    name === "rss" || name === "active_anon" ? anonymous : 0;
  let limit = unlimited;
  for (let at: CgroupNode | undefined = node; at !== undefined; at = at.parent)
    limit = Math.min(limit, get(at, "max", unlimited));
  return [
    ...statNames.map((name) => `${name} ${line(name, usage - below)}\n`),
    `hierarchical_memory_limit ${sizeText(limit, 1)}`,
    `hierarchical_memsw_limit ${sizeText(get(node, "memswMax", unlimited), 1)}`,
    ...statNames.map((name) => `total_${name} ${line(name, usage)}\n`),
  ].join("");
}

function setMemsw(node: CgroupNode, text: string): void {
  const size = writtenSize(text, "-1");
  if (size < get(node, "max", unlimited)) refuse("EINVAL");
  if (get(node, "usage", 0) > size) refuse("EBUSY");
  memoryState(node).memswMax = size;
}

function setOomControl(node: CgroupNode, text: string): void {
  const value = writtenInteger(text);
  if (node.parent === undefined || (value !== 0 && value !== 1)) refuse("EINVAL");
  const state = memoryState(node);
  state.oomKillDisabled = value === 1;
  state.waiters?.wake();
}

function swappiness(node: CgroupNode): string {
  for (let at: CgroupNode | undefined = node; at !== undefined; at = at.parent) {
    const value = at.setting("memory.swappiness");
    if (value !== undefined) return value;
  }
  return "60\n";
}

/** A group takes its parent's value when it is made: a later one of the parent is not its own. */
function keepSwappiness(node: CgroupNode): void {
  const before = swappiness(node);
  for (const child of node.children.values()) {
    if (child.setting("memory.swappiness") === undefined) child.set("memory.swappiness", before);
  }
}

function requireOne(_node: CgroupNode, text: string): void {
  if (writtenNatural(text) !== 1) refuse("EINVAL");
}

const kernelMemory = ["kmem", "kmem.tcp"].flatMap((kind): [string, FileRow<CgroupNode>][] => [
  fixed(`memory.${kind}.failcnt`, 0o644, "0\n"),
  // Accepted and without effect since Linux 5.16.
  [
    `memory.${kind}.limit_in_bytes`,
    {
      mode: 0o644,
      text: () => sizeText(unlimited, 1),
      write: (_node, text) => void writtenSize(text, "-1"),
    },
  ],
  fixed(`memory.${kind}.max_usage_in_bytes`, 0o644, "0\n"),
  fixed(`memory.${kind}.usage_in_bytes`, 0o444, "0\n"),
]);

export const memoryFilesV1: FileTable<CgroupNode> = new Map<string, FileRow<CgroupNode>>([
  // An eventfd has no place in the model: onOom (memory.ts) is what a shim uses instead.
  ["cgroup.event_control", { mode: 0o200, write: () => refuse("EINVAL") }],
  ["memory.failcnt", counter(0o644, "hits", true)],
  ["memory.force_empty", { mode: 0o200, write: () => {} }],
  ...kernelMemory,
  [
    "memory.limit_in_bytes",
    {
      mode: 0o644,
      text: (node) => sizeText(get(node, "max", unlimited), 1),
      write: (node, text, viewer) => {
        const size = writtenSize(text, "-1");
        if (node.parent === undefined) refuse("EINVAL");
        setMemoryMax(node, size, viewer.machine);
      },
    },
  ],
  ["memory.max_usage_in_bytes", counter(0o644, "peak", true)],
  ["memory.memsw.failcnt", counter(0o644, "hits", true)],
  [
    "memory.memsw.limit_in_bytes",
    { mode: 0o644, text: (node) => sizeText(get(node, "memswMax", unlimited), 1), write: setMemsw },
  ],
  ["memory.memsw.max_usage_in_bytes", counter(0o644, "peak", true)],
  ["memory.memsw.usage_in_bytes", counter(0o444, "usage")],
  ["memory.move_charge_at_immigrate", { mode: 0o644, text: () => "0\n", write: notAnyMore }],
  [
    "memory.oom_control",
    {
      mode: 0o644,
      text: (node) =>
        `oom_kill_disable ${get(node, "oomKillDisabled", false) ? 1 : 0}\n` +
        `under_oom ${get(node, "underOom", 0) > 0 ? 1 : 0}\noom_kill ${get(node, "oomKills", 0)}\n`,
      write: setOomControl,
    },
  ],
  ["memory.pressure_level", { mode: 0o444 }],
  keptSize("memory.soft_limit_in_bytes", 1, unlimited),
  ["memory.stat", { mode: 0o444, text: statV1 }],
  [
    "memory.swappiness",
    {
      mode: 0o644,
      text: swappiness,
      write: (node, text) => {
        const value = writtenNatural(text);
        if (value > 200) refuse("EINVAL");
        keepSwappiness(node);
        node.set("memory.swappiness", `${value}\n`);
      },
    },
  ],
  ["memory.usage_in_bytes", counter(0o444, "usage")],
  ["memory.use_hierarchy", { mode: 0o644, text: () => "1\n", write: requireOne }],
]);

function notAnyMore(_node: CgroupNode, text: string): void {
  if (writtenNatural(text) !== 0) refuse("EINVAL");
}

function events(node: CgroupNode, kills: number): string {
  return (
    `low 0\nhigh ${get(node, "highs", 0)}\nmax ${get(node, "hits", 0)}\noom ${get(node, "ooms", 0)}\n` +
    `oom_kill ${kills}\noom_group_kill ${get(node, "oomGroupKills", 0)}\n`
  );
}

function limit(
  key: "max" | "high",
  set: (node: CgroupNode, size: number, viewer: Process) => void,
): FileRow<CgroupNode> {
  return {
    mode: 0o644,
    text: (node) => sizeText(get(node, key, unlimited), 2),
    write: (node, text, viewer) => set(node, writtenSize(text, "max"), viewer),
  };
}

/** Not at the root. */
export const memoryFilesV2: FileTable<CgroupNode> = new Map<string, FileRow<CgroupNode>>([
  ["memory.current", counter(0o444, "usage")],
  ["memory.events", { mode: 0o444, text: (node) => events(node, get(node, "oomKills", 0)) }],
  [
    "memory.events.local",
    { mode: 0o444, text: (node) => events(node, get(node, "oomKillsHere", 0)) },
  ],
  [
    "memory.high",
    limit("high", (node, size) => {
      memoryState(node).high = size;
    }),
  ],
  keptSize("memory.low", 2, 0),
  ["memory.max", limit("max", (node, size, viewer) => setMemoryMax(node, size, viewer.machine))],
  keptSize("memory.min", 2, 0),
  [
    "memory.oom.group",
    {
      mode: 0o644,
      text: (node) => (get(node, "oomGroup", false) ? "1\n" : "0\n"),
      write: (node, text) => {
        const on = writtenOomGroup(text);
        memoryState(node).oomGroup = on;
      },
    },
  ],
  ["memory.peak", counter(0o644, "peak", true)],
  [
    "memory.stat",
    { mode: 0o444, text: (node) => `anon ${get(node, "usage", 0)}\nfile 0\nkernel 0\nshmem 0\n` },
  ],
  fixed("memory.swap.current", 0o444, "0\n"),
  fixed("memory.swap.events", 0o444, "high 0\nmax 0\nfail 0\n"),
  keptSize("memory.swap.high", 2, unlimited),
  keptSize("memory.swap.max", 2, unlimited),
]);

/** EINVAL for all but 0 and 1, unlike other switches of v2. */
function writtenOomGroup(text: string): boolean {
  const value = writtenInteger(text);
  return value === 0 || value === 1 ? writtenSwitch(text) : refuse("EINVAL");
}

export const memoryRootFilesV2: FileTable<CgroupNode> = new Map([
  [
    "memory.stat",
    {
      mode: 0o444,
      text: (node: CgroupNode) => `anon ${get(node, "usage", 0)}\nfile 0\nkernel 0\nshmem 0\n`,
    },
  ],
]);
