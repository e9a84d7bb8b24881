/** Finding the node a controller looks at: each controller is in one hierarchy of the machine (cgroups(7)). */
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import type { CgroupHierarchy, CgroupNode } from "./hierarchy.ts";

const found = new WeakMap<Machine, Map<string, CgroupHierarchy | undefined>>();

/** The hierarchy that has `controller`; "" is the unified one, whatever it has. */
export function hierarchyOf(machine: Machine, controller: string): CgroupHierarchy | undefined {
  let byName = found.get(machine);
  if (byName === undefined) {
    byName = new Map();
    found.set(machine, byName);
  }
  const known = byName.get(controller);
  if (known !== undefined || byName.has(controller)) return known;
  const hierarchy = machine.hierarchies.find((one) =>
    controller === "" ? one.version === 2 : one.controllers.includes(controller),
  );
  // Before the boot has made them there is nothing to remember.
  if (machine.hierarchies.length > 0) byName.set(controller, hierarchy);
  return hierarchy;
}

/** The node of `process` in the hierarchy of `controller`; undefined when no hierarchy has it. */
export function nodeOf(process: Process, controller: string): CgroupNode | undefined {
  const hierarchy = hierarchyOf(process.machine, controller);
  return hierarchy === undefined ? undefined : process.cgroups.get(hierarchy.id);
}

/** True when a limit of `controller` at `node` counts: v2 hands controllers down, and the root has no limits. */
export function isControlled(node: CgroupNode, controller: string): boolean {
  return node.parent !== undefined && node.controllers.includes(controller);
}
