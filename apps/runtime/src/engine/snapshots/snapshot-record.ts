/** Records of unpacked layers and of the writable snapshots on top of them. */
import type { StoredRecord } from "../record-store.ts";

/** An unpacked layer; its id is its chain id. Record first, directory second, `committed` last. */
export interface LayerRecord extends StoredRecord {
  /** Names the directory `snapshots/<number>`. */
  readonly number: number;
  /** Chain id of the layer below; empty for the lowest. */
  readonly parent: string;
  readonly diffId: string;
  readonly committed: boolean;
  readonly bytes: number;
  readonly inodes: number;
}

/** The root file system of a container or of a pause container; its id is theirs. */
export interface SnapshotRecord extends StoredRecord {
  readonly number: number;
  /** Chain id of the image; empty for an image without layers. */
  readonly chainId: string;
  readonly readonly: boolean;
}

function hasShape(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Record<string, unknown>;
  return (
    record["version"] === 1 &&
    typeof record["id"] === "string" &&
    record["name"] === record["id"] &&
    Number.isSafeInteger(record["number"])
  );
}

export function isLayerRecord(value: unknown): value is LayerRecord {
  return (
    hasShape(value) &&
    typeof value["parent"] === "string" &&
    typeof value["diffId"] === "string" &&
    typeof value["committed"] === "boolean"
  );
}

export function isSnapshotRecord(value: unknown): value is SnapshotRecord {
  return (
    hasShape(value) &&
    typeof value["chainId"] === "string" &&
    typeof value["readonly"] === "boolean"
  );
}
