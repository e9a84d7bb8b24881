/**
 * The World's registry, simulated: the same steps in the same order as the real client (images/registry-client.ts),
 * over the machine's own network, in virtual time.
 */

import { type Context, step } from "../../../trace/tracer.ts";
import { messageOf, RuntimeError } from "../../errors.ts";
import type {
  Clock,
  Descriptor,
  FetchedImage,
  Random,
  Registry,
  RegistryAuth,
} from "../../world.ts";
import { fetchBlob, retriesMax, waitToRetry } from "./fetch-blob.ts";
import { type Blob, blobOf } from "./image-builder.ts";
import { choosePlatform, readManifest } from "./manifest.ts";
import type { RegistryFaults } from "./registry-faults.ts";
import { HttpRefusal, RegistryHost, type RegistryName, splitReference } from "./registry-host.ts";
import type { SimContentStore, StoreOwner } from "./sim-content-store.ts";

export interface SimRegistryOptions {
  readonly owner: StoreOwner;
  readonly store: SimContentStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly faults?: RegistryFaults;
  readonly architecture?: string;
  /** One exchange without a body. */
  readonly latencyMs?: number;
  readonly bytesPerSecond?: number;
  readonly idleTimeoutMs?: number;
}

type Progress = (progress: { digest: string; doneBytes: number; totalBytes: number }) => void;

interface Fetch {
  readonly name: RegistryName;
  readonly host: RegistryHost;
  readonly onProgress: Progress | undefined;
}

const defaultLatencyMs = 18;
const defaultBytesPerSecond = 4 << 20;
const defaultIdleTimeoutMs = 5 * 60_000;
const parallelBlobs = 3;
const manifestBytesMax = 4 << 20;

/** `error` for a caller whose deadline passed. */
function givenUp(context: Context, error: unknown): unknown {
  if (!context.signal?.aborted) return error;
  const reason: unknown = context.signal.reason;
  if (reason instanceof RuntimeError) return reason;
  return new RuntimeError("DEADLINE_EXCEEDED", `the pull was cut short: ${messageOf(reason)}`, {
    cause: error,
  });
}

export class SimRegistry implements Registry {
  readonly #options: SimRegistryOptions;
  readonly #fetching = new Map<string, Promise<void>>();

  constructor(options: SimRegistryOptions) {
    this.#options = options;
  }

  async fetch(
    context: Context,
    reference: string,
    auth: RegistryAuth | undefined,
    onProgress?: Progress,
  ): Promise<FetchedImage> {
    const { owner, clock, faults, latencyMs, idleTimeoutMs } = this.#options;
    const name = splitReference(reference);
    const settings = {
      machine: owner.process.machine,
      namespace: () => owner.process.namespaces.net,
      clock,
      faults: faults ?? (() => undefined),
      latencyMs: latencyMs ?? defaultLatencyMs,
      idleTimeoutMs: idleTimeoutMs ?? defaultIdleTimeoutMs,
    };
    const fetch = { name, host: new RegistryHost(settings, name, auth), onProgress };
    try {
      return await this.#fetch(context, fetch, reference);
    } catch (error) {
      throw givenUp(context, error);
    }
  }

  async #fetch(context: Context, fetch: Fetch, reference: string): Promise<FetchedImage> {
    const target = await this.#resolve(context, fetch, reference);
    let found = target;
    let document = readManifest(found.bytes);
    if (document.kind === "index") {
      const chosen = choosePlatform(document.manifests, this.#options.architecture ?? "amd64");
      found = await this.#manifest(context, fetch, chosen.digest, chosen.mediaType);
      document = readManifest(found.bytes);
    }
    if (document.kind === "index") {
      throw new RuntimeError("FAILED_PRECONDITION", "indexes are nested too deep");
    }
    const { config, layers } = document;
    const blobs = new Map([config, ...layers].map((blob) => [blob.digest, blob]));
    await this.#fetchAll(context, fetch, [...blobs.values()]);
    const all = [found.descriptor, config, ...layers];
    return {
      targetDigest: target.descriptor.digest,
      manifest: found.descriptor,
      config,
      layers,
      sizeBytes: all.reduce((sum, { size }) => sum + size, 0),
    };
  }

  #resolve(context: Context, fetch: Fetch, reference: string): Promise<Blob> {
    const attributes = { "container.image.name": reference };
    return step(context, "image.resolve", attributes, async (inner, span) => {
      const manifest = await this.#manifest(inner, fetch, fetch.name.tag);
      span.set({ "vitrine.image.digest": manifest.descriptor.digest });
      return manifest;
    });
  }

  /** The manifest or index that a tag or digest names; stored. */
  async #manifest(context: Context, fetch: Fetch, tag: string, type = ""): Promise<Blob> {
    const { owner, store } = this.#options;
    if (tag.startsWith("sha256:") && tag !== fetch.name.tag) {
      const stored = await owner.now(() =>
        store.blobs.size(tag) === undefined ? undefined : store.blobs.read(tag, manifestBytesMax),
      );
      if (stored !== undefined) return blobOf(stored, type);
    }
    const manifest = await this.#patiently(context, () => fetch.host.manifest(context, tag));
    context.span?.set({ "server.address": fetch.host.host });
    await owner.now(() => store.blobs.put(manifest.bytes));
    return manifest;
  }

  /** Repeats a small request while the trouble is passing. */
  async #patiently<T>(context: Context, work: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await work();
      } catch (error) {
        const passing = error instanceof HttpRefusal && error.isPassing;
        if (!passing || failures > retriesMax || context.signal?.aborted) throw error;
        await waitToRetry(this.#options, failures, context.signal);
      }
    }
  }

  /** All blobs, a few at a time; the first failure stops the others, and all have stopped when it is thrown. */
  async #fetchAll(context: Context, fetch: Fetch, blobs: readonly Descriptor[]): Promise<void> {
    const controller = new AbortController();
    const signals =
      context.signal === undefined ? [controller.signal] : [controller.signal, context.signal];
    const inner = { ...context, signal: AbortSignal.any(signals) };
    const queue = [...blobs];
    const worker = async (): Promise<void> => {
      for (let blob = queue.shift(); blob !== undefined; blob = queue.shift()) {
        await this.#once(inner, fetch, blob);
      }
    };
    const failures: unknown[] = [];
    const count = Math.min(parallelBlobs, blobs.length);
    await Promise.all(
      Array.from({ length: count }, () =>
        worker().catch((error: unknown) => {
          failures.push(error);
          queue.length = 0;
          controller.abort(new RuntimeError("CANCELLED", "another blob of the image failed"));
        }),
      ),
    );
    if (failures.length > 0) throw failures[0];
  }

  /** Brings a blob in unless it is here; when another pull is at it, waits for that one first. */
  async #once(context: Context, fetch: Fetch, blob: Descriptor): Promise<void> {
    const { owner, store } = this.#options;
    for (;;) {
      const size = await owner.now(() => store.blobs.size(blob.digest));
      if (size === blob.size) return;
      if (size !== undefined) {
        const message = `blob ${blob.digest} has ${size} bytes, not ${blob.size}`;
        throw new RuntimeError("DATA_LOSS", message);
      }
      const other = this.#fetching.get(blob.digest);
      if (other === undefined) break;
      await Promise.race([other.catch(() => {}), untilAborted(context.signal)]);
      context.signal?.throwIfAborted();
    }
    const work = this.#download(context, fetch, blob).finally(() =>
      this.#fetching.delete(blob.digest),
    );
    this.#fetching.set(blob.digest, work);
    await work;
  }

  #download(context: Context, fetch: Fetch, blob: Descriptor): Promise<void> {
    const attributes = {
      "vitrine.image.digest": blob.digest,
      "vitrine.image.bytes": blob.size,
      "vitrine.image.media_type": blob.mediaType,
    };
    return step(context, "image.fetch", attributes, async (inner, span) => {
      const { owner, store, clock, random, bytesPerSecond } = this.#options;
      const { digest, size: totalBytes } = blob;
      const result = await fetchBlob(inner, fetch.host, blob, {
        blobs: store.blobs,
        now: (work) => owner.now(work),
        clock,
        random,
        bytesPerSecond: bytesPerSecond ?? defaultBytesPerSecond,
        onProgress: (doneBytes) => fetch.onProgress?.({ digest, doneBytes, totalBytes }),
      });
      span.set({
        "server.address": fetch.host.host,
        "vitrine.image.resumed_bytes": result.resumedBytes,
        "vitrine.image.attempts": result.attempts,
      });
    });
  }
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return new Promise(() => {});
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
