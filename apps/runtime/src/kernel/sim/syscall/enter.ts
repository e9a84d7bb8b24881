/**
 * The door of the simulated kernel: every system call of every process comes through here first. Seccomp
 * filters are evaluated, observers told, time charged.
 */
import type { Process } from "../process/process.ts";

/**
 * Called first by each function of this folder. Refuses with the errno a seccomp filter answers; kills the
 * process (and refuses) where the filter says so. `args` are the numbers a filter can see; pointers are 0.
 */
export function enter(process: Process, name: string, ...args: readonly number[]): void {
  if (process.seccomp.length > 0) process.machine.gate?.(process, name, args);
}
