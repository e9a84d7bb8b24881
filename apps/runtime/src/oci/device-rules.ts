/**
 * Which device nodes a container's processes may open or make, whatever nodes they find or create:
 * rules of the cgroup, in the order they apply (cgroup-v1/devices.rst). CAP_MKNOD is in the default
 * set, so these rules are what keeps a container from making a node for the host's disk.
 */
import type { ResolvedDevice } from "./devices.ts";
import type { OciDeviceRule } from "./spec.ts";

const everything: readonly OciDeviceRule[] = [{ allow: true, type: "a", access: "rwm" }];

/** mknod of anything is harmless without read and write; then the nodes every container has, and ptys. */
const ordinary: readonly OciDeviceRule[] = [
  { allow: false, type: "a", access: "rwm" },
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 5, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 7, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 8, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 9, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 0, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 1, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 2, access: "rwm" },
  { allow: true, type: "c", major: 136, access: "rwm" },
];

/** The rules for a container: everything when privileged with the host's devices, else the ordinary ones and its own. */
export function deviceRules(
  allDevices: boolean,
  devices: readonly ResolvedDevice[],
): readonly OciDeviceRule[] {
  if (allDevices) return everything;
  if (devices.length === 0) return ordinary;
  return [
    ...ordinary,
    ...devices.map(
      (device): OciDeviceRule => ({
        allow: true,
        type: device.type === "block" ? "b" : "c",
        major: device.major,
        minor: device.minor,
        access: device.permissions,
      }),
    ),
  ];
}

/** A rule as devices.allow and devices.deny of cgroup v1 take it: "c 1:3 rwm". */
export function ruleText(rule: OciDeviceRule): string {
  if (rule.type === "a") return "a";
  return `${rule.type} ${rule.major ?? "*"}:${rule.minor ?? "*"} ${rule.access}`;
}
