/** The cpuset controller: which CPUs and memory nodes (cgroup-v1/cpusets.rst, cgroup-v2.rst). Nothing runs by them in the model. */
import type { FileRow, FileTable } from "../fs/pseudo-entry.ts";
import { refuse } from "../refusal.ts";
import type { CgroupNode } from "./hierarchy.ts";
import { listText, writtenList, writtenSwitch, writtenWithin } from "./written-value.ts";

export class CpusetState {
  cpus: readonly number[] = none;
  mems: readonly number[] = none;
}

type Resource = "cpus" | "mems";

const none: readonly number[] = [];
const allNodes: readonly number[] = [0];
const all = new Map<number, readonly number[]>();

/** All there are: the machine's CPUs, one memory node. */
function whole(count: number): readonly number[] {
  let numbers = all.get(count);
  if (numbers === undefined) {
    numbers = Array.from({ length: count }, (_, index) => index);
    all.set(count, numbers);
  }
  return numbers;
}

/** CPU count of the machine, by hierarchy: nodes do not know their machine. */
const cpuCounts = new WeakMap<object, number>();

export function setCpuCount(root: CgroupNode, count: number): void {
  cpuCounts.set(root.hierarchy, count);
}

function machineHas(node: CgroupNode, resource: Resource): readonly number[] {
  return resource === "mems" ? allNodes : whole(cpuCounts.get(node.hierarchy) ?? 1);
}

/** What was written. */
function own(node: CgroupNode, resource: Resource): readonly number[] {
  if (node.parent === undefined) return machineHas(node, resource);
  return node.cpuset?.[resource] ?? none;
}

/** v2: its own as far as the parent has it, else the parent's. */
function effective(node: CgroupNode, resource: Resource): readonly number[] {
  if (node.parent === undefined || node.hierarchy.version === 1) return own(node, resource);
  const above = effective(node.parent, resource);
  const mine = own(node, resource).filter((one) => above.includes(one));
  return mine.length === 0 ? above : mine;
}

/** v1: a cpuset without CPUs or without memory nodes takes nobody. */
export function takesNobody(node: CgroupNode): boolean {
  return own(node, "cpus").length === 0 || own(node, "mems").length === 0;
}

function isWithin(inner: readonly number[], outer: readonly number[]): boolean {
  return inner.every((one) => outer.includes(one));
}

function write(resource: Resource): (node: CgroupNode, text: string) => void {
  return (node, text) => {
    if (node.parent === undefined) refuse("EACCES");
    const numbers = writtenList(text.trim(), endOf(node, resource));
    if (node.hierarchy.version === 1) checkV1(node, resource, numbers);
    node.cpuset ??= new CpusetState();
    node.cpuset[resource] = numbers;
  };
}

/** Numbers from here on cannot be at all; below it there may be none such online (EINVAL). */
function endOf(node: CgroupNode, resource: Resource): number {
  return resource === "mems" ? 1024 : machineHas(node, "cpus").length;
}

function checkV1(node: CgroupNode, resource: Resource, numbers: readonly number[]): void {
  if (!isWithin(numbers, machineHas(node, resource))) refuse("EINVAL");
  for (const child of node.children.values())
    if (!isWithin(own(child, resource), numbers)) refuse("EBUSY");
  if (!isWithin(numbers, own(node.parent as CgroupNode, resource))) refuse("EACCES");
  if (numbers.length === 0 && node.processes.size > 0) refuse("ENOSPC");
}

function listed(resource: Resource, what: typeof own): (node: CgroupNode) => string {
  return (node) => `${listText(what(node, resource))}\n`;
}

function flag(name: string, initial: "0" | "1"): [string, FileRow<CgroupNode>] {
  return [
    name,
    {
      mode: 0o644,
      text: (node) => `${node.setting(name) ?? initial}\n`,
      write: (node, text) => node.set(name, writtenSwitch(text) ? "1" : "0"),
    },
  ];
}

export const cpusetFilesV1: FileTable<CgroupNode> = new Map([
  flag("cpuset.cpu_exclusive", "0"),
  ["cpuset.cpus", { mode: 0o644, text: listed("cpus", own), write: write("cpus") }],
  ["cpuset.effective_cpus", { mode: 0o444, text: listed("cpus", effective) }],
  ["cpuset.effective_mems", { mode: 0o444, text: listed("mems", effective) }],
  flag("cpuset.mem_exclusive", "0"),
  flag("cpuset.mem_hardwall", "0"),
  flag("cpuset.memory_migrate", "0"),
  ["cpuset.memory_pressure", { mode: 0o444, text: () => "0\n" }],
  flag("cpuset.memory_spread_page", "0"),
  flag("cpuset.memory_spread_slab", "0"),
  ["cpuset.mems", { mode: 0o644, text: listed("mems", own), write: write("mems") }],
  flag("cpuset.sched_load_balance", "1"),
  [
    "cpuset.sched_relax_domain_level",
    {
      mode: 0o644,
      text: (node) => `${node.setting("cpuset.sched_relax_domain_level") ?? "-1"}\n`,
      write: (node, text) =>
        node.set("cpuset.sched_relax_domain_level", `${writtenWithin(text, -1, 5)}`),
    },
  ],
]);

/** Not at the root. */
export const cpusetFilesV2: FileTable<CgroupNode> = new Map([
  ["cpuset.cpus", { mode: 0o644, text: listed("cpus", own), write: write("cpus") }],
  ["cpuset.cpus.effective", { mode: 0o444, text: listed("cpus", effective) }],
  ["cpuset.cpus.partition", { mode: 0o444, text: () => "member\n" }],
  ["cpuset.mems", { mode: 0o644, text: listed("mems", own), write: write("mems") }],
  ["cpuset.mems.effective", { mode: 0o444, text: listed("mems", effective) }],
]);

export const cpusetRootFilesV2: FileTable<CgroupNode> = new Map([
  ["cpuset.cpus.effective", { mode: 0o444, text: listed("cpus", effective) }],
  ["cpuset.mems.effective", { mode: 0o444, text: listed("mems", effective) }],
]);
