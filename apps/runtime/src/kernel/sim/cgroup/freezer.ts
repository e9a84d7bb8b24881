/** Freezing: whoever is in the cgroup or below it does not run until it is thawed (cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst). */
import type { FileTable } from "../fs/pseudo-entry.ts";
import type { Process } from "../process/process.ts";
import { deliverPending } from "../process/signal.ts";
import { refuse } from "../refusal.ts";
import { nodeOf } from "./controller.ts";
import type { CgroupNode } from "./hierarchy.ts";
import { writtenSwitch } from "./written-value.ts";

/** Frozen by its own switch or by one above. */
export function isFrozen(node: CgroupNode): boolean {
  for (let at: CgroupNode | undefined = node; at !== undefined; at = at.parent)
    if (at.frozen) return true;
  return false;
}

/** Makes a process run or not as its cgroups say; called when it joins one, too. */
export function applyFreezer(process: Process): void {
  const unified = nodeOf(process, "");
  const legacy = nodeOf(process, "freezer");
  const frozen =
    (unified !== undefined && isFrozen(unified)) || (legacy !== undefined && isFrozen(legacy));
  if (process.frozen === frozen) return;
  process.frozen = frozen;
  process.task?.hold(frozen || process.stopped);
  if (!frozen) deliverPending(process);
}

export function freeze(node: CgroupNode, frozen: boolean): void {
  if (node.frozen === frozen) return;
  node.frozen = frozen;
  for (const below of node.tree())
    for (const process of [...below.processes]) applyFreezer(process);
}

function setState(node: CgroupNode, text: string): void {
  const word = text.trim();
  if (word !== "FROZEN" && word !== "THAWED") refuse("EINVAL");
  freeze(node, word === "FROZEN");
}

/** v1; the root has none of them. */
export const freezerFiles: FileTable<CgroupNode> = new Map([
  [
    "freezer.parent_freezing",
    {
      mode: 0o444,
      text: (node) => (node.parent !== undefined && isFrozen(node.parent) ? "1\n" : "0\n"),
    },
  ],
  ["freezer.self_freezing", { mode: 0o444, text: (node) => (node.frozen ? "1\n" : "0\n") }],
  [
    "freezer.state",
    {
      mode: 0o644,
      text: (node) => (isFrozen(node) ? "FROZEN\n" : "THAWED\n"),
      write: setState,
    },
  ],
]);

/** cgroup.freeze of v2. */
export const freezeFile = {
  mode: 0o644,
  text: (node: CgroupNode) => (node.frozen ? "1\n" : "0\n"),
  write: (node: CgroupNode, text: string) => freeze(node, writtenSwitch(text)),
};
