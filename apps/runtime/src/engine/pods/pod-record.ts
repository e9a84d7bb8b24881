/** What is durable of a pod sandbox. Everything else of it is found by its id. */
import type { PodSandboxConfig, PodSandboxState } from "../../api/index.ts";
import { attribute } from "../../trace/attribute.ts";
import type { PodName } from "../identifiers.ts";
import type { StoredRecord } from "../record-store.ts";
import { type PodState, podLifecycle } from "./pod-lifecycle.ts";

export interface PodRecord extends StoredRecord {
  readonly state: PodState;
  /** As the client sent it; labels and annotations go back byte for byte. */
  readonly config: PodSandboxConfig;
  /** The handler the client named; empty for the default one. */
  readonly runtimeHandler: string;
  /** Unix nanoseconds, decimal. */
  readonly createdAtNs: string;
  /** Boot in which it was made: after another one, nothing of the kernel's is left of it. */
  readonly bootId: string;
  /** Path of the pod's cgroup inside each hierarchy. */
  readonly cgroupParent: string;
  /** Directories of that path that we made ourselves and remove again, deepest last. */
  readonly cgroupMade: readonly string[];
  /** Where its network namespace is bound; empty on the host's network. */
  readonly netns: string;
  /** Addresses, the first is the pod IP; empty before CNI ADD has succeeded. */
  readonly ips: readonly string[];
  /** Id of the pause image. */
  readonly pauseImageId: string;
  /** Pid of the pause process, 0 before it runs. */
  readonly pid: number;
  /** Start time of pid in clock ticks (proc_pid_stat(5), field 22), against pid reuse. */
  readonly startTime: number;
}

export const podRecordKind = "pod";

/** Whether a stored value has the shape of a PodRecord; anything else is quarantined. */
export function isPodRecord(value: unknown): value is PodRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Partial<PodRecord>;
  return (
    record.version === 1 &&
    typeof record.id === "string" &&
    typeof record.name === "string" &&
    typeof record.state === "string" &&
    Object.hasOwn(podLifecycle.states, record.state) &&
    typeof record.config?.metadata?.name === "string" &&
    typeof record.createdAtNs === "string" &&
    typeof record.cgroupParent === "string" &&
    Array.isArray(record.cgroupMade) &&
    Array.isArray(record.ips) &&
    typeof record.netns === "string"
  );
}

/** READY or NOTREADY, all that CRI knows. */
export function criPodState(state: PodState): PodSandboxState {
  return state === "ready" ? "SANDBOX_READY" : "SANDBOX_NOTREADY";
}

/** The metadata of a record; RunPodSandbox has checked that it is there. */
export function podMetadataOf(record: PodRecord): PodName {
  return record.config.metadata ?? { name: "", namespace: "", uid: "", attempt: 0 };
}

/** Attributes by which a span is known to concern this pod. */
export function podAttributesOf(
  record: Pick<PodRecord, "id" | "config">,
): Readonly<Record<string, string>> {
  return {
    [attribute.sandboxId]: record.id,
    [attribute.podName]: record.config.metadata?.name ?? "",
    [attribute.podNamespace]: record.config.metadata?.namespace ?? "",
    [attribute.podUid]: record.config.metadata?.uid ?? "",
  };
}

/** Whether the pod lives in the network namespace of the host. */
export function usesHostNetwork(config: PodSandboxConfig): boolean {
  return config.linux?.securityContext?.namespaceOptions?.network === "NODE";
}

/** Whether the pod lives in the IPC namespace of the host, /dev/shm included. */
export function usesHostIpc(config: PodSandboxConfig): boolean {
  return config.linux?.securityContext?.namespaceOptions?.ipc === "NODE";
}
