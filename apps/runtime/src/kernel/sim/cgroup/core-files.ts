/** Control files that every cgroup has, whatever its controllers (cgroup-v1/cgroups.rst, cgroup-v2.rst). */
import { SIGKILL } from "../abi.ts";
import type { FileRow, FileTable } from "../fs/pseudo-entry.ts";
import { writtenWords } from "../fs/pseudo-file-system.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { deliverSignal } from "../syscall/process.ts";
import { cpuStatFile } from "./cpu-files.ts";
import { mayWriteProcs } from "./delegation.ts";
import { freezeFile, isFrozen } from "./freezer.ts";
import type { CgroupNode } from "./hierarchy.ts";
import { checkMover, joinCgroup, mayHoldThreads } from "./membership.ts";
import { writtenInteger, writtenNatural, writtenSwitch } from "./written-value.ts";

/** Members, as the reader's pid namespace numbers them; 0 for those it cannot see. */
function procsText(node: CgroupNode, viewer: Process): string {
  const { pid: namespace } = viewer.namespaces;
  const pids = [...node.processes].map((one) => one.pidIn(namespace) ?? 0);
  return pids
    .sort((a, b) => a - b)
    .map((pid) => `${pid}\n`)
    .join("");
}

/** 0 is the writer. EINVAL, ESRCH, and the rules of membership. */
function moveHere(node: CgroupNode, text: string, writer: Process): void {
  const pid = writtenInteger(text);
  if (pid < 0) refuse("EINVAL");
  const process = pid === 0 ? writer : writer.namespaces.pid.processes.get(pid);
  if (process === undefined || process.state !== "alive") {
    refuse("ESRCH");
  }
  checkMover(writer, process, node, (at) => mayWriteProcs(at, writer));
  joinCgroup(process, node);
}

const procs: FileRow<CgroupNode> = { mode: 0o644, text: procsText, write: moveHere };

function keptSwitch(file: string): [string, FileRow<CgroupNode>] {
  return [
    file,
    {
      mode: 0o644,
      text: (node) => `${node.setting(file) ?? "0"}\n`,
      write: (node, text) => node.set(file, writtenNatural(text) === 0 ? "0" : "1"),
    },
  ];
}

export const coreFilesV1: FileTable<CgroupNode> = new Map<string, FileRow<CgroupNode>>([
  keptSwitch("cgroup.clone_children"),
  ["cgroup.procs", procs],
  keptSwitch("notify_on_release"),
  ["tasks", procs],
]);

export const coreRootFilesV1: FileTable<CgroupNode> = new Map<string, FileRow<CgroupNode>>([
  ...coreFilesV1,
  ["cgroup.sane_behavior", { mode: 0o444, text: () => "0\n" }],
  [
    "release_agent",
    {
      mode: 0o644,
      text: (node) => `${node.setting("release_agent") ?? ""}\n`,
      write: (node, text) => node.set("release_agent", text.trim()),
    },
  ],
]);

function words(names: readonly string[]): string {
  return `${names.join(" ")}\n`;
}

/** "+cpu -memory": all or nothing. EINVAL, ENOENT (not available here), EBUSY (processes here; used below). */
function setSubtreeControl(node: CgroupNode, text: string): void {
  const changes = writtenWords(text).map((word) => {
    const sign = word[0];
    const name = word.slice(1);
    if ((sign !== "+" && sign !== "-") || !allControllers.has(name)) return refuse("EINVAL");
    return { on: sign === "+", name };
  });
  const now = new Set(node.subtreeControl);
  const enabled: string[] = [];
  for (const { on, name } of changes) {
    if (on === now.has(name)) continue;
    if (on && !node.controllers.includes(name)) refuse("ENOENT");
    if (!on)
      for (const child of node.children.values())
        if (child.subtreeControl.includes(name)) refuse("EBUSY");
    if (on) enabled.push(name);
    if (on) now.add(name);
    else now.delete(name);
  }
  if (enabled.length > 0 && node.parent !== undefined && node.processes.size > 0) {
    const competes = enabled.every((name) => threadedControllers.has(name));
    if (!competes || !mayHoldThreads(node)) refuse("EBUSY");
  }
  node.subtreeControl = sharedList(node.hierarchy.controllers.filter((name) => now.has(name)));
}

const threadedControllers = new Set(["cpu", "cpuset", "pids", "perf_event"]);
const allControllers = new Set([
  "cpuset",
  "cpu",
  "io",
  "memory",
  "hugetlb",
  "pids",
  "rdma",
  "misc",
  "perf_event",
]);

/** One list for all who have the same controllers. */
const lists = new Map<string, readonly string[]>();

function sharedList(names: readonly string[]): readonly string[] {
  const key = names.join(" ");
  const known = lists.get(key);
  if (known !== undefined) return known;
  lists.set(key, names);
  return names;
}

function killAll(node: CgroupNode, text: string): void {
  if (writtenInteger(text) !== 1) refuse("ERANGE");
  for (const below of [...node.tree()])
    for (const process of [...below.processes]) deliverSignal(process, SIGKILL);
}

function descendants(node: CgroupNode): number {
  let count = -1;
  for (const _ of node.tree()) count++;
  return count;
}

function bound(file: string): [string, FileRow<CgroupNode>] {
  return [
    file,
    {
      mode: 0o644,
      text: (node) => `${node.setting(file) ?? "max"}\n`,
      write: (node, text) => {
        const trimmed = text.trim();
        const value = trimmed === "max" ? trimmed : writtenInteger(trimmed);
        node.set(file, typeof value === "number" && value < 0 ? refuse("ERANGE") : `${value}`);
      },
    },
  ];
}

const pressure: FileRow<CgroupNode> = {
  mode: 0o644,
  text: () =>
    ["some", "full"].map((who) => `${who} avg10=0.00 avg60=0.00 avg300=0.00 total=0\n`).join(""),
  write: () => refuse("EOPNOTSUPP"),
};

export const coreRootFilesV2: FileTable<CgroupNode> = new Map<string, FileRow<CgroupNode>>([
  ["cgroup.controllers", { mode: 0o444, text: (node) => words(node.controllers) }],
  bound("cgroup.max.depth"),
  bound("cgroup.max.descendants"),
  [
    "cgroup.pressure",
    { mode: 0o644, text: () => "1\n", write: (_node, text) => void writtenSwitch(text) },
  ],
  ["cgroup.procs", procs],
  [
    "cgroup.stat",
    {
      mode: 0o444,
      text: (node) => `nr_descendants ${descendants(node)}\nnr_dying_descendants 0\n`,
    },
  ],
  [
    "cgroup.subtree_control",
    { mode: 0o644, text: (node) => words(node.subtreeControl), write: setSubtreeControl },
  ],
  ["cgroup.threads", procs],
  ["cpu.pressure", pressure],
  ["cpu.stat", cpuStatFile],
  ["io.pressure", pressure],
  ["memory.pressure", pressure],
]);

export const coreFilesV2: FileTable<CgroupNode> = new Map<string, FileRow<CgroupNode>>([
  ...coreRootFilesV2,
  [
    "cgroup.events",
    {
      mode: 0o444,
      text: (node) =>
        `populated ${node.population > 0 ? 1 : 0}\nfrozen ${isFrozen(node) ? 1 : 0}\n`,
    },
  ],
  ["cgroup.freeze", freezeFile],
  ["cgroup.kill", { mode: 0o200, write: killAll }],
  ["cgroup.stat.local", { mode: 0o444, text: () => "frozen_usec 0\n" }],
  [
    "cgroup.type",
    {
      mode: 0o644,
      text: () => "domain\n",
      // Thread trees are not modelled.
      write: (_node, text) => refuse(text.trim() === "threaded" ? "EOPNOTSUPP" : "EINVAL"),
    },
  ],
]);
