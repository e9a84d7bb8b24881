/**
 * The mounts of a spec as ops of `init`, which already has a mount namespace of its own. Nothing is
 * named by a string twice: each mount is made detached, has its attributes set, and is attached to a
 * place that is looked up inside the container's root, so no symlink or race of an image leads out.
 */
import type { HostFacts, Op, PlanBuilder } from "../kernel/index.ts";
import { cgroupDirectory, isUnified } from "./cgroup-path.ts";
import { parseMountOptions } from "./mount-options.ts";
import { addDevices, addExtraDevices, bindDevices } from "./plan-devices.ts";
import { makesUserNamespace } from "./plan-namespaces.ts";
import type { OciMount, OciSpec } from "./spec.ts";

/** What a bind mount's source is, where the spec's string does not say it. */
export interface BindSource {
  readonly kind: "directory" | "file";
  /** The spec's source is `subPath` inside this directory and must not leave it. */
  readonly within?: { readonly root: string; readonly subPath: string };
}

export interface MountPlanRequest {
  readonly facts: HostFacts;
  readonly spec: OciSpec;
  /** By destination; a bind that is not in it is of a directory. */
  readonly sources: ReadonlyMap<string, BindSource>;
}

/** The slot that holds the container's root, before and after pivot_root. */
export const rootSlot = "rootfs";

/** Every mount and device of the spec, up to a root that only waits for pivot_root. */
export function addMounts(builder: PlanBuilder, request: MountPlanRequest): void {
  const { spec } = request;
  const { mounts } = spec;
  const init = (op: Op) => builder.add("init", op);
  // Mounts that stay tied to the host's have to be taken before the ties are cut.
  const tied = mounts.filter((mount) => isTied(mount));
  for (const mount of tied) takeBind(builder, request, mount);
  init({ op: "propagate", path: "/", propagation: "private", recursive: true });
  addRoot(builder, spec);
  for (const mount of mounts) addMount(builder, request, mount);
  addExtraDevices(builder, spec);
  if (spec.process.cwd !== "/") {
    init({ op: "mkdir", at: rootSlot, path: spec.process.cwd, mode: 0o755, parents: true });
  }
  if (spec.root.readonly) {
    init({ op: "mountSetattr", fd: rootSlot, set: ["rdonly"], clear: [], recursive: false });
  }
}

/**
 * The root. With a user namespace every mount taken over from the host is locked, and pivot_root refuses a locked
 * one (mount_namespaces(7)): a copy of it is the container's own.
 */
function addRoot(builder: PlanBuilder, spec: OciSpec): void {
  const { path } = spec.root;
  if (!makesUserNamespace(spec)) {
    builder.add("init", { op: "open", path, flags: ["path", "directory"], as: rootSlot });
    return;
  }
  builder.add("init", { op: "openTree", path, clone: true, recursive: true, as: rootSlot });
  builder.add("init", { op: "moveMount", fd: rootSlot, path });
}

function addMount(builder: PlanBuilder, request: MountPlanRequest, mount: OciMount): void {
  if (mount.type === "bind") {
    if (!isTied(mount)) takeBind(builder, request, mount);
    const { kind } = request.sources.get(mount.destination) ?? { kind: "directory" };
    builder.add("init", attach(mount, kind, false));
  } else if (mount.type === "cgroup" && !isUnified(request.facts)) {
    addCgroupV1(builder, request, mount);
  } else {
    const fstype = mount.type === "cgroup" ? "cgroup2" : mount.type;
    const { attrs, data } = parseMountOptions(mount.options);
    const as = slotOf(mount.destination);
    builder.add("init", { op: "fsmount", fstype, source: mount.source, options: data, attrs, as });
    const isDev = mount.destination === "/dev";
    const bound = makesUserNamespace(request.spec);
    if (isDev) addDevices(builder, request.spec, as, bound);
    builder.add("init", attach(mount, "directory", fstype === "proc" || fstype === "sysfs"));
    if (isDev && bound) bindDevices(builder, request.spec);
  }
}

/** Makes a detached copy of the source's mounts, with the attributes that the spec asks for. */
function takeBind(builder: PlanBuilder, request: MountPlanRequest, mount: OciMount): void {
  const as = slotOf(mount.destination);
  const within = request.sources.get(mount.destination)?.within;
  if (within === undefined) {
    builder.add("init", { op: "openTree", path: mount.source, clone: true, recursive: true, as });
  } else {
    const root = `${as}:root`;
    builder.add("init", { op: "open", path: within.root, flags: ["path", "directory"], as: root });
    const { subPath } = within;
    builder.add("init", {
      op: "openTree",
      at: root,
      path: subPath,
      clone: true,
      recursive: true,
      as,
    });
  }
  const { attrs, recursiveAttrs, propagation } = parseMountOptions(mount.options);
  const base = { op: "mountSetattr", fd: as, clear: [] } as const;
  if (isTied(mount)) {
    builder.add("init", { ...base, set: recursiveAttrs, recursive: true, propagation });
  } else if (recursiveAttrs.length > 0) {
    builder.add("init", { ...base, set: recursiveAttrs, recursive: true });
  }
  if (attrs.length > 0) builder.add("init", { ...base, set: attrs, recursive: false });
}

/**
 * cgroup v1 in a container: a tmpfs with, for each hierarchy, the container's own cgroup, so that
 * paths in there mean the same as for a host of its own.
 */
function addCgroupV1(builder: PlanBuilder, request: MountPlanRequest, mount: OciMount): void {
  const top = slotOf(mount.destination);
  const { attrs } = parseMountOptions(mount.options);
  const options = [["mode", "755"]] as const;
  const writable = attrs.filter((attr) => attr !== "rdonly");
  builder.add("init", {
    op: "fsmount",
    fstype: "tmpfs",
    source: "cgroup",
    options,
    attrs: writable,
    as: top,
  });
  const hierarchies = request.facts.cgroups.filter((one) => one.version === 1);
  const names = hierarchies.map((one) => one.path.slice(one.path.lastIndexOf("/") + 1));
  for (const [index, hierarchy] of hierarchies.entries()) {
    const name = names[index] ?? "";
    builder.add("init", { op: "mkdir", at: top, path: name, mode: 0o755 });
    for (const controller of hierarchy.controllers) {
      if (controller === name || names.includes(controller)) continue;
      builder.add("init", { op: "symlink", at: top, target: name, path: controller });
    }
  }
  builder.add("init", attach(mount, "directory", false));
  for (const [index, hierarchy] of hierarchies.entries()) {
    const path = cgroupDirectory(hierarchy, request.spec.linux.cgroupsPath);
    const as = `${top}/${names[index]}`;
    builder.add("init", { op: "openTree", path, clone: true, recursive: false, as });
    builder.add("init", {
      op: "moveMount",
      fd: as,
      at: rootSlot,
      path: `${mount.destination}/${names[index]}`,
    });
  }
  builder.add("init", { op: "mountSetattr", fd: top, set: attrs, clear: [], recursive: true });
}

function attach(mount: OciMount, kind: "directory" | "file", ordinary: boolean): Op {
  return {
    op: "moveMount",
    fd: slotOf(mount.destination),
    at: rootSlot,
    path: mount.destination,
    create: kind,
    ...(ordinary ? { ordinary } : {}),
  };
}

function isTied(mount: OciMount): boolean {
  return mount.type === "bind" && parseMountOptions(mount.options).propagation !== "private";
}

/** "dev/pts" for /dev/pts: a name to read in a listing, the destination being unique. */
function slotOf(destination: string): string {
  return destination.slice(1);
}
