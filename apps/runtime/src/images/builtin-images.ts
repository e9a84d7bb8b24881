/**
 * The images that come with the program: `vitrine.local/pause:1`, what a pod's namespaces hang on, and
 * `vitrine.local/demo:1`, what the first pod runs. Made here from two static binaries, the same bytes
 * every time, so a pod runs on a machine that has no registry and no network.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LoadedImage } from "../kernel/world.ts";
import type { BlobStore } from "./blob-store.ts";
import { digestOf } from "./digest.ts";
import type { Platform } from "./manifest.ts";
import { mediaType } from "./media-type.ts";
import { type TarFile, writeTar } from "./tar-writer.ts";

interface BuiltinImage {
  readonly reference: string;
  /** Binary in the directory of the native build, and where it lies in the image. */
  readonly program: string;
  readonly path: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: readonly TarFile[];
}

function directory(name: string, mode = 0o755): TarFile {
  return { name, type: "directory", mode };
}

/** Mount points that every container gets, so that a read-only root needs none made. */
const mountPoints: readonly TarFile[] = [
  directory("dev"),
  directory("etc"),
  { name: "etc/hostname" },
  { name: "etc/hosts" },
  { name: "etc/resolv.conf" },
  directory("proc"),
  directory("sys"),
  directory("tmp", 0o1777),
];

const builtinImages: readonly BuiltinImage[] = [
  {
    reference: "vitrine.local/pause:1",
    program: "vitrine-pause",
    path: "pause",
    config: { User: "65535:65535", Entrypoint: ["/pause"], WorkingDir: "/" },
    files: mountPoints,
  },
  {
    reference: "vitrine.local/demo:1",
    program: "vitrine-demo",
    path: "demo",
    config: { Entrypoint: ["/demo"], Cmd: ["sleep"], WorkingDir: "/", Env: ["PATH=/"] },
    files: [
      ...mountPoints,
      {
        name: "etc/passwd",
        data: Buffer.from("root:x:0:0:root:/:/demo\nnobody:x:65534:65534::/:/demo\n"),
      },
      { name: "etc/group", data: Buffer.from("root:x:0:\nnogroup:x:65534:\n") },
    ],
  },
];

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

async function bringIn(
  store: BlobStore,
  image: BuiltinImage,
  programs: string,
  platform: Platform,
): Promise<LoadedImage> {
  const program = await readFile(join(programs, image.program));
  const layer = writeTar([...image.files, { name: image.path, mode: 0o755, data: program }]);
  const config = json({
    created: "1970-01-01T00:00:00Z",
    architecture: platform.architecture,
    os: platform.os,
    config: image.config,
    rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
  });
  const configDescriptor = {
    mediaType: mediaType.ociConfig,
    digest: await store.put(config),
    size: config.length,
  };
  const layerDescriptor = {
    mediaType: mediaType.ociLayer,
    digest: await store.put(layer),
    size: layer.length,
  };
  const manifest = json({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    config: configDescriptor,
    layers: [layerDescriptor],
  });
  const digest = await store.put(manifest);
  return {
    references: [image.reference],
    image: {
      targetDigest: digest,
      manifest: { mediaType: mediaType.ociManifest, digest, size: manifest.length },
      config: configDescriptor,
      layers: [layerDescriptor],
      sizeBytes: manifest.length + config.length + layer.length,
    },
  };
}

/** Stores the images, unless they are there already; `programs` is the directory of the native build. */
export function loadBuiltinImages(
  store: BlobStore,
  programs: string,
  platform: Platform,
): Promise<readonly LoadedImage[]> {
  return Promise.all(builtinImages.map((image) => bringIn(store, image, programs, platform)));
}
