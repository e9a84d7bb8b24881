/** Joining namespaces and cgroups, and starting the container's process: the ops of `oci`. */
import type { HostFacts, NamespaceType, PlanBuilder, Slot } from "../kernel/index.ts";
import { cgroupDirectory, hierarchyV2 } from "./cgroup-path.ts";
import type { ProcessIdentity } from "./request.ts";
import type { OciNamespace, OciNamespaceType, OciSpec } from "./spec.ts";

const kernelName: Readonly<Record<OciNamespaceType, NamespaceType>> = {
  pid: "pid",
  network: "net",
  mount: "mnt",
  ipc: "ipc",
  uts: "uts",
  user: "user",
  cgroup: "cgroup",
  time: "time",
};

/** Processes by the name their slot shall have. */
export type NamedProcesses = Readonly<Record<Slot, ProcessIdentity | undefined>>;

/**
 * Joins the namespaces that have a path. Those of a process that `processes` names are entered all at
 * once through a pidfd, so that a pid that means another process by now is noticed and not joined.
 */
export function addJoins(
  builder: PlanBuilder,
  namespaces: readonly OciNamespace[],
  processes: NamedProcesses,
): void {
  const joined = namespaces.filter((namespace) => namespace.path !== undefined);
  for (const [slot, neighbour] of Object.entries(processes)) {
    const own = joined.filter((one) => one.path?.startsWith(`/proc/${neighbour?.pid}/ns/`));
    if (neighbour === undefined || own.length === 0) continue;
    builder.add("oci", {
      op: "pidfdOpen",
      pid: neighbour.pid,
      startTime: neighbour.startTime,
      as: slot,
    });
    const types = own.map((one) => kernelName[one.type]);
    builder.add("oci", { op: "setns", fd: slot, namespaces: types });
  }
  for (const { type, path } of joined) {
    if (path === undefined || path.startsWith("/proc/")) continue;
    const slot = `${kernelName[type]}ns`;
    builder.add("oci", { op: "open", path, flags: ["rdonly"], as: slot });
    builder.add("oci", { op: "setns", fd: slot, namespaces: [kernelName[type]] });
  }
}

/**
 * Joins the cgroup: v1 hierarchies by oci itself, which its child is then born into; v2 by
 * CLONE_INTO_CGROUP. Gives the slot for clone3.
 */
export function addCgroupJoin(
  builder: PlanBuilder,
  facts: HostFacts,
  cgroupsPath: string,
): Slot | undefined {
  for (const hierarchy of facts.cgroups) {
    if (hierarchy.version === 1) {
      builder.add("oci", { op: "cgroupJoin", path: cgroupDirectory(hierarchy, cgroupsPath) });
    }
  }
  const unified = hierarchyV2(facts);
  if (unified === undefined) return undefined;
  const path = cgroupDirectory(unified, cgroupsPath);
  builder.add("oci", { op: "open", path, flags: ["path", "directory"], as: "cgroup" });
  return "cgroup";
}

/** Whether the container's root is not the host's. */
export function makesUserNamespace(spec: OciSpec): boolean {
  return spec.linux.namespaces.some(({ type, path }) => type === "user" && path === undefined);
}

/** The namespaces clone3 makes; that of the cgroup comes later, see `addInit`. */
export function newNamespaces(namespaces: readonly OciNamespace[]): readonly NamespaceType[] {
  return namespaces
    .filter((one) => one.path === undefined && one.type !== "cgroup")
    .map((one) => kernelName[one.type]);
}
