/** Sessions and process groups (setsid(2), setpgid(2), credentials(7)). Ids are those of the host. */
import { refuse } from "../refusal.ts";
import { processAt } from "./pids.ts";
import type { Process } from "./process.ts";

/** Living and dead members of a group that `viewer` can see. */
export function groupMembers(viewer: Process, group: number): readonly Process[] {
  const members: Process[] = [];
  for (const process of viewer.namespaces.pid.processes.values()) {
    if (process.processGroup === group) members.push(process);
  }
  return members;
}

/** EPERM for the leader of a group, also of one that others are still in. */
export function becomeSessionLeader(caller: Process): void {
  if (caller.processGroup === caller.pid || caller.session === caller.pid) refuse("EPERM");
  caller.session = caller.pid;
  caller.processGroup = caller.pid;
  caller.tty = undefined;
}

/** setpgid(2): 0 is the caller, or the process itself. */
export function joinGroup(caller: Process, pid: number, group: number): void {
  if (group < 0) refuse("EINVAL");
  const process = pid === 0 ? caller : processAt(caller, pid);
  if (process === undefined) refuse("ESRCH");
  if (process !== caller && process.parent !== caller) refuse("ESRCH");
  if (process !== caller && process.session !== caller.session) refuse("EPERM");
  if (process.session === process.pid) refuse("EPERM");
  const own = process.pidIn(caller.namespaces.pid);
  if (group === 0 || group === own) {
    process.processGroup = process.pid;
    return;
  }
  const leader = processAt(caller, group);
  const target = leader?.pid;
  const exists =
    target !== undefined &&
    groupMembers(caller, target).some((member) => member.session === caller.session);
  if (!exists) refuse("EPERM");
  process.processGroup = target;
}
