/**
 * The life of a container. CRI knows CREATED, RUNNING, EXITED and UNKNOWN; `creating`, `starting` and
 * `removing` are states too, so that a daemon that dies in one of them knows what it was about.
 *
 *   creating --created--> created --start--> starting --started--> running --exited--> exited --remove--> removing
 */
import type { Lifecycle } from "../lifecycle.ts";

export type ContainerState =
  | "creating"
  | "created"
  | "starting"
  | "running"
  | "exited"
  | "unknown"
  | "removing";

export type ContainerEvent =
  | "created"
  | "start"
  | "started"
  | "startFailed"
  | "exited"
  | "lost"
  | "remove";

export const containerLifecycle = {
  noun: "container",
  initial: "creating",
  final: "removing",
  states: {
    creating: "its name is reserved; parts of it may exist",
    created: "its init waits, everything set up, to be released",
    starting: "its init was released and is on its way through execve",
    running: "its command runs",
    exited: "its command has ended, or never came to run; exit code and reason are known",
    unknown: "its shim could not be asked; what is true of it is not known",
    removing: "its record goes when the last of it has gone",
  },
  transitions: {
    creating: { created: "created", lost: "unknown", remove: "removing" },
    created: { start: "starting", exited: "exited", lost: "unknown", remove: "removing" },
    starting: {
      created: "created",
      started: "running",
      startFailed: "exited",
      exited: "exited",
      lost: "unknown",
      remove: "removing",
    },
    running: { exited: "exited", lost: "unknown", remove: "removing" },
    exited: { exited: "exited", remove: "removing" },
    unknown: {
      created: "created",
      started: "running",
      exited: "exited",
      lost: "unknown",
      remove: "removing",
    },
    removing: { exited: "removing", lost: "removing", remove: "removing" },
  },
} as const satisfies Lifecycle<ContainerState, ContainerEvent>;
