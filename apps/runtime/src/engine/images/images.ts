/**
 * Images as the CRI knows them: pull, list, status, remove, file system info. The id of an image is the
 * digest of its configuration; PullImage, Image.id, image_ref and image_id always say the same.
 * Removing an image by any of its names removes all its names at once; layers that containers still
 * stand on stay until the last of those containers has gone.
 */
import type * as cri from "../../api/index.ts";
import { messageOf, RuntimeError } from "../../kernel/errors.ts";
import type { FetchedImage, World } from "../../kernel/world.ts";
import { type Context, step, withoutDeadline } from "../../trace/tracer.ts";
import type { CrashPoint, EngineOptions } from "../engine-options.ts";
import { RecordStore } from "../record-store.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";
import { chainIdsOf } from "./chain-id.ts";
import { readImageDocument } from "./image-document.ts";
import { type ImageRecord, isImageRecord, toCriImage } from "./image-record.ts";
import { formatReference, isDigest, nameOf, parseReference } from "./reference.ts";
import { toRegistryAuth } from "./registry-auth.ts";
import { SharedWork } from "./shared-work.ts";

export type { ImageRecord } from "./image-record.ts";

type ImageOptions = Pick<EngineOptions, "rootDirectory" | "sandboxImage"> & {
  readonly crashPoint?: (point: CrashPoint) => void;
};

/** Manifests and configurations are cut off at this size (containerd's MaxManifestSize). */
const jsonBytesMax = 4 * 1024 * 1024;
/** Shortest beginning of an id that stands for it. */
const shortIdMin = 4;

export class Images {
  readonly #world: World;
  readonly #options: ImageOptions;
  readonly #snapshots: Snapshots;
  readonly #records: RecordStore<ImageRecord>;
  readonly #pulls = new SharedWork<ImageRecord>();
  /** Blobs that arrive belong to no record yet, so none are collected while this is not 0. */
  #arrivals = 0;
  #postponed = false;
  /** References of the images that come with the program. */
  #builtin: ReadonlySet<string> = new Set();

  constructor(world: World, options: ImageOptions, snapshots: Snapshots) {
    this.#world = world;
    this.#options = options;
    this.#snapshots = snapshots;
    this.#records = new RecordStore(world.records, "image", "image", isImageRecord);
    snapshots.keptBy(() => this.#records.all().map(({ chainId }) => chainId));
  }

  /**
   * Reads the records (call it after Snapshots.start), forgets images whose layers are gone, brings in
   * those that come with the program, collects what no image needs. Returns problems in words.
   */
  async start(context: Context): Promise<readonly string[]> {
    const problems = this.#records
      .load()
      .map((id) => `image record ${id} was broken and set aside`);
    for (const record of this.#records.all()) {
      if (record.chainId === "" || this.#snapshots.hasLayer(record.chainId)) continue;
      this.#records.delete(record.id);
      problems.push(`image ${record.repoTags[0] ?? record.id} lost a layer; pull it again`);
    }
    const attempt = async (what: string, work: Promise<void>): Promise<void> => {
      await work.catch((error: unknown) => problems.push(`${what}: ${messageOf(error)}`));
    };
    await attempt("images of the program", this.ensureBuiltin(context));
    await attempt("images nobody needs", this.#collect(context));
    return problems;
  }

  /** Brings in the images that come with the program (`vitrine.local/pause:1`, `vitrine.local/demo:1`). */
  async ensureBuiltin(context: Context): Promise<void> {
    const loaded = await this.#arriving(context, async () => {
      const images = (await this.#world.content.builtin?.(context)) ?? [];
      for (const { references, image } of images) await this.#adopt(context, references, image);
      return images;
    });
    this.#builtin = new Set(loaded.flatMap(({ references }) => references));
  }

  /**
   * Pulls an image, unless somebody is pulling the very same: then waits for that one.
   * `sandboxConfig` is taken for the CRI's sake; nothing of it matters to a pull.
   * @returns the image's id
   */
  async pull(
    context: Context,
    spec: cri.ImageSpec | undefined,
    auth?: cri.AuthConfig | undefined,
    _sandboxConfig?: cri.PodSandboxConfig | undefined,
  ): Promise<string> {
    const reference = parseReference(spec?.image ?? "");
    const full = formatReference(reference);
    const credentials = toRegistryAuth(auth);
    // Who has other credentials must prove them to the registry himself.
    const key = JSON.stringify([full, credentials]);
    const record = await this.#pulls.run(context, key, (shared) =>
      step(shared, "image.pull", { "container.image.name": full }, (inner, span) =>
        this.#arriving(inner, async () => {
          const fetched = await this.#world.registry.fetch(inner, full, credentials);
          const name = `${nameOf(reference)}@${fetched.targetDigest}`;
          const references = reference.digest === undefined ? [full, name] : [name];
          const pulled = await this.#adopt(inner, references, fetched);
          this.#options.crashPoint?.("I7");
          span.set({ "container.image.id": pulled.id, "vitrine.image.bytes": pulled.sizeBytes });
          return pulled;
        }),
      ),
    );
    return record.id;
  }

  /** Brings the images of an archive or layout in, for `vitrine image load`. */
  load(context: Context, path: string): Promise<readonly ImageRecord[]> {
    return step(context, "image.load", { "vitrine.image.path": path }, (inner) =>
      this.#arriving(inner, async () => {
        const records: ImageRecord[] = [];
        for (const { references, image } of await this.#world.content.load(inner, path)) {
          const full = references.map((text) => formatReference(parseReference(text)));
          records.push(await this.#adopt(inner, full, image));
        }
        // An archive brings more than the blobs of its images: its own index for one.
        this.#postponed = true;
        return records;
      }),
    );
  }

  /** Unpacks what is not unpacked yet and writes the record: from here on the image is listed. */
  async #adopt(
    context: Context,
    references: readonly string[],
    fetched: FetchedImage,
  ): Promise<ImageRecord> {
    const json = await this.#world.content.readJson(fetched.config.digest, jsonBytesMax);
    const document = readImageDocument(json, fetched.layers.length);
    const chainIds = chainIdsOf(document.diffIds);
    const layers = fetched.layers.map((descriptor, index) => ({
      descriptor,
      diffId: document.diffIds[index] ?? "",
      chainId: chainIds[index] ?? "",
    }));
    return this.#snapshots.lease(chainIds, async () => {
      await this.#snapshots.unpackLayers(context, layers);
      const blobs = [fetched.targetDigest, fetched.manifest, fetched.config, ...fetched.layers];
      const id = fetched.config.digest;
      this.#name(references, {
        version: 1,
        id,
        name: id,
        repoTags: [],
        repoDigests: [],
        blobs: blobs.map((blob) => (typeof blob === "string" ? blob : blob.digest)),
        sizeBytes: fetched.sizeBytes,
        config: document.config,
        layers,
        chainId: chainIds.at(-1) ?? "",
        pulledAtNs: this.#world.clock.nowNs().toString(),
      });
      return this.#records.need(id);
    });
  }

  /** Gives the names to `image`, taking tags away from the image that had them, in one transaction. */
  #name(references: readonly string[], image: ImageRecord): void {
    const tags = references.filter((reference) => !reference.includes("@"));
    const digests = references.filter((reference) => reference.includes("@"));
    this.#world.records.transaction(() => {
      for (const other of this.#records.all()) {
        if (other.id === image.id || !other.repoTags.some((tag) => tags.includes(tag))) continue;
        const left = other.repoTags.filter((tag) => !tags.includes(tag));
        // An image that came without digest and lost its last name can be named by nobody.
        if (left.length === 0 && other.repoDigests.length === 0) this.#records.delete(other.id);
        else this.#records.update(other.id, { repoTags: left });
      }
      const before = this.#records.get(image.id);
      const merged = {
        ...image,
        repoTags: merge(before?.repoTags, tags),
        repoDigests: merge(before?.repoDigests, digests),
        blobs: merge(before?.blobs, image.blobs),
      };
      if (before === undefined) this.#records.create(merged);
      else this.#records.update(image.id, merged);
    });
  }

  /** Images that match the filter; all of them without one. */
  list(filter?: cri.ImageFilter | undefined): readonly cri.Image[] {
    const wanted = filter?.image?.image ?? "";
    const records = wanted === "" ? this.#records.all() : [this.find(wanted)];
    return records.flatMap((record) => (record === undefined ? [] : [this.#toCri(record)]));
  }

  /** `image` is absent when there is none; that is no error. */
  status(spec: cri.ImageSpec | undefined, verbose: boolean): cri.ImageStatusResponse {
    const record = this.find(spec?.image ?? "");
    if (record === undefined) return { info: {} };
    const info = verbose
      ? { info: JSON.stringify(infoOf(record)) }
      : ({} as Record<string, string>);
    return { image: this.#toCri(record), info };
  }

  /** Removes the image with all its names; none there is no error. Containers of it are not disturbed. */
  async remove(context: Context, spec: cri.ImageSpec | undefined): Promise<void> {
    const wanted = spec?.image ?? "";
    if (wanted === "") throw new RuntimeError("INVALID_ARGUMENT", "image is missing");
    const record = this.find(wanted);
    if (record === undefined) return;
    await step(context, "image.remove", { "container.image.id": record.id }, async (inner) => {
      this.#records.delete(record.id);
      await this.#collect(withoutDeadline(inner));
    });
  }

  /** Bytes and inodes of layers and snapshots, with the directory they lie in. */
  async fsInfo(): Promise<cri.ImageFsInfoResponse> {
    const { bytes, inodes } = await this.#snapshots.totalUsage();
    const usage: cri.FilesystemUsage = {
      timestamp: Number(this.#world.clock.nowNs()),
      fsId: { mountpoint: this.#snapshots.directory },
      usedBytes: { value: bytes },
      inodesUsed: { value: inodes },
    };
    return { imageFilesystems: [usage], containerFilesystems: [] };
  }

  /** The image that an id, a beginning of an id, or a reference in any form names. */
  find(text: string): ImageRecord | undefined {
    if (text === "") return undefined;
    const byId = this.#records.get(isDigest(text) ? text : `sha256:${text}`);
    if (byId !== undefined) return byId;
    const full = fullReference(text);
    const byName = this.#records
      .all()
      .find(({ repoTags, repoDigests }) => full && [...repoTags, ...repoDigests].includes(full));
    if (byName !== undefined) return byName;
    const hex = text.startsWith("sha256:") ? text.slice("sha256:".length) : text;
    if (hex.length < shortIdMin || !/^[a-f0-9]+$/.test(hex)) return undefined;
    return this.#records.find(`sha256:${hex}`);
  }

  /**
   * The image that `reference` names, for who makes containers.
   * @throws RuntimeError NOT_FOUND when it is not here
   */
  resolve(reference: string): ImageRecord {
    const record = this.find(reference);
    if (record === undefined) {
      throw new RuntimeError("NOT_FOUND", `image ${reference} is not present; pull it first`);
    }
    return record;
  }

  /** The image, brought in when it is not here: the pause image is ensured with every pod. */
  async ensure(context: Context, reference: string): Promise<ImageRecord> {
    const present = this.find(reference);
    if (present !== undefined) return present;
    const full = fullReference(reference);
    if (full !== undefined && this.#builtin.has(full)) {
      await this.ensureBuiltin(context);
      return this.resolve(reference);
    }
    return this.resolve(await this.pull(context, imageSpec(reference)));
  }

  #toCri(record: ImageRecord): cri.Image {
    return toCriImage(record, this.find(this.#options.sandboxImage)?.id === record.id);
  }

  /**
   * Runs work that brings blobs in; what could not be collected meanwhile is, when the last such work ends.
   * What came before a failure that may pass stays for the next try; before any other it is of no use.
   */
  async #arriving<T>(context: Context, work: () => Promise<T>): Promise<T> {
    this.#arrivals++;
    try {
      return await work().finally(() => this.#arrivals--);
    } catch (error) {
      // What stays behind is no harm to who waits here; the next removal tries again.
      if (!mayPass(error)) await this.#collect(withoutDeadline(context)).catch(() => {});
      throw error;
    } finally {
      if (this.#postponed) await this.#collectBlobs().catch(() => {});
    }
  }

  /** Removes layers and blobs that no image needs. */
  async #collect(context: Context): Promise<void> {
    await this.#snapshots.collect(context);
    await this.#collectBlobs();
  }

  async #collectBlobs(): Promise<void> {
    this.#postponed = true;
    const stored = await this.#world.content.list();
    for (const digest of stored) {
      if (this.#arrivals > 0) return;
      const needed = this.#records.all().some(({ blobs }) => blobs.includes(digest));
      if (!needed) await this.#world.content.remove(digest);
    }
    this.#postponed = this.#arrivals > 0;
  }
}

/** Whether the same pull may succeed a moment later. */
function mayPass(error: unknown): boolean {
  return (
    error instanceof RuntimeError &&
    ["UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"].includes(error.code)
  );
}

function merge(before: readonly string[] | undefined, added: readonly string[]): readonly string[] {
  return [...new Set([...(before ?? []), ...added])].sort();
}

function fullReference(text: string): string | undefined {
  try {
    return formatReference(parseReference(text));
  } catch {
    return undefined;
  }
}

function imageSpec(image: string): cri.ImageSpec {
  return { image, annotations: {}, userSpecifiedImage: "", runtimeHandler: "", imageRef: "" };
}

function infoOf(record: ImageRecord): object {
  const { chainId, config, layers, blobs, pulledAtNs } = record;
  return { chainID: chainId, imageSpec: { config }, layers, blobs, pulledAtNs };
}
