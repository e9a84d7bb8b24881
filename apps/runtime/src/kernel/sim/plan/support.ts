/** What of the executor of Plans the model has. */
import type { SupportRow } from "../support.ts";

export const support: readonly SupportRow[] = [
  {
    area: "Plans",
    feature: "every op of the union, in the daemon, in vitrine-oci and in its children",
    level: "full",
    note: "same order of system calls, same errnos and details as native/exec; mounts of a failed Plan are undone",
  },
  {
    area: "Plans",
    feature: "barriers, the gate of a new user namespace, awaitStart",
    level: "full",
    note: "they are no fds of the process: /proc/PID/fd of a container that waits does not show them",
  },
  {
    area: "Plans",
    feature: "how long an op takes",
    level: "partial",
    note: "the median of its kind in traces/real with a seeded factor around one; the work of ops is not shared between CPUs",
  },
];
