/** What befalls somebody in the machine at a given op: the fault schedule says when, this does it. */
import { SIGKILL } from "../abi.ts";
import { nodeOf } from "../cgroup/controller.ts";
import { countOomKill } from "../cgroup/memory.ts";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { deliverSignal } from "../syscall/process.ts";

function newest(machine: Machine, wanted: (process: Process) => boolean): Process | undefined {
  let found: Process | undefined;
  for (const process of machine.processes.values()) {
    if (process.state === "alive" && wanted(process)) found = process;
  }
  return found;
}

/** Kills the shim that was started last; none is no error. */
export function killNewestShim(machine: Machine): void {
  const shim = newest(machine, ({ comm }) => comm === "vitrine-shim");
  if (shim !== undefined) deliverSignal(shim, SIGKILL);
}

/** The OOM killer takes the container that was started last: pid 1 of a pid namespace, the pause excepted. */
export function killNewestContainer(machine: Machine): void {
  const victim = newest(machine, (process) => {
    const { pid } = process.namespaces;
    return pid.level > 0 && pid.init === process && process.comm !== "pause";
  });
  if (victim === undefined) return;
  const { scheduler } = machine;
  const event = { name: "oom-kill", detail: victim.comm, errno: 0 };
  machine.observe?.({ atNs: scheduler.nowNs, pid: victim.pid, ...event });
  const node = nodeOf(victim, "memory");
  deliverSignal(victim, SIGKILL);
  if (node !== undefined) countOomKill(node);
}
