/**
 * Device nodes of a container: the ones every container has, those the CRI config names, and for a
 * privileged one all of the host's.
 */
import type { Device } from "../api/index.ts";
import { type HostFacts, type HostFiles, RuntimeError } from "../kernel/index.ts";
import { cleanPath, isBelow } from "./container-path.ts";

export interface ResolvedDevice {
  /** Path in the container. */
  readonly path: string;
  readonly type: "char" | "block";
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** What the cgroup lets the container do with it: of r, w and m. */
  readonly permissions: string;
}

function character(name: string, major: number, minor: number): ResolvedDevice {
  const path = `/dev/${name}`;
  return { path, type: "char", major, minor, mode: 0o666, uid: 0, gid: 0, permissions: "rwm" };
}

/** OCI runtime spec, config-linux.md, "Default Devices"; console and ptmx are no nodes of their own. */
export const defaultDevices: readonly ResolvedDevice[] = [
  character("null", 1, 3),
  character("zero", 1, 5),
  character("full", 1, 7),
  character("random", 1, 8),
  character("urandom", 1, 9),
  character("tty", 5, 0),
];

export interface DeviceRequest {
  readonly devices: readonly Device[];
  readonly allOfHost: boolean;
}

/** The devices beside the default ones. INVALID_ARGUMENT when a named one is missing or no device. */
export async function resolveDevices(
  files: HostFiles,
  facts: HostFacts,
  request: DeviceRequest,
): Promise<readonly ResolvedDevice[]> {
  const byPath = new Map<string, ResolvedDevice>();
  if (request.allOfHost) {
    for (const device of await facts.devices()) {
      if (isContainersOwn(device.path)) continue;
      byPath.set(device.path, { ...device, mode: device.mode & 0o777, permissions: "rwm" });
    }
  }
  for (const device of request.devices) {
    const resolved = await resolveDevice(files, device);
    byPath.set(resolved.path, resolved);
  }
  return [...byPath.values()];
}

async function resolveDevice(files: HostFiles, device: Device): Promise<ResolvedDevice> {
  const path = cleanPath(device.containerPath || device.hostPath, "path of a device");
  const permissions = device.permissions || "rwm";
  if (!/^[rwm]{1,3}$/.test(permissions)) {
    throw invalid(
      `permissions ${JSON.stringify(permissions)} of device ${path} are not of r, w, m`,
    );
  }
  const stat = await files.stat(cleanPath(device.hostPath, "host path of a device"), true);
  if (stat === undefined) throw invalid(`device ${device.hostPath} does not exist on the host`);
  if (stat.type !== "char" && stat.type !== "block") {
    throw invalid(`${device.hostPath} is a ${stat.type}, not a device`);
  }
  return {
    path,
    type: stat.type,
    major: stat.major,
    minor: stat.minor,
    mode: stat.mode & 0o777,
    uid: stat.uid,
    gid: stat.gid,
    permissions,
  };
}

/** Nodes a container has of its own: the default ones, its console and its ptys. */
function isContainersOwn(path: string): boolean {
  const own = ["/dev/console", "/dev/ptmx", ...defaultDevices.map((device) => device.path)];
  const trees = ["/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/fd"];
  return own.includes(path) || trees.some((tree) => isBelow(path, tree));
}

function invalid(message: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", message);
}
