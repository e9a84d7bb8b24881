/** Control groups: hierarchies and their directories (cgroups(7)). What a limit does is in the controllers beside. */
import type { Process } from "../process/process.ts";

export interface CgroupHierarchy {
  /** As in /proc/PID/cgroup; 0 is the unified one. */
  readonly id: number;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  /** Where the host mounts it: "/sys/fs/cgroup/memory". */
  readonly mountpoint: string;
  readonly root: CgroupNode;
}

export class CgroupNode {
  readonly hierarchy: CgroupHierarchy | undefined;
  readonly name: string;
  readonly parent: CgroupNode | undefined;
  readonly children = new Map<string, CgroupNode>();
  readonly processes = new Set<Process>();
  /** Zombies that were members when they died; a cgroup with only these can be removed. */
  /** State of each controller (limits and usage), by controller name; the controllers own the shape. */
  readonly controllers = new Map<string, object>();
  removed = false;

  constructor(name: string, parent: CgroupNode | undefined, hierarchy?: CgroupHierarchy) {
    this.name = name;
    this.parent = parent;
    this.hierarchy = hierarchy ?? parent?.hierarchy;
  }

  /** Absolute path in its hierarchy: "/" or "/a/b". */
  get path(): string {
    if (this.parent === undefined) return "/";
    const above = this.parent.path;
    return above === "/" ? `/${this.name}` : `${above}/${this.name}`;
  }
}
