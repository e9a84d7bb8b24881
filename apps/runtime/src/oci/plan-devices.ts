/**
 * Device nodes as ops. Those in /dev are made in the tmpfs while it is still detached: nobody else can
 * reach it, so whatever the image calls /dev (CVE-2026-47766) has no part in it.
 */
import type { Op, PlanBuilder, Slot } from "../kernel/index.ts";
import { isBelow, parentOf } from "./container-path.ts";
import { defaultDevices } from "./devices.ts";
import type { OciDevice, OciSpec } from "./spec.ts";

/** OCI runtime spec, config-linux.md, "Default Devices" and "/dev symbolic links". */
const links: readonly (readonly [path: string, target: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["ptmx", "pts/ptmx"],
];

/**
 * Fills the detached tmpfs in `dev`: default nodes, links, and the spec's devices below /dev. Nodes that are to be
 * bound come later (`bindDevices`).
 */
export function addDevices(
  builder: PlanBuilder,
  spec: OciSpec,
  dev: Slot,
  bound: boolean = false,
): void {
  const own = spec.linux.devices.filter((device) => isBelow(device.path, "/dev"));
  const named = new Set(own.map((device) => device.path));
  for (const device of bound ? [] : defaultDevices) {
    if (named.has(device.path)) continue;
    const { major, minor, mode } = device;
    builder.add("init", {
      op: "mknod",
      at: dev,
      path: inside(device.path),
      type: "char",
      major,
      minor,
      mode,
    });
  }
  for (const [path, target] of links) {
    if (!named.has(`/dev/${path}`)) builder.add("init", { op: "symlink", at: dev, target, path });
  }
  const made = new Set(["/dev"]);
  for (const device of bound ? [] : own) {
    const directory = parentOf(device.path);
    if (!made.has(directory)) {
      made.add(directory);
      builder.add("init", {
        op: "mkdir",
        at: dev,
        path: inside(directory),
        mode: 0o755,
        parents: true,
      });
    }
    builder.add("init", node(device, dev, inside(device.path)));
  }
}

/**
 * The host's nodes bound over files of the attached /dev: whoever is root in a user namespace only may make no
 * nodes of his own (mknod(2), EPERM).
 */
export function bindDevices(builder: PlanBuilder, spec: OciSpec): void {
  const paths = [...defaultDevices, ...spec.linux.devices].map(({ path }) => path);
  for (const path of new Set(paths.filter((one) => isBelow(one, "/dev")))) {
    const as = path.slice(1);
    builder.add("init", { op: "openTree", path, clone: true, recursive: false, as });
    builder.add("init", { op: "moveMount", fd: as, at: "rootfs", path, create: "file" });
  }
}

/** Devices outside /dev. (Where somebody mounts a /dev of the host, its own nodes are what there is.) */
export function addExtraDevices(builder: PlanBuilder, spec: OciSpec): void {
  for (const device of spec.linux.devices) {
    if (isBelow(device.path, "/dev")) continue;
    const directory = parentOf(device.path);
    if (directory !== "/") {
      builder.add("init", {
        op: "mkdir",
        at: "rootfs",
        path: directory,
        mode: 0o755,
        parents: true,
      });
    }
    builder.add("init", node(device, "rootfs", device.path));
  }
}

function node(device: OciDevice, at: Slot, path: string): Op {
  return {
    op: "mknod",
    at,
    path,
    type: device.type === "b" ? "block" : "char",
    major: device.major,
    minor: device.minor,
    mode: device.fileMode,
    uid: device.uid,
    gid: device.gid,
  };
}

function inside(path: string): string {
  return path.slice("/dev/".length);
}
