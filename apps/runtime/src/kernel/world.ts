/** The World: everything outside the engine. Real ones are made in cli/, simulated ones in kernel/sim. */
import type { Context } from "../trace/tracer.ts";
import type { Kernel } from "./kernel.ts";

export interface Clock {
  /** Wall clock, Unix nanoseconds: for reported stamps only. */
  nowNs(): bigint;
  /** CLOCK_MONOTONIC, nanoseconds: for durations and timers. */
  monotonicNs(): bigint;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** Uniform random bytes; 32 of them make a container id. */
  bytes(count: number): Uint8Array;
}

/** Durable records, by kind and id. Values are JSON. Every call is atomic and ordered. */
export interface Records {
  get<T>(kind: string, id: string): T | undefined;
  put<T>(kind: string, id: string, value: T): void;
  delete(kind: string, id: string): void;
  list<T>(kind: string): readonly (readonly [id: string, value: T])[];
  /** All of it or nothing. */
  transaction<T>(work: () => T): T;
}

/** Content descriptor of the OCI image specification. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: {
    readonly architecture: string;
    readonly os: string;
    readonly variant?: string;
  };
}

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly serverAddress?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}

/** An image whose blobs all lie in the content store, verified. */
export interface FetchedImage {
  /** Digest of the manifest (or index) the reference named. */
  readonly targetDigest: string;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** Sum of all blobs, bytes. */
  readonly sizeBytes: number;
}

export interface Registry {
  /**
   * Brings manifest, config and layers of `reference` (fully qualified) into the content store and
   * verifies every digest. NOT_FOUND, UNAUTHENTICATED, UNAVAILABLE, DATA_LOSS as RuntimeError.
   */
  fetch(
    context: Context,
    reference: string,
    auth: RegistryAuth | undefined,
    onProgress?: (progress: { digest: string; doneBytes: number; totalBytes: number }) => void,
  ): Promise<FetchedImage>;
}

/** Blobs by digest, and unpacking of layer blobs. */
export interface ContentStore {
  /** A whole small blob (config, manifest), verified. */
  readJson(digest: string, bytesMax: number): Promise<unknown>;
  has(digest: string): Promise<boolean>;
  remove(digest: string): Promise<void>;
  list(): Promise<readonly string[]>;
  /**
   * Unpacks a layer blob into the empty directory `target`, whiteouts as overlayfs wants them.
   * Rejects, with nothing left in `target`, when the uncompressed digest is not `diffId`.
   * Directories that the layer only implies get owner and mode from those of `lower` (unpacked
   * layers below, topmost first).
   */
  unpack(
    context: Context,
    layer: Descriptor,
    diffId: string,
    target: string,
    lower?: readonly string[],
  ): Promise<void>;
  /** Brings the images of a docker-archive or OCI layout (file or directory) in; for `vitrine image load`. */
  load(context: Context, path: string): Promise<readonly LoadedImage[]>;
  /** Images that come with the program (pause, demo): brings them in. None when it has none. */
  builtin?(context: Context): Promise<readonly LoadedImage[]>;
}

/** An image that came from a file; references are as the file has them, perhaps without registry. */
export interface LoadedImage {
  readonly references: readonly string[];
  readonly image: FetchedImage;
}

export interface World {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly random: Random;
  readonly records: Records;
  readonly registry: Registry;
  readonly content: ContentStore;
}
