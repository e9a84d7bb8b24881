/** ListPodSandbox: pods as the records say, filtered. A pod still in the making is not one yet. */
import type { ListPodSandboxRequest, ListPodSandboxResponse, PodSandbox } from "../../api/index.ts";
import type { EngineParts } from "../engine-parts.ts";
import { matchesLabels } from "../label-selector.ts";
import { criPodState, type PodRecord } from "./pod-record.ts";

export function listPodSandbox(
  parts: EngineParts,
  request: ListPodSandboxRequest,
): ListPodSandboxResponse {
  const filter = request.filter;
  const items = parts.pods
    .all()
    .filter(
      (record) =>
        record.state !== "creating" &&
        (filter === undefined ||
          (record.id.startsWith(filter.id) &&
            (filter.state === undefined || filter.state.state === criPodState(record.state)) &&
            matchesLabels(record.config.labels, filter.labelSelector))),
    )
    .map(podSandboxOf);
  return { items };
}

function podSandboxOf(record: PodRecord): PodSandbox {
  return {
    id: record.id,
    metadata: record.config.metadata,
    state: criPodState(record.state),
    createdAt: Number(record.createdAtNs),
    labels: record.config.labels,
    annotations: record.config.annotations,
    runtimeHandler: record.runtimeHandler,
  };
}
