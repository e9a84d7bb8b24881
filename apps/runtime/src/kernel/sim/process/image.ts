/** What execve leaves behind of the program before it (execve(2), "Effect on process attributes"). */
import { releaseFile } from "../syscall/file.ts";
import type { Process } from "./process.ts";

/** Closes the fds that are marked close-on-exec. */
export function closeOnExecFiles(process: Process): void {
  for (const fd of process.closeOnExec) {
    const file = process.fds.get(fd);
    process.fds.delete(fd);
    if (file !== undefined) releaseFile(file);
  }
  process.closeOnExec.clear();
}

/** Handlers belong to code that is gone: default again. Ignored signals stay ignored. */
export function resetHandlers(process: Process): void {
  for (const [signal, handler] of process.signalHandlers) {
    if (handler !== "ignore") process.signalHandlers.delete(signal);
  }
}
