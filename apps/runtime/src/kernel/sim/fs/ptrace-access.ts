/** What /proc asks of those who look into a process (ptrace(2), "Ptrace access mode checking"). */
import { mayInspect } from "../process/inspect.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";

/** EACCES, as /proc answers. */
export function checkInspect(viewer: Process, target: Process): void {
  if (!mayInspect(viewer, target)) refuse("EACCES");
}
