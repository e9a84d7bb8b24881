/**
 * Starts a program of the project's own on the host: shim, executor, CNI plugin, the daemon. What posix_spawn(3)
 * does on Linux: a child without new namespaces that has called execve.
 */
import type { Coroutine } from "../task.ts";
import { bear, checkMayFork, plainBirth } from "./birth.ts";
import { closeOnExecFiles, resetHandlers } from "./image.ts";
import { startLife } from "./life.ts";
import type { Process } from "./process.ts";

export interface SpawnWhat {
  readonly comm: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** Unset: no code of the model runs it (the daemon). */
  readonly body?: (self: Process) => Coroutine<number>;
}

/**
 * A child of `parent` that runs `body` as if it had been an executable. EAGAIN as fork(2); the seccomp filters
 * of `parent` are not asked, because the calls it takes are not told.
 */
export function spawnProcess(parent: Process, what: SpawnWhat): Process {
  checkMayFork(parent);
  const child = bear(parent, plainBirth(parent));
  child.comm = what.comm.slice(0, 15);
  child.argv = what.argv;
  child.env = what.env;
  closeOnExecFiles(child);
  resetHandlers(child);
  if (what.body !== undefined) startLife(child, what.body);
  return child;
}
