/**
 * Manifests and indexes, checked: they come from a registry or an archive and decide what is downloaded.
 * What a document is follows from its own content; one that could be read two ways is refused, whatever
 * Content-Type it came with (CVE-2021-41190).
 */
import { RuntimeError } from "../kernel/errors.ts";
import type { Descriptor } from "../kernel/world.ts";
import { hexOf } from "./digest.ts";
import { isLayerType, mediaType } from "./media-type.ts";

/** Bytes of a manifest or index; containerd's limit is about the same. */
export const manifestBytesMax = 4 * 1024 * 1024;
/** Bytes of an image configuration. */
export const configBytesMax = 4 * 1024 * 1024;
const layersMax = 127;
const manifestsMax = 1000;

export type ManifestDocument =
  | { readonly kind: "index"; readonly manifests: readonly Descriptor[] }
  | {
      readonly kind: "image";
      readonly config: Descriptor;
      readonly layers: readonly Descriptor[];
    };

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

function broken(why: string): RuntimeError {
  return new RuntimeError("FAILED_PRECONDITION", `the manifest is malformed: ${why}`);
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function readPlatform(value: unknown): Descriptor["platform"] {
  if (!isObject(value)) return undefined;
  const variant = textOf(value["variant"]);
  return {
    architecture: textOf(value["architecture"]),
    os: textOf(value["os"]),
    ...(variant === "" ? {} : { variant }),
  };
}

/** `urls` of a descriptor are ignored: they send clients elsewhere (CVE-2020-15157). */
function readDescriptor(value: unknown, what: string): Descriptor {
  if (!isObject(value)) throw broken(`${what} is no descriptor`);
  const { digest, size, annotations } = value;
  hexOf(digest);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw broken(`${what} has no valid size`);
  }
  const platform = readPlatform(value["platform"]);
  const texts = isObject(annotations)
    ? Object.entries(annotations).filter(
        (pair): pair is [string, string] => typeof pair[1] === "string",
      )
    : [];
  return {
    mediaType: textOf(value["mediaType"]),
    digest: digest as string,
    size,
    ...(texts.length === 0 ? {} : { annotations: Object.fromEntries(texts) }),
    ...(platform === undefined ? {} : { platform }),
  };
}

function readList(value: unknown, what: string, max: number): readonly Descriptor[] {
  if (!Array.isArray(value)) throw broken(`${what} is no list`);
  if (value.length > max) throw broken(`it has more than ${max} ${what}`);
  return value.map((item, index) => readDescriptor(item, `${what}[${index}]`));
}

function readImage(document: JsonObject): ManifestDocument {
  const config = readDescriptor(document["config"], "config");
  const layers = readList(document["layers"], "layers", layersMax);
  const known: readonly string[] = [mediaType.ociConfig, mediaType.dockerConfig];
  if (!known.includes(config.mediaType)) {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      `the reference names an artifact of type ${JSON.stringify(config.mediaType.slice(0, 100))}, not a container image`,
    );
  }
  const odd = layers.find((layer) => !isLayerType(layer.mediaType));
  if (odd !== undefined)
    throw broken(`layer type ${JSON.stringify(odd.mediaType.slice(0, 100))} is unknown`);
  if (config.size > configBytesMax) throw broken("the configuration is too large");
  return { kind: "image", config, layers };
}

/**
 * Reads a manifest or an index.
 * @param declared media type of the response or descriptor; "" when there is none
 * @throws RuntimeError FAILED_PRECONDITION
 */
export function readManifest(bytes: Uint8Array, declared: string): ManifestDocument {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new RuntimeError("FAILED_PRECONDITION", "the manifest is no JSON", { cause: error });
  }
  if (!isObject(document)) throw broken("it is no object");
  if (document["schemaVersion"] !== 2 && document["schemaVersion"] !== undefined) {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      "the manifest has schema version 1, which is no longer supported; push the image again",
    );
  }
  const isIndex = "manifests" in document;
  const isImage = "layers" in document || "config" in document;
  if (isIndex && isImage) throw broken("it is an index and an image at once");
  if ("fsLayers" in document) throw broken("it is of Docker's schema 1");
  if (!isIndex && !isImage) throw broken("it is neither an index nor an image");
  const indexTypes: readonly string[] = [mediaType.ociIndex, mediaType.dockerIndex];
  const imageTypes: readonly string[] = [mediaType.ociManifest, mediaType.dockerManifest];
  for (const type of [textOf(document["mediaType"]), declared]) {
    const other = isIndex ? imageTypes : indexTypes;
    if (other.includes(type)) throw broken(`it is called ${type} and is not`);
  }
  if (!isIndex) return readImage(document);
  return { kind: "index", manifests: readList(document["manifests"], "manifests", manifestsMax) };
}

/** Variant that counts as none: arm64 is v8. */
function variantOf(platform: Descriptor["platform"]): string {
  const variant = platform?.variant ?? "";
  return platform?.architecture === "arm64" && variant === "v8" ? "" : variant;
}

/**
 * The entry of an index for this machine; plain variants before special ones. An index of one entry that
 * says nothing of platforms is taken at its word.
 * @throws RuntimeError NOT_FOUND that names what there is
 */
export function choosePlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const fitting = manifests
    .filter(
      ({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture,
    )
    .sort((a, b) => variantOf(a.platform).localeCompare(variantOf(b.platform)));
  const [only] = manifests;
  const chosen =
    fitting[0] ?? (manifests.length === 1 && only?.platform === undefined ? only : undefined);
  if (chosen !== undefined) return chosen;
  const offered = manifests.map(
    ({ platform }) => `${platform?.os || "?"}/${platform?.architecture || "?"}`,
  );
  throw new RuntimeError(
    "NOT_FOUND",
    `the image is not made for ${wanted.os}/${wanted.architecture}, only for ${[...new Set(offered)].slice(0, 20).join(", ") || "nothing"}`,
  );
}
