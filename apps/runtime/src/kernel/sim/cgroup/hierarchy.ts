/**
 * Control groups: hierarchies and their directories (cgroups(7)). What a limit does is in the controllers
 * beside. There may be hundreds of thousands of nodes, so that everything a node has is made when it is first
 * written or charged; what is missing has its default.
 */
import type { Process } from "../process/process.ts";
import type { CpuState } from "./cpu.ts";
import type { CpusetState } from "./cpuset.ts";
import type { DeviceAccess } from "./device-rules.ts";
import type { MemoryState } from "./memory.ts";
import type { PidsState } from "./pids.ts";

export interface CgroupHierarchy {
  /** As in /proc/PID/cgroup; 0 is the unified one. */
  readonly id: number;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  /** A v1 hierarchy without controllers: "systemd" of "name=systemd". */
  readonly label: string;
  /** Where the host mounts it: "/sys/fs/cgroup/memory". */
  readonly mountpoint: string;
  readonly root: CgroupNode;
  /** Dead but not yet reaped processes, and where they are counted still (pids.current). */
  readonly zombies: Map<Process, CgroupNode>;
}

const noNodes: ReadonlyMap<string, CgroupNode> = new Map();
const noProcesses: ReadonlySet<Process> = new Set();
const noControllers: readonly string[] = [];

export class CgroupNode {
  readonly hierarchy: CgroupHierarchy;
  /** v1 can rename. */
  name: string;
  readonly parent: CgroupNode | undefined;
  /** Host ids of the maker: its files belong to them. */
  readonly uid: number;
  readonly gid: number;
  removed = false;
  /** Living processes here and below, and zombies here and below. */
  population = 0;
  zombies = 0;
  /** Frozen by its own switch, v1 or v2; a parent's is looked for at the parent. */
  frozen = false;
  /** Controllers handed down to the children (v2). */
  subtreeControl: readonly string[] = noControllers;
  memory: MemoryState | undefined;
  cpu: CpuState | undefined;
  pids: PidsState | undefined;
  cpuset: CpusetState | undefined;
  /** undefined: as the parent's. */
  devices: DeviceAccess | undefined;
  /** Compiled device programs (v2). */
  devicePrograms: readonly Uint8Array[] | undefined;
  /** CPU time used here and below, ns. */
  cpuUsageNs = 0;
  #settings: Map<string, string> | undefined;
  #children: Map<string, CgroupNode> | undefined;
  #processes: Set<Process> | undefined;

  constructor(
    name: string,
    parent: CgroupNode | undefined,
    hierarchy: CgroupHierarchy,
    uid = 0,
    gid = 0,
  ) {
    this.name = name;
    this.parent = parent;
    this.hierarchy = hierarchy;
    this.uid = uid;
    this.gid = gid;
  }

  get children(): ReadonlyMap<string, CgroupNode> {
    return this.#children ?? noNodes;
  }

  /** Processes that are members and live. */
  get processes(): ReadonlySet<Process> {
    return this.#processes ?? noProcesses;
  }

  /** The controllers it has: v1 all of the hierarchy's, v2 what the parent hands down. */
  get controllers(): readonly string[] {
    if (this.hierarchy.version === 1 || this.parent === undefined)
      return this.hierarchy.controllers;
    return this.parent.subtreeControl;
  }

  /** Absolute path in its hierarchy: "/" or "/a/b". */
  get path(): string {
    if (this.parent === undefined) return "/";
    const above = this.parent.path;
    return above === "/" ? `/${this.name}` : `${above}/${this.name}`;
  }

  /** A value that is only kept, by the name of its file. */
  setting(file: string): string | undefined {
    return this.#settings?.get(file);
  }

  set(file: string, value: string): void {
    this.#settings ??= new Map();
    this.#settings.set(file, value);
  }

  /** Membership without any rule: membership.ts has them. */
  addProcess(process: Process): void {
    this.#processes ??= new Set();
    this.#processes.add(process);
    for (let at: CgroupNode | undefined = this; at !== undefined; at = at.parent) at.population++;
  }

  removeProcess(process: Process): void {
    if (this.#processes?.delete(process) !== true) return;
    for (let at: CgroupNode | undefined = this; at !== undefined; at = at.parent) at.population--;
  }

  /** A new directory; `checkNewDirectory` (directories.ts) has the rules. */
  addChild(name: string, uid: number, gid: number): CgroupNode {
    const child = new CgroupNode(name, this, this.hierarchy, uid, gid);
    this.#children ??= new Map();
    this.#children.set(name, child);
    return child;
  }

  removeChild(child: CgroupNode): void {
    this.#children?.delete(child.name);
    if (this.#children?.size === 0) this.#children = undefined;
    child.removed = true;
  }

  /** Gives a child another name. */
  renameChild(child: CgroupNode, name: string): void {
    this.#children?.delete(child.name);
    child.name = name;
    this.#children?.set(name, child);
  }

  /** Itself and everything below, parents first. */
  *tree(): Generator<CgroupNode, void, void> {
    yield this;
    for (const child of this.children.values()) yield* child.tree();
  }
}

/** An empty hierarchy with its root. */
export function makeHierarchy(
  kind: Pick<CgroupHierarchy, "id" | "version" | "controllers" | "mountpoint"> & {
    readonly label?: string;
  },
): CgroupHierarchy {
  const hierarchy = { label: "", ...kind, zombies: new Map<Process, CgroupNode>() } as {
    -readonly [Key in keyof CgroupHierarchy]: CgroupHierarchy[Key];
  };
  hierarchy.root = new CgroupNode("", undefined, hierarchy);
  return hierarchy;
}

/** How /proc/PID/cgroup names it: "cpu", "name=systemd", "" for the unified one. */
export function hierarchyName(hierarchy: CgroupHierarchy): string {
  if (hierarchy.version === 2) return "";
  const named = hierarchy.label === "" ? [] : [`name=${hierarchy.label}`];
  return [...hierarchy.controllers, ...named].join(",");
}
