/** PodSandboxStatus: one pod with its addresses and namespaces; the verbose form says where things lie. */
import type {
  NamespaceOption,
  PodSandboxStatus,
  PodSandboxStatusRequest,
  PodSandboxStatusResponse,
} from "../../api/index.ts";
import { containerStatusOf } from "../containers/container-status.ts";
import type { EngineParts } from "../engine-parts.ts";
import { podPathsOf } from "../paths.ts";
import { criPodState, type PodRecord } from "./pod-record.ts";

/** @throws RuntimeError NOT_FOUND when there is no such pod. */
export function podSandboxStatus(
  parts: EngineParts,
  request: PodSandboxStatusRequest,
): PodSandboxStatusResponse {
  const record = parts.pods.need(request.podSandboxId);
  return {
    status: podStatusOf(record),
    info: request.verbose ? podInfoOf(parts, record) : {},
    containersStatuses: parts.containers
      .all()
      .filter(({ podId, state }) => podId === record.id && state !== "creating")
      .map(containerStatusOf),
    timestamp: Number(parts.world.clock.nowNs()),
  };
}

/** The status of a record as CRI spells it. */
export function podStatusOf(record: PodRecord): PodSandboxStatus {
  return {
    id: record.id,
    metadata: record.config.metadata,
    state: criPodState(record.state),
    createdAt: Number(record.createdAtNs),
    network: {
      ip: record.ips[0] ?? "",
      additionalIps: record.ips.slice(1).map((ip) => ({ ip })),
    },
    linux: { namespaces: { options: namespaceOptionsOf(record) } },
    labels: record.config.labels,
    annotations: record.config.annotations,
    runtimeHandler: record.runtimeHandler,
  };
}

/** The pod's namespace modes; what is left out is POD. */
export function namespaceOptionsOf(record: Pick<PodRecord, "config">): NamespaceOption {
  return (
    record.config.linux?.securityContext?.namespaceOptions ?? {
      network: "POD",
      pid: "POD",
      ipc: "POD",
      targetId: "",
    }
  );
}

function podInfoOf(parts: EngineParts, record: PodRecord): Readonly<Record<string, string>> {
  const paths = podPathsOf(parts.options, record.id);
  return {
    info: JSON.stringify({
      state: record.state,
      pid: record.pid,
      netns: record.netns,
      cgroupParent: record.cgroupParent,
      shimDirectory: paths.shimDirectory,
      directory: paths.directory,
      image: parts.options.sandboxImage,
      imageId: record.pauseImageId,
      runtimeHandler: record.runtimeHandler,
      config: record.config,
    }),
  };
}
