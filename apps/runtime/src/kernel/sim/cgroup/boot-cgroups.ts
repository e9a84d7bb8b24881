/** The cgroup hierarchies of a machine, and what their controllers answer the rest of the kernel. */
import type { CgroupLayout } from "../boot.ts";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { burn } from "./cpu.ts";
import { setCpuCount } from "./cpuset.ts";
import { mayUseDevice } from "./devices.ts";
import { type CgroupHierarchy, makeHierarchy } from "./hierarchy.ts";
import { joinCgroup } from "./membership.ts";
import { chargeMemory } from "./memory.ts";
import { mayFork } from "./pids.ts";

/** One hierarchy each, as on a host without systemd that mounts them singly; numbered in this order. */
const controllersV1 = [
  "cpu",
  "cpuacct",
  "cpuset",
  "memory",
  "devices",
  "freezer",
  "blkio",
  "pids",
] as const;

/** What v2 has when no v1 hierarchy took it. */
const controllersV2 = ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"] as const;

const directory = "/sys/fs/cgroup";

/**
 * Makes the hierarchies: "v1-hybrid" has each controller in a hierarchy of its own, name=systemd, and v2 with what
 * is left (hugetlb); "v2" has one. Called before there are processes; `adoptProcesses` puts them into the roots.
 */
export function bootCgroups(machine: Machine, layout: CgroupLayout): void {
  const made: CgroupHierarchy[] = [];
  if (layout === "v2") {
    made.push(
      makeHierarchy({ id: 0, version: 2, controllers: controllersV2, mountpoint: directory }),
    );
  } else {
    controllersV1.forEach((name, index) => {
      const mountpoint = `${directory}/${name}`;
      made.push(makeHierarchy({ id: index + 1, version: 1, controllers: [name], mountpoint }));
    });
    const id = controllersV1.length + 1;
    const mountpoint = `${directory}/systemd`;
    made.push(makeHierarchy({ id, version: 1, controllers: [], label: "systemd", mountpoint }));
    const unified = { id: 0, version: 2 as const, controllers: ["hugetlb"] };
    made.push(makeHierarchy({ ...unified, mountpoint: `${directory}/unified` }));
  }
  for (const hierarchy of made) setCpuCount(hierarchy.root, machine.options.cpuCount);
  machine.hierarchies.push(...made);
  machine.mayFork = mayFork;
  machine.chargeMemory = chargeMemory;
  machine.burn = burn;
  machine.mayUseDevice = mayUseDevice;
}

/** Puts a process that was not forked (pid 1, the daemon) into the root of every hierarchy. */
export function adoptProcess(process: Process): void {
  for (const { root } of process.machine.hierarchies) joinCgroup(process, root);
}
