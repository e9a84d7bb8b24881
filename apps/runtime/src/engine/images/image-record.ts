/** What the engine keeps of an image. Its id is the digest of its configuration, as the CRI wants it. */
import type { Image } from "../../api/index.ts";
import type { Descriptor } from "../../kernel/world.ts";
import type { ImageConfig } from "../../oci/image-config.ts";
import type { StoredRecord } from "../record-store.ts";

export interface ImageLayer {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed layer. */
  readonly diffId: string;
  /** Name of this layer together with all below it. */
  readonly chainId: string;
}

export interface ImageRecord extends StoredRecord {
  /** Digest of the configuration blob; the CRI's Image.id, image_ref and image_id. */
  readonly id: string;
  /** Full references with a tag, sorted. */
  readonly repoTags: readonly string[];
  /** Full references with the digest that was pulled, sorted. */
  readonly repoDigests: readonly string[];
  /** Every blob that belongs to it: indexes, manifests, configuration, layers. */
  readonly blobs: readonly string[];
  readonly sizeBytes: number;
  readonly config: ImageConfig;
  /** Lowest first; none for an empty image. */
  readonly layers: readonly ImageLayer[];
  /** Chain id of the top layer; empty when there are no layers. */
  readonly chainId: string;
  /** Unix nanoseconds as a decimal string: records are JSON. */
  readonly pulledAtNs: string;
}

export function isImageRecord(value: unknown): value is ImageRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Partial<Record<keyof ImageRecord, unknown>>;
  return (
    record.version === 1 &&
    typeof record.id === "string" &&
    record.name === record.id &&
    Array.isArray(record.repoTags) &&
    Array.isArray(record.repoDigests) &&
    Array.isArray(record.blobs) &&
    Array.isArray(record.layers) &&
    typeof record.config === "object" &&
    record.config !== null &&
    typeof record.chainId === "string" &&
    typeof record.sizeBytes === "number"
  );
}

/** uid or username of the image's user, as Image has them: the part before ":", numeric or not. */
function userFields(user: string): Pick<Image, "uid" | "username"> {
  const name = user.split(":")[0] ?? "";
  const uid = Number(name);
  if (!/^[0-9]+$/.test(name) || !Number.isSafeInteger(uid)) return { username: name };
  return { uid: { value: uid }, username: "" };
}

/** The CRI's view of an image. */
export function toCriImage(record: ImageRecord, pinned: boolean): Image {
  return {
    id: record.id,
    repoTags: record.repoTags,
    repoDigests: record.repoDigests,
    size: record.sizeBytes,
    ...userFields(record.config.User ?? ""),
    pinned,
  };
}
