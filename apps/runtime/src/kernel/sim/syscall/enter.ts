/**
 * The door of the simulated kernel: every system call of every process comes through here first. Seccomp
 * filters are evaluated, observers told, time charged.
 */
import { ProcessEnded } from "../process/life.ts";
import type { Process } from "../process/process.ts";

/** What the way into the kernel and back costs, ns. */
const callNs = 250;

/**
 * Called first by each function of this folder. Refuses with the errno a seccomp filter answers; kills the
 * process where the filter says so, and never returns to one that has ended. `args` are the numbers a filter can
 * see, in the places they have in the call; pointers are 0.
 */
export function enter(process: Process, name: string, ...args: readonly number[]): void {
  if (process.state !== "alive") throw new ProcessEnded();
  process.machine.scheduler.charge(callNs);
  process.machine.watchCalls?.call(process, name, args);
  if (process.seccomp.length > 0) process.machine.gate?.(process, name, args);
}
