/** ContainerStatus: one container, every field; the verbose form adds pid, OCI spec and Plan. */
import type {
  ContainerConfig,
  ContainerStatus,
  ContainerStatusRequest,
  ContainerStatusResponse,
} from "../../api/index.ts";
import type { EngineParts } from "../engine-parts.ts";
import { containerPathsOf } from "../paths.ts";
import { compiledOf } from "./compiled-container.ts";
import { type ContainerRecord, criContainerState } from "./container-record.ts";

/** @throws RuntimeError NOT_FOUND when there is no such container. */
export function containerStatus(
  parts: EngineParts,
  request: ContainerStatusRequest,
): ContainerStatusResponse {
  const record = parts.containers.need(request.containerId);
  return {
    status: containerStatusOf(record),
    info: request.verbose ? containerInfoOf(parts, record) : {},
  };
}

/** The status of a record as CRI spells it. */
export function containerStatusOf(record: ContainerRecord): ContainerStatus {
  return {
    id: record.id,
    metadata: record.config.metadata,
    state: criContainerState(record.state),
    createdAt: Number(record.createdAtNs),
    startedAt: Number(record.startedAtNs),
    finishedAt: Number(record.end?.finishedAtNs ?? 0),
    exitCode: record.end?.exitCode ?? 0,
    image: record.config.image,
    imageRef: record.imageId,
    reason: record.end?.reason ?? "",
    message: record.end?.message ?? "",
    labels: record.config.labels,
    annotations: record.config.annotations,
    mounts: record.config.mounts,
    logPath: record.logPath,
    resources: record.resources === undefined ? undefined : { linux: record.resources },
    imageId: record.imageId,
    user: record.user === undefined ? undefined : { linux: record.user },
    stopSignal: record.stopSignal.cri,
  };
}

function containerInfoOf(
  parts: EngineParts,
  record: ContainerRecord,
): Readonly<Record<string, string>> {
  const compiled = compiledOf(parts, record.id);
  return {
    info: JSON.stringify({
      state: record.state,
      sandboxID: record.podId,
      pid: record.pid,
      rootfs: containerPathsOf(parts.options, record.id).rootfs,
      cgroupPaths: record.cgroupPaths,
      config: readableConfig(record.config),
      warnings: compiled?.warnings ?? [],
      runtimeSpec: compiled?.spec,
    }),
    ...(compiled === undefined ? {} : { plan: compiled.planText }),
  };
}

/** Environment values are bytes in CRI; people want to read them. */
function readableConfig(config: ContainerConfig): object {
  const decoder = new TextDecoder();
  const envs = config.envs.map(({ key, value }) => ({ key, value: decoder.decode(value) }));
  return { ...config, envs };
}
