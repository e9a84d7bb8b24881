/**
 * The cpuset controller of cgroup v1 gives a new cgroup no CPUs and no memory nodes, and refuses
 * processes until it has some (cgroup-v1/cpusets.rst). What the parents have is read beforehand, so
 * that the Plan writes to those that have nothing and leaves alone what somebody has restricted.
 */
import type { HostFacts, HostFiles } from "../kernel/index.ts";
import { cgroupDirectory, hierarchyV1, pathAndAncestors } from "./cgroup-path.ts";

export interface CpusetState {
  /** What the container inherits, in list format. */
  readonly cpus: string;
  readonly mems: string;
  /** Directories above the container that have nothing yet, outermost first. */
  readonly empty: readonly string[];
}

/** Reads what cgroup `path` (which need not exist) inherits; undefined without the v1 controller. */
export async function readCpuset(
  files: HostFiles,
  facts: HostFacts,
  path: string,
): Promise<CpusetState | undefined> {
  const hierarchy = hierarchyV1(facts, "cpuset");
  if (hierarchy === undefined) return undefined;
  const empty: string[] = [];
  let cpus = await readList(files, `${hierarchy.path}/cpuset.cpus`);
  let mems = await readList(files, `${hierarchy.path}/cpuset.mems`);
  for (const ancestor of pathAndAncestors(path).slice(0, -1)) {
    const directory = cgroupDirectory(hierarchy, ancestor);
    // Below a directory that is missing or empty there is nothing more to read.
    const own = empty.length > 0 ? "" : await readList(files, `${directory}/cpuset.cpus`);
    const ownMems = own === "" ? "" : await readList(files, `${directory}/cpuset.mems`);
    if (own === "" || ownMems === "") {
      empty.push(directory);
    } else {
      cpus = own;
      mems = ownMems;
    }
  }
  return { cpus, mems, empty };
}

async function readList(files: HostFiles, path: string): Promise<string> {
  const bytes = await files.read(path, 65_536);
  return bytes === undefined ? "" : new TextDecoder().decode(bytes).trim();
}
