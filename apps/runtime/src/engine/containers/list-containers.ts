/** ListContainers: containers as the records say, filtered. A container still in the making is not one yet. */
import type { Container, ListContainersRequest, ListContainersResponse } from "../../api/index.ts";
import type { EngineParts } from "../engine-parts.ts";
import { matchesLabels } from "../label-selector.ts";
import { type ContainerRecord, criContainerState } from "./container-record.ts";

export function listContainers(
  parts: EngineParts,
  request: ListContainersRequest,
): ListContainersResponse {
  const filter = request.filter;
  const containers = parts.containers
    .all()
    .filter(
      (record) =>
        record.state !== "creating" &&
        (filter === undefined ||
          (record.id.startsWith(filter.id) &&
            record.podId.startsWith(filter.podSandboxId) &&
            (filter.state === undefined ||
              filter.state.state === criContainerState(record.state)) &&
            matchesLabels(record.config.labels, filter.labelSelector))),
    )
    .map(containerOf);
  return { containers };
}

function containerOf(record: ContainerRecord): Container {
  return {
    id: record.id,
    podSandboxId: record.podId,
    metadata: record.config.metadata,
    image: record.config.image,
    imageRef: record.imageId,
    state: criContainerState(record.state),
    createdAt: Number(record.createdAtNs),
    labels: record.config.labels,
    annotations: record.config.annotations,
    imageId: record.imageId,
  };
}
