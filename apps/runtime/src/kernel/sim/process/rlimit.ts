/** prlimit(2) on oneself. */
import type { RlimitType } from "../../op.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import type { Process, Rlimit } from "./process.ts";

/** fs.nr_open (proc_sys_fs(5)). */
const filesMax = 1_048_576;

function isAbove(limit: number, other: number): boolean {
  if (other < 0) return false;
  return limit < 0 || limit > other;
}

/** EINVAL: soft above hard; EPERM: hard above the old one without CAP_SYS_RESOURCE on the host, or above fs.nr_open. */
export function setLimit(caller: Process, type: RlimitType, limit: Rlimit): void {
  if (isAbove(limit.soft, limit.hard)) refuse("EINVAL");
  if (type === "nofile") {
    const max = Number(caller.machine.sysctls.get("fs.nr_open") ?? filesMax);
    if (isAbove(limit.hard, max)) refuse("EPERM");
  }
  if (isAbove(limit.hard, caller.rlimits[type].hard)) {
    const host = caller.machine.initUserNamespace;
    if (!capableIn(caller.credentials, host, "CAP_SYS_RESOURCE")) refuse("EPERM");
  }
  caller.rlimits = { ...caller.rlimits, [type]: { soft: limit.soft, hard: limit.hard } };
}
