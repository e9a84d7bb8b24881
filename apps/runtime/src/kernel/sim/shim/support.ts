/** What of the shim the model has. */
import type { SupportRow } from "../support.ts";

export const support: readonly SupportRow[] = [
  {
    area: "shim",
    feature:
      "create, start, kill, wait, exec with bounds, timeout and drain, log rotation, remove, shutdown",
    level: "full",
    note: "",
  },
  {
    area: "shim",
    feature:
      "life apart from the daemon: found again by its directory, killed without its containers, idle for 30 s",
    level: "full",
    note: "the socket is a file without a listener: only the daemon can talk to it",
  },
  {
    area: "shim",
    feature: "CRI log lines",
    level: "full",
    note: "output reaches the log at once: the pipes of a container are never full",
  },
  {
    area: "shim",
    feature: "attach, and streams of an exec while it runs",
    level: "none",
    note: "output is captured to the end",
  },
];
