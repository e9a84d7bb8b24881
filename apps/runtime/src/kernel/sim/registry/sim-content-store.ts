/** The World's content store on the disk of a simulated machine: blobs by digest, unpacking, images of the program. */

import { type Context, step } from "../../../trace/tracer.ts";
import { messageOf, RuntimeError } from "../../errors.ts";
import type { ContentStore, Descriptor, LoadedImage } from "../../world.ts";
import type { Process } from "../process/process.ts";
import { BlobFiles } from "./blob-files.ts";
import { builtinImages } from "./builtin-images.ts";
import { unpackLayer } from "./unpack-layer.ts";

/** The daemon that the store belongs to. A DaemonLife is one. */
export interface StoreOwner {
  readonly process: Process;
  /** What is done at once, as a promise; it hangs when the daemon is dead. */
  now<T>(work: () => T): Promise<T>;
}

export interface SimContentStoreOptions {
  /** `<root>/content`. */
  readonly directory: string;
  readonly architecture?: string;
}

const layerBytesMax = 1 << 30;
/** Time it takes: a process for the layer, each entry, each byte. */
const startNs = 4_000_000;
const entryNs = 18_000;
const byteNs = 3;

export class SimContentStore implements ContentStore {
  readonly blobs: BlobFiles;
  readonly #owner: StoreOwner;
  readonly #architecture: string;

  constructor(owner: StoreOwner, options: SimContentStoreOptions) {
    this.#owner = owner;
    this.#architecture = options.architecture ?? "amd64";
    this.blobs = new BlobFiles(owner.process, options.directory);
  }

  readJson(digest: string, bytesMax: number): Promise<unknown> {
    return this.#owner.now(() => {
      const bytes = this.blobs.read(digest, bytesMax);
      try {
        return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
      } catch (error) {
        const message = `blob ${digest} is no JSON: ${messageOf(error)}`;
        throw new RuntimeError("FAILED_PRECONDITION", message);
      }
    });
  }

  has(digest: string): Promise<boolean> {
    return this.#owner.now(() => this.blobs.size(digest) !== undefined);
  }

  remove(digest: string): Promise<void> {
    return this.#owner.now(() => this.blobs.remove(digest));
  }

  list(): Promise<readonly string[]> {
    return this.#owner.now(() => this.blobs.list());
  }

  unpack(
    context: Context,
    layer: Descriptor,
    diffId: string,
    target: string,
    lower: readonly string[] = [],
  ): Promise<void> {
    const attributes = { "vitrine.image.diff_id": diffId, "vitrine.image.digest": layer.digest };
    return step(context, "image.unpack", attributes, async (_inner, span) => {
      if (!(await this.has(layer.digest))) {
        const message = `blob ${layer.digest} is not here; pull the image again`;
        throw new RuntimeError("NOT_FOUND", message);
      }
      const { entries, bytes } = await this.#owner.now(() =>
        this.#unpack(layer.digest, diffId, target, lower),
      );
      span.set({
        "vitrine.unpack.entries": entries,
        "vitrine.unpack.bytes": bytes,
        "vitrine.unpack.dropped_xattrs": 0,
      });
    });
  }

  #unpack(digest: string, diffId: string, target: string, lower: readonly string[]) {
    const { process } = this.#owner;
    const archive = this.blobs.read(digest, layerBytesMax);
    // Layers are not compressed here: the digest of the blob is that of its content.
    if (diffId !== digest) {
      throw new RuntimeError("DATA_LOSS", `the layer's diff id is ${digest}, not ${diffId}`);
    }
    const unpacked = unpackLayer(process, archive, target, lower);
    process.machine.scheduler.charge(
      startNs + unpacked.entries * entryNs + unpacked.bytes * byteNs,
    );
    return unpacked;
  }

  /** Archives are Node's to read: a simulated machine has none. */
  load(): Promise<readonly LoadedImage[]> {
    const message = "a simulated machine loads no archives; pull the image instead";
    return Promise.reject(new RuntimeError("UNIMPLEMENTED", message));
  }

  builtin(): Promise<readonly LoadedImage[]> {
    return this.#owner.now(() =>
      builtinImages(this.#architecture).map(({ reference, image }) => {
        const { manifest, config, layers } = image;
        const all = [manifest, config, ...layers];
        for (const { bytes } of all) this.blobs.put(bytes);
        return {
          references: [reference],
          image: {
            targetDigest: manifest.descriptor.digest,
            manifest: manifest.descriptor,
            config: config.descriptor,
            layers: layers.map(({ descriptor }) => descriptor),
            sizeBytes: all.reduce((sum, { bytes }) => sum + bytes.length, 0),
          },
        };
      }),
    );
  }
}
