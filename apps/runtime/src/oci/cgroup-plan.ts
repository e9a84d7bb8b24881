/**
 * Plans for a container's cgroups, all of `host` ops: make them with their limits, change the limits,
 * remove them. The processes join by themselves later, in the container's own Plan.
 */
import { type HostFacts, type Op, type Plan, PlanBuilder } from "../kernel/index.ts";
import type { CpusetState } from "./cgroup-cpuset.ts";
import {
  cgroupDirectories,
  cgroupDirectory,
  hierarchyV1,
  hierarchyV2,
  isUnified,
  pathAndAncestors,
} from "./cgroup-path.ts";
import { type CgroupWrite, limitWrites, type WriteMode } from "./cgroup-writes.ts";
import { deviceProgram } from "./device-program.ts";
import { ruleText } from "./device-rules.ts";
import type { OciResources } from "./spec.ts";

export interface CgroupRequest {
  readonly facts: HostFacts;
  /** Absolute from the root of each hierarchy: `cgroupPathOf`. */
  readonly path: string;
  readonly resources: OciResources;
  /** From `readCpuset`. */
  readonly cpuset: CpusetState | undefined;
}

export interface CgroupPlan {
  readonly plan: Plan;
  readonly warnings: readonly string[];
}

/** Controllers of v2 that limits are set for. */
const delegated = ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"];

/** Makes the cgroup in every hierarchy and sets its limits. An existing directory is taken over. */
export function cgroupPlan(request: CgroupRequest): CgroupPlan {
  const { facts, path, resources } = request;
  const builder = new PlanBuilder("make cgroups");
  const { writes, warnings } = limitWrites(facts, resources, "new");
  for (const directory of cgroupDirectories(facts, path)) {
    builder.add("host", { op: "mkdir", path: directory, mode: 0o755, parents: true });
  }
  addSubtreeControl(builder, facts, path, writes);
  addCpuset(builder, request);
  addWrites(builder, facts, path, writes);
  addDeviceRules(builder, request);
  return { plan: builder.build(), warnings };
}

/** Changes the limits of a running container (UpdateContainerResources); what is not given stays. */
export function updateCgroupPlan(
  facts: HostFacts,
  path: string,
  resources: OciResources,
): CgroupPlan {
  const builder = new PlanBuilder("change limits");
  const mode: WriteMode = "update";
  const { writes, warnings } = limitWrites(facts, resources, mode);
  addWrites(builder, facts, path, writes);
  return { plan: builder.build(), warnings };
}

/** Removes the empty cgroup from every hierarchy; one that is gone already is fine. */
export function removeCgroupPlan(facts: HostFacts, path: string): Plan {
  const builder = new PlanBuilder("remove cgroups");
  for (const directory of cgroupDirectories(facts, path)) {
    builder.add("host", { op: "rmdir", path: directory }, ["ENOENT"]);
  }
  return builder.build();
}

/** Removes the runtime's own parent cgroup when nothing is in it: for the end of the daemon. */
export function removeParentCgroupPlan(facts: HostFacts, parent: string): Plan {
  const builder = new PlanBuilder("remove parent cgroups");
  for (const ancestor of [...pathAndAncestors(parent)].reverse()) {
    for (const directory of cgroupDirectories(facts, ancestor)) {
      builder.add("host", { op: "rmdir", path: directory }, ["ENOENT", "EBUSY", "ENOTEMPTY"]);
    }
  }
  return builder.build();
}

/**
 * On v2 a cgroup has the controllers that its parent's cgroup.subtree_control hands down, from the
 * root on. A hybrid host's v2 tree is left as it is unless a limit needs one of its controllers.
 */
function addSubtreeControl(
  builder: PlanBuilder,
  facts: HostFacts,
  path: string,
  writes: readonly CgroupWrite[],
): void {
  const hierarchy = hierarchyV2(facts);
  if (hierarchy === undefined) return;
  const wanted = isUnified(facts)
    ? delegated.filter((name) => hierarchy.controllers.includes(name))
    : [...new Set(writes.filter((one) => one.version === 2).map((one) => one.controller))];
  if (wanted.length === 0) return;
  const value = wanted.map((name) => `+${name}`).join(" ");
  for (const ancestor of ["/", ...pathAndAncestors(path).slice(0, -1)]) {
    const file = `${cgroupDirectory(hierarchy, ancestor)}/cgroup.subtree_control`;
    // A parent with processes of its own (EBUSY) or without the controller (ENOENT) hands nothing
    // down; if a limit needs it, writing the limit says so.
    builder.add("host", write(file, value), ["EBUSY", "ENOENT", "EOPNOTSUPP", "EPERM", "EACCES"]);
  }
}

function addCpuset(builder: PlanBuilder, request: CgroupRequest): void {
  const hierarchy = hierarchyV1(request.facts, "cpuset");
  const { cpuset } = request;
  if (hierarchy === undefined || cpuset === undefined) return;
  for (const directory of cpuset.empty) {
    builder.add("host", write(`${directory}/cpuset.cpus`, cpuset.cpus));
    builder.add("host", write(`${directory}/cpuset.mems`, cpuset.mems));
  }
  const own = cgroupDirectory(hierarchy, request.path);
  const { cpus, mems } = request.resources.cpu ?? {};
  if (cpus === undefined) builder.add("host", write(`${own}/cpuset.cpus`, cpuset.cpus));
  if (mems === undefined) builder.add("host", write(`${own}/cpuset.mems`, cpuset.mems));
}

function addWrites(
  builder: PlanBuilder,
  facts: HostFacts,
  path: string,
  writes: readonly CgroupWrite[],
): void {
  for (const { version, controller, file, value, ignore } of writes) {
    const hierarchy = version === 1 ? hierarchyV1(facts, controller) : hierarchyV2(facts);
    if (hierarchy === undefined) continue;
    builder.add("host", write(`${cgroupDirectory(hierarchy, path)}/${file}`, value), ignore);
  }
}

/**
 * A new v1 cgroup has its parent's devices: everything is taken away first, then given back singly.
 * Without that controller it is a program on the v2 cgroup.
 */
function addDeviceRules(builder: PlanBuilder, request: CgroupRequest): void {
  const hierarchy = hierarchyV1(request.facts, "devices");
  if (hierarchy === undefined) {
    const unified = hierarchyV2(request.facts);
    const program = deviceProgram(request.resources.devices ?? []);
    if (unified === undefined || program === undefined) return;
    const path = cgroupDirectory(unified, request.path);
    builder.add("host", { op: "deviceFilter", path, program });
    return;
  }
  const directory = cgroupDirectory(hierarchy, request.path);
  for (const rule of request.resources.devices ?? []) {
    // "Allow everything" needs no write: it is what the parent hands on.
    if (rule.allow && rule.type === "a") continue;
    const file = `${directory}/devices.${rule.allow ? "allow" : "deny"}`;
    builder.add("host", write(file, ruleText(rule)));
  }
}

function write(path: string, value: string): Op {
  const data = new TextEncoder().encode(value);
  return { op: "writeFile", path, data, mode: 0o644, how: "existing" };
}
