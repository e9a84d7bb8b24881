/**
 * The life of a pod sandbox. CRI knows READY and NOTREADY only; the states between are ours, and are
 * what a restarted daemon finds in its records.
 *
 *   creating --ran--> ready --pauseExited/stop--> notReady --released--> stopped --remove--> removing
 */
import type { Lifecycle } from "../lifecycle.ts";

export type PodState = "creating" | "ready" | "notReady" | "stopped" | "removing";

export type PodEvent = "ran" | "abandon" | "pauseExited" | "stop" | "released" | "remove";

export const podLifecycle = {
  noun: "pod sandbox",
  initial: "creating",
  final: "removing",
  states: {
    creating: "its name is reserved; parts of it may exist",
    ready: "the pause container runs and the network is up; containers may be made",
    notReady: "something of it is gone or being taken down; what is left is still to be released",
    stopped: "no process, network or mount of it is left; only its record and files are",
    removing: "its record goes when the last of its files has gone",
  },
  transitions: {
    creating: { ran: "ready", abandon: "notReady", stop: "notReady", remove: "removing" },
    ready: { pauseExited: "notReady", stop: "notReady", remove: "removing" },
    notReady: {
      abandon: "notReady",
      pauseExited: "notReady",
      stop: "notReady",
      released: "stopped",
      remove: "removing",
    },
    stopped: { pauseExited: "stopped", stop: "stopped", remove: "removing" },
    removing: {
      pauseExited: "removing",
      released: "removing",
      stop: "removing",
      remove: "removing",
    },
  },
} as const satisfies Lifecycle<PodState, PodEvent>;
