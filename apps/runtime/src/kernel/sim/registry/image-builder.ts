/** Images from descriptions: layers of entries, a configuration, a manifest; digests are of their true bytes. */
import type { Descriptor } from "../../world.ts";
import { executableContent } from "../program/program.ts";
import { sharedDigest } from "./shared-content.ts";
import { type TarType, writeTar } from "./tar.ts";

export const mediaType = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

/** One entry of a layer. Without anything but a path: an empty file, or a directory when the path ends in "/". */
export interface LayerEntry {
  readonly path: string;
  readonly type?: TarType;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly content?: Uint8Array | string;
  /** An executable that runs this program of the machine. */
  readonly program?: string;
  /** Of a link. */
  readonly target?: string;
  readonly major?: number;
  readonly minor?: number;
}

/** config.config of the OCI image specification. */
export interface RunConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly StopSignal?: string;
  readonly Volumes?: Readonly<Record<string, object>>;
}

export interface Blob {
  readonly bytes: Uint8Array;
  readonly descriptor: Descriptor;
}

export interface BuiltImage {
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layers: readonly Blob[];
}

const encoder = new TextEncoder();
const nothing = new Uint8Array(0);
/** When the files were made: 2026-01-01, as the machine's birth. */
const madeAt = 1_767_225_600;
const createdAt = "2026-01-01T00:00:00Z";

export function blobOf(bytes: Uint8Array, type: string): Blob {
  const digest = sharedDigest(bytes);
  return { bytes, descriptor: { mediaType: type, digest, size: bytes.length } };
}

export function jsonBlob(value: unknown, type: string): Blob {
  return blobOf(encoder.encode(JSON.stringify(value)), type);
}

function contentOf(entry: LayerEntry): Uint8Array {
  if (entry.program !== undefined) return executableContent(entry.program);
  const { content } = entry;
  return typeof content === "string" ? encoder.encode(content) : (content ?? nothing);
}

const usualModes: Readonly<Partial<Record<TarType, number>>> = {
  directory: 0o755,
  symlink: 0o777,
};

/** A layer of these entries. */
export function buildLayer(entries: readonly LayerEntry[]): Blob {
  const archive = writeTar(
    entries.map((entry) => {
      const isDirectory = entry.path.endsWith("/");
      const type = entry.type ?? (isDirectory ? "directory" : "file");
      const usual = entry.program === undefined ? (usualModes[type] ?? 0o644) : 0o755;
      return {
        name: entry.path,
        type,
        mode: entry.mode ?? usual,
        uid: entry.uid ?? 0,
        gid: entry.gid ?? 0,
        mtime: madeAt,
        link: entry.target ?? "",
        content: contentOf(entry),
        major: entry.major ?? 0,
        minor: entry.minor ?? 0,
      };
    }),
  );
  return blobOf(archive, mediaType.layer);
}

/** An image for `architecture` of layers that may be other images' too. */
export function buildImage(
  layers: readonly Blob[],
  config: RunConfig,
  architecture: string,
): BuiltImage {
  const configBlob = jsonBlob(
    {
      created: createdAt,
      architecture,
      os: "linux",
      config,
      rootfs: { type: "layers", diff_ids: layers.map(({ descriptor }) => descriptor.digest) },
    },
    mediaType.config,
  );
  const manifest = jsonBlob(
    {
      schemaVersion: 2,
      mediaType: mediaType.manifest,
      config: configBlob.descriptor,
      layers: layers.map(({ descriptor }) => descriptor),
    },
    mediaType.manifest,
  );
  return { manifest, config: configBlob, layers };
}

/** An index of one image for each architecture. */
export function buildIndex(images: readonly (readonly [architecture: string, BuiltImage])[]): Blob {
  const manifests = images.map(([architecture, { manifest }]) => ({
    ...manifest.descriptor,
    platform: { architecture, os: "linux" },
  }));
  return jsonBlob({ schemaVersion: 2, mediaType: mediaType.index, manifests }, mediaType.index);
}

/** Bytes that stand for a library or a picture: never the same pattern twice, the same for the same name. */
export function filler(name: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 2166136261;
  for (const byte of encoder.encode(name)) state = Math.imul(state ^ byte, 16777619);
  for (let index = 0; index < length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 255;
  }
  return bytes;
}
