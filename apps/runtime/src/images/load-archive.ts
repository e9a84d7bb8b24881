/**
 * Images from files: a docker-archive (what `docker save` writes), an OCI layout as a tar, an OCI layout
 * as a directory. A tar is read once, front to back, whatever the order of its members: every file goes
 * into the blob store under its own digest, and the documents say afterwards which of them are images.
 * What no image needs is collected later like any other blob.
 */
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { RuntimeError } from "../kernel/errors.ts";
import type { Descriptor, FetchedImage, LoadedImage } from "../kernel/world.ts";
import type { Context } from "../trace/tracer.ts";
import type { BlobStore, Ingest } from "./blob-store.ts";
import { compressionOf, decompress } from "./decompress.ts";
import { hexOf } from "./digest.ts";
import { cleanName } from "./layer-record.ts";
import {
  choosePlatform,
  configBytesMax,
  manifestBytesMax,
  type Platform,
  readManifest,
} from "./manifest.ts";
import { mediaType } from "./media-type.ts";
import { storageError } from "./storage-error.ts";
import { TarReader } from "./tar-reader.ts";

/** Indexes inside indexes; one is usual. */
const indexDepthMax = 4;
const imagesMax = 1000;

/** Files of the archive by name, each in the blob store. */
type Members = Map<string, { readonly digest: string; readonly size: number }>;

function invalid(why: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", `no image archive: ${why}`);
}

/** A link of the archive names another member; older docker-archives share layers this way. */
function targetOf(name: string, link: string, symlink: boolean): string {
  const above = name.slice(0, name.lastIndexOf("/") + 1);
  return cleanName(symlink && !link.startsWith("/") ? `${above}${link}` : link);
}

async function readTarMembers(
  store: BlobStore,
  path: string,
  signal?: AbortSignal,
): Promise<Members> {
  const members: Members = new Map();
  const links = new Map<string, string>();
  const reader = new TarReader({ entriesMax: 100_000, headerBytesMax: 1 << 20 });
  let open: { readonly name: string; readonly size: number; readonly ingest: Ingest } | undefined;
  const close = async () => {
    const done = open;
    open = undefined;
    if (done === undefined) return;
    members.set(done.name, { digest: await done.ingest.commit(), size: done.size });
  };
  try {
    for await (const chunk of decompress(path, await compressionOf(path), signal)) {
      signal?.throwIfAborted();
      for (const event of reader.push(chunk)) {
        if (event.kind === "data") {
          await open?.ingest.write(event.bytes);
          continue;
        }
        await close();
        const { type, name, link, size } = event.entry;
        const clean = cleanName(name);
        if (type === "file") open = { name: clean, size, ingest: await store.begin() };
        if (type === "symlink" || type === "hardlink") {
          links.set(clean, targetOf(clean, link, type === "symlink"));
        }
      }
    }
    reader.finish();
    await close();
  } catch (error) {
    await open?.ingest.discard();
    throw error;
  }
  for (const [name, target] of links) {
    const member = members.get(target);
    if (member !== undefined) members.set(name, member);
  }
  return members;
}

/** Copies the blobs of a layout directory; each is checked against its name. */
async function readDirectoryMembers(store: BlobStore, path: string): Promise<Members> {
  const members: Members = new Map();
  for (const name of ["index.json", "oci-layout"]) {
    const { size } = await stat(join(path, name));
    if (size > manifestBytesMax) throw invalid(`${name} is too large`);
    members.set(name, { digest: await store.put(await readFile(join(path, name))), size });
  }
  for (const hex of await readdir(join(path, "blobs", "sha256"))) {
    if (!/^[a-f0-9]{64}$/.test(hex)) continue;
    const digest = `sha256:${hex}`;
    const source = join(path, "blobs", "sha256", hex);
    const { size } = await stat(source);
    if ((await store.size(digest)) !== size) await copyBlob(store, source, digest);
    members.set(`blobs/sha256/${hex}`, { digest, size });
  }
  return members;
}

async function copyBlob(store: BlobStore, source: string, digest: string): Promise<void> {
  const ingest = await store.begin();
  try {
    for await (const chunk of createReadStream(source)) await ingest.write(chunk as Buffer);
  } catch (error) {
    await ingest.discard();
    throw error;
  }
  await ingest.commit(digest);
}

async function readJsonMember(store: BlobStore, members: Members, name: string): Promise<unknown> {
  const member = members.get(name);
  if (member === undefined) throw invalid(`${name} is missing`);
  try {
    return JSON.parse((await store.read(member.digest, manifestBytesMax)).toString("utf8"));
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw invalid(`${name} is no JSON`);
  }
}

/** Follows indexes down to the image for this platform, every blob of which must be there. */
async function toImage(
  store: BlobStore,
  target: Descriptor,
  platform: Platform,
): Promise<FetchedImage> {
  let descriptor = target;
  for (let depth = 0; depth <= indexDepthMax; depth++) {
    const bytes = await store.read(descriptor.digest, manifestBytesMax);
    const document = readManifest(bytes, descriptor.mediaType);
    if (document.kind === "index") {
      descriptor = choosePlatform(document.manifests, platform);
      continue;
    }
    const { config, layers } = document;
    for (const blob of [config, ...layers]) {
      if ((await store.size(blob.digest)) !== blob.size) {
        throw invalid(`blob ${blob.digest} is missing or has another size`);
      }
    }
    const manifest = { ...descriptor, size: bytes.length };
    const sizeBytes = [manifest, config, ...layers].reduce((sum, { size }) => sum + size, 0);
    return { targetDigest: target.digest, manifest, config, layers, sizeBytes };
  }
  throw invalid(`indexes are nested deeper than ${indexDepthMax}`);
}

/** A name worth keeping: a whole reference, not a bare tag as some tools write. */
function namesOf(descriptor: Descriptor): readonly string[] {
  const { annotations = {} } = descriptor;
  const full = annotations["io.containerd.image.name"];
  if (full !== undefined) return [full];
  const short = annotations["org.opencontainers.image.ref.name"] ?? "";
  return /[/:]/.test(short) ? [short] : [];
}

async function loadLayout(
  store: BlobStore,
  members: Members,
  platform: Platform,
): Promise<readonly LoadedImage[]> {
  const index = members.get("index.json");
  const bytes = await store.read(index?.digest ?? "", manifestBytesMax);
  const document = readManifest(bytes, "");
  if (document.kind !== "index") throw invalid("index.json is no index");
  const images: LoadedImage[] = [];
  for (const target of document.manifests.slice(0, imagesMax)) {
    const image = await toImage(store, target, platform);
    images.push({ references: namesOf(target), image });
  }
  return images;
}

interface DockerImage {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers: readonly string[];
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isDockerImage(value: unknown): value is DockerImage {
  if (typeof value !== "object" || value === null) return false;
  const { Config, RepoTags, Layers } = value as Record<string, unknown>;
  const tags = RepoTags === undefined || RepoTags === null || isTexts(RepoTags);
  return typeof Config === "string" && isTexts(Layers) && tags;
}

const layerTypes = {
  none: mediaType.ociLayer,
  gzip: mediaType.ociLayerGzip,
  zstd: mediaType.ociLayerZstd,
} as const;

/** A docker-archive has no manifest with digests; one is made for it. */
async function loadDocker(
  store: BlobStore,
  members: Members,
  images: readonly DockerImage[],
): Promise<readonly LoadedImage[]> {
  const descriptorOf = async (name: string, type?: string): Promise<Descriptor> => {
    const member = members.get(cleanName(name));
    if (member === undefined) throw invalid(`${JSON.stringify(name)} is missing`);
    const found = type ?? layerTypes[await compressionOf(store.path(member.digest))];
    return { mediaType: found, ...member };
  };
  const loaded: LoadedImage[] = [];
  for (const { Config, RepoTags, Layers } of images) {
    const config = await descriptorOf(Config, mediaType.ociConfig);
    if (config.size > configBytesMax) throw invalid("a configuration is too large");
    const layers: Descriptor[] = [];
    for (const name of Layers) layers.push(await descriptorOf(name));
    const document = { schemaVersion: 2, mediaType: mediaType.ociManifest, config, layers };
    const bytes = Buffer.from(JSON.stringify(document));
    readManifest(bytes, mediaType.ociManifest);
    const digest = await store.put(bytes);
    const manifest = { mediaType: mediaType.ociManifest, digest, size: bytes.length };
    const sizeBytes = [manifest, config, ...layers].reduce((sum, { size }) => sum + size, 0);
    const image = { targetDigest: digest, manifest, config, layers, sizeBytes };
    loaded.push({ references: RepoTags ?? [], image });
  }
  return loaded;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    throw invalid(`${path} cannot be read`);
  }
}

/**
 * Brings the images of an archive into the store.
 * @throws RuntimeError INVALID_ARGUMENT when it is no image archive, DATA_LOSS when a blob is not what its name says
 */
export async function loadArchive(
  context: Context,
  store: BlobStore,
  path: string,
  platform: Platform,
): Promise<readonly LoadedImage[]> {
  if (!path.startsWith("/"))
    throw new RuntimeError("INVALID_ARGUMENT", "the path must be absolute");
  try {
    const members = (await isDirectory(path))
      ? await readDirectoryMembers(store, path)
      : await readTarMembers(store, path, context.signal);
    for (const [name, { digest }] of members) {
      const hex = /^blobs\/sha256\/([^/]+)$/.exec(name)?.[1];
      if (hex === undefined || hex === hexOf(digest)) continue;
      throw new RuntimeError("DATA_LOSS", `member ${name} has the digest ${digest}`);
    }
    if (members.has("index.json") && members.has("oci-layout")) {
      return await loadLayout(store, members, platform);
    }
    const images = await readJsonMember(store, members, "manifest.json");
    if (!Array.isArray(images) || images.length > imagesMax || !images.every(isDockerImage)) {
      throw invalid("manifest.json lists no images");
    }
    return await loadDocker(store, members, images);
  } catch (error) {
    throw storageError(error, `loading ${path}`);
  }
}
