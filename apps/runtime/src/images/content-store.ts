/** The World's content store on a real disk: blobs by digest, unpacking, archives, images of the program. */
import { messageOf, RuntimeError } from "../kernel/errors.ts";
import type { ContentStore, Descriptor, LoadedImage } from "../kernel/world.ts";
import { type Context, step } from "../trace/tracer.ts";
import { BlobStore } from "./blob-store.ts";
import { loadBuiltinImages } from "./builtin-images.ts";
import { loadArchive } from "./load-archive.ts";
import type { Platform } from "./manifest.ts";
import { defaultUnpackLimits, type UnpackLimits, unpackLayer } from "./unpack-layer.ts";

export interface ContentStoreOptions {
  /** `<root>/content`. */
  readonly directory: string;
  /** Directory of the native build: vitrine-unpack, vitrine-pause, vitrine-demo. */
  readonly programs: string;
  readonly platform: Platform;
  readonly unpackLimits?: Partial<UnpackLimits>;
}

/** What Node calls this machine, in the words of the OCI. */
export function hostPlatform(): Platform {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  return { os: "linux", architecture };
}

export class FileContentStore implements ContentStore {
  readonly blobs: BlobStore;
  readonly #options: ContentStoreOptions;
  readonly #limits: UnpackLimits;

  constructor(options: ContentStoreOptions) {
    this.#options = options;
    this.#limits = { ...defaultUnpackLimits, ...options.unpackLimits };
    this.blobs = new BlobStore(options.directory);
  }

  async readJson(digest: string, bytesMax: number): Promise<unknown> {
    const bytes = await this.blobs.read(digest, bytesMax);
    try {
      return JSON.parse(bytes.toString("utf8")) as unknown;
    } catch (error) {
      throw new RuntimeError(
        "FAILED_PRECONDITION",
        `blob ${digest} is no JSON: ${messageOf(error)}`,
      );
    }
  }

  async has(digest: string): Promise<boolean> {
    return (await this.blobs.size(digest)) !== undefined;
  }

  remove(digest: string): Promise<void> {
    return this.blobs.remove(digest);
  }

  list(): Promise<readonly string[]> {
    return this.blobs.list();
  }

  unpack(
    context: Context,
    layer: Descriptor,
    diffId: string,
    target: string,
    lower: readonly string[] = [],
  ): Promise<void> {
    const attributes = { "vitrine.image.diff_id": diffId, "vitrine.image.digest": layer.digest };
    return step(context, "image.unpack", attributes, async (inner, span) => {
      if (!(await this.has(layer.digest))) {
        throw new RuntimeError(
          "NOT_FOUND",
          `blob ${layer.digest} is not here; pull the image again`,
        );
      }
      const result = await unpackLayer({
        path: this.blobs.path(layer.digest),
        diffId,
        target,
        lower,
        program: `${this.#options.programs}/vitrine-unpack`,
        limits: this.#limits,
        signal: inner.signal,
      });
      span.set({
        "vitrine.unpack.entries": result.entries,
        "vitrine.unpack.bytes": result.bytes,
        "vitrine.unpack.dropped_xattrs": result.droppedXattrs,
      });
    });
  }

  load(context: Context, path: string): Promise<readonly LoadedImage[]> {
    return loadArchive(context, this.blobs, path, this.#options.platform);
  }

  builtin(): Promise<readonly LoadedImage[]> {
    return loadBuiltinImages(this.blobs, this.#options.programs, this.#options.platform);
  }
}
