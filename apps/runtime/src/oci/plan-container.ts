/** An OCI spec as the Plan that makes it real: processes `oci` (in runc's role) and `init` (PID 1 to be). */
import { type HostFacts, type IdMapping, type Plan, PlanBuilder } from "../kernel/index.ts";
import { addCredentials, addExecve, type CredentialRequest } from "./plan-credentials.ts";
import { addMounts, type BindSource, rootSlot } from "./plan-mounts.ts";
import {
  addCgroupJoin,
  addJoins,
  makesUserNamespace,
  type NamedProcesses,
  newNamespaces,
} from "./plan-namespaces.ts";
import type { OciIdMapping, OciSpec } from "./spec.ts";

export interface ContainerPlanRequest {
  readonly name: string;
  readonly facts: HostFacts;
  readonly spec: OciSpec;
  readonly sources: ReadonlyMap<string, BindSource>;
  /** Processes whose namespaces the spec's paths mean. */
  readonly processes: NamedProcesses;
  /** `spec.linux.seccomp`, compiled. */
  readonly seccompFilter: Uint8Array | undefined;
}

export function containerPlan(request: ContainerPlanRequest): Plan {
  const { facts, spec } = request;
  const builder = new PlanBuilder(request.name);
  const cgroup = addCgroupJoin(builder, facts, spec.linux.cgroupsPath);
  addJoins(builder, spec.linux.namespaces, request.processes);
  builder.add("oci", {
    op: "clone3",
    child: "init",
    namespaces: newNamespaces(spec.linux.namespaces),
    ...(cgroup === undefined ? {} : { cgroup }),
  });
  const { uidMappings, gidMappings } = spec.linux;
  if (makesUserNamespace(spec)) {
    // Written from outside: only whoever has rights over the ids out there may give them away.
    const [uid, gid] = [uidMappings ?? [], gidMappings ?? []].map((map) => map.map(idMapping));
    builder.add("oci", { op: "idMap", child: "init", uid: uid ?? [], gid: gid ?? [] });
  }
  addInit(builder, request);
  return builder.build();
}

function idMapping({ containerID, hostID, size }: OciIdMapping): IdMapping {
  return { containerId: containerID, hostId: hostID, size };
}

function addInit(builder: PlanBuilder, request: ContainerPlanRequest): void {
  const { facts, spec } = request;
  if (makesUserNamespace(spec)) {
    // It was born as an id that its maps do not know; that also made it undumpable, and its /proc files somebody else's.
    builder.add("init", { op: "setresgid", gid: 0 });
    builder.add("init", { op: "setresuid", uid: 0 });
    builder.add("init", { op: "dumpable", on: true });
  }
  builder.add("init", { op: "setsid" });
  // Only now is it inside its cgroup: made by clone3, the namespace would begin at the cgroup of oci.
  if (spec.linux.namespaces.some((one) => one.type === "cgroup" && one.path === undefined)) {
    builder.add("init", { op: "unshare", namespaces: ["cgroup"] });
  }
  addMounts(builder, request);
  if (spec.process.terminal) {
    const { width, height } = spec.process.consoleSize ?? { width: 0, height: 0 };
    builder.add("init", { op: "console", at: rootSlot, width, height });
  }
  builder.add("init", { op: "pivotRoot", root: rootSlot });
  for (const path of spec.linux.maskedPaths) builder.add("init", { op: "maskPath", path });
  for (const path of spec.linux.readonlyPaths) builder.add("init", { op: "readonlyPath", path });
  if (spec.hostname !== undefined) builder.add("init", { op: "sethostname", name: spec.hostname });
  for (const [key, value] of Object.entries(spec.linux.sysctl)) {
    builder.add("init", { op: "sysctl", key, value });
  }
  const credentials: CredentialRequest = {
    process: spec.process,
    seccompFilter: request.seccompFilter,
    seccompFlags: spec.linux.seccomp?.flags,
    clampOomScore: !facts.capabilities.includes("CAP_SYS_RESOURCE"),
  };
  addCredentials(builder, "init", credentials);
  builder.add("init", { op: "awaitStart" });
  addExecve(builder, "init", credentials);
}
