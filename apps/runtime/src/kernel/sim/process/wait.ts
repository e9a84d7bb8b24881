/** Waiting for children (wait4(2)). */
import { WNOHANG } from "../abi.ts";
import { refuse } from "../refusal.ts";
import type { Coroutine } from "../task.ts";
import { reap } from "./exit.ts";
import { processAt } from "./pids.ts";
import type { ExitStatus, Process } from "./process.ts";

export interface Waited {
  readonly pid: number;
  readonly process: Process;
  readonly status: ExitStatus;
}

/** Whether a child is meant by wait4's `pid`: -1 any, 0 the caller's group, -n group n. Groups are host ids. */
function groupOf(caller: Process, pid: number): number | undefined {
  if (pid === 0) return caller.processGroup;
  return processAt(caller, -pid)?.pid;
}

/** A child that has died and is meant; undefined when there are only living ones; ECHILD without any. */
function findDead(caller: Process, pid: number): Process | undefined {
  if (pid === -1) {
    if (caller.children.size === 0) refuse("ECHILD");
    for (const dead of caller.zombies ?? []) return dead;
    return undefined;
  }
  if (pid > 0) {
    const child = processAt(caller, pid);
    if (child === undefined || child.parent !== caller) return refuse("ECHILD");
    return child.state === "zombie" ? child : undefined;
  }
  const group = groupOf(caller, pid);
  let some = false;
  for (const child of caller.children) {
    if (child.processGroup !== group) continue;
    some = true;
    if (child.state === "zombie") return child;
  }
  return some ? undefined : refuse("ECHILD");
}

/** wait4(2) without its door. */
export function* waitForChild(
  caller: Process,
  pid: number,
  options: number,
): Coroutine<Waited | undefined> {
  for (;;) {
    const dead = findDead(caller, pid);
    if (dead !== undefined) {
      const seen = dead.pidIn(caller.namespaces.pid) ?? 0;
      reap(dead);
      return { pid: seen, process: dead, status: dead.exitStatus as ExitStatus };
    }
    if ((options & WNOHANG) !== 0) return undefined;
    // Who waits for one child is not woken by all the others.
    const child = pid > 0 ? processAt(caller, pid) : undefined;
    yield { on: [child?.exited ?? caller.childEvents] };
  }
}
