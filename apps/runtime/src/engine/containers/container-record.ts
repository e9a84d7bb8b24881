/** What is durable of a container. Everything else of it is found by its id and its pod's. */

import type * as cri from "../../api/index.ts";
import type {
  ContainerConfig,
  LinuxContainerResources,
  LinuxContainerUser,
  Signal,
} from "../../api/index.ts";
import { attribute } from "../../trace/attribute.ts";
import type { StoredRecord } from "../record-store.ts";
import { type ContainerState, containerLifecycle } from "./container-lifecycle.ts";

/** How a container ended. CRI wants a reason in one CamelCase word and a message for people. */
export interface ContainerEnd {
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  /** Unix nanoseconds, decimal. */
  readonly finishedAtNs: string;
}

export interface ContainerRecord extends StoredRecord {
  readonly podId: string;
  readonly state: ContainerState;
  /** As the client sent it. */
  readonly config: ContainerConfig;
  readonly imageId: string;
  /** Unix nanoseconds, decimal; "0" is not yet. */
  readonly createdAtNs: string;
  readonly startedAtNs: string;
  readonly end?: ContainerEnd;
  /** Absolute; empty when the container has no log. */
  readonly logPath: string;
  readonly stopSignal: { readonly number: number; readonly cri: Signal };
  /** Whom the first process runs as, once the image's passwd and group have been read. */
  readonly user?: LinuxContainerUser;
  /** What it was created with, and what UpdateContainerResources changed. */
  readonly resources?: LinuxContainerResources;
  /** Directory of its cgroup in every hierarchy. */
  readonly cgroupPaths: readonly string[];
  /** Shares its pid namespace with others, so that its processes are found by its cgroup only. */
  readonly sharesPids: boolean;
  /** Pid of init, 0 before it exists. */
  readonly pid: number;
  /** Start time of pid in clock ticks (proc_pid_stat(5), field 22), against pid reuse. */
  readonly startTime: number;
}

export const containerRecordKind = "container";

/** Whether a stored value has the shape of a ContainerRecord; anything else is quarantined. */
export function isContainerRecord(value: unknown): value is ContainerRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Partial<ContainerRecord>;
  return (
    record.version === 1 &&
    typeof record.id === "string" &&
    typeof record.name === "string" &&
    typeof record.podId === "string" &&
    typeof record.state === "string" &&
    Object.hasOwn(containerLifecycle.states, record.state) &&
    typeof record.config?.metadata?.name === "string" &&
    typeof record.createdAtNs === "string" &&
    Array.isArray(record.cgroupPaths) &&
    typeof record.logPath === "string"
  );
}

const criStates = {
  creating: "CONTAINER_UNKNOWN",
  created: "CONTAINER_CREATED",
  starting: "CONTAINER_CREATED",
  running: "CONTAINER_RUNNING",
  exited: "CONTAINER_EXITED",
  unknown: "CONTAINER_UNKNOWN",
  removing: "CONTAINER_EXITED",
} as const satisfies Record<ContainerState, cri.ContainerState>;

/** The state as CRI knows it. */
export function criContainerState(state: ContainerState): cri.ContainerState {
  return criStates[state];
}

/** Attributes by which a span is known to concern this container. */
export function containerAttributesOf(record: ContainerRecord): Readonly<Record<string, string>> {
  return {
    [attribute.containerId]: record.id,
    [attribute.containerName]: record.config.metadata?.name ?? "",
  };
}
