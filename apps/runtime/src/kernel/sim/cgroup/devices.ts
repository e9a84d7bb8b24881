/** Which devices a process may open and make: rules of v1, programs of v2 (cgroup-v1/devices.rst, cgroup-v2.rst). */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { hierarchyOf, nodeOf } from "./controller.ts";
import { programsAllow } from "./device-program.ts";
import { allowsDevice, deviceAccess } from "./device-rules.ts";

/** EPERM when a cgroup forbids it. `access`: letters of "rwm"; the overlay's whiteouts (mknod 0:0) are free for all. */
export function mayUseDevice(
  process: Process,
  type: "char" | "block",
  major: number,
  minor: number,
  access: string,
): void {
  if (access === "m" && type === "char" && major === 0 && minor === 0) return;
  const legacy = nodeOf(process, "devices");
  if (legacy !== undefined) {
    const rules = deviceAccess(legacy);
    const asked = { type: type === "char" ? "c" : "b", major, minor, access } as const;
    if (rules !== undefined && !allowsDevice(rules, asked)) refuse("EPERM", "devices cgroup");
  }
  if (hierarchyOf(process.machine, "") === undefined) return;
  const unified = nodeOf(process, "");
  if (unified !== undefined && !programsAllow(unified, type, major, minor, access))
    refuse("EPERM", "device program");
}
