/**
 * The World's registry: pulls by the OCI distribution protocol (Docker Registry v2). A reference is
 * resolved to a manifest for this machine, and config and layers are brought into the content store,
 * a few at a time, each blob once however many images want it. Mirrors are asked first, then the registry.
 */
import { messageOf, RuntimeError } from "../kernel/errors.ts";
import type {
  Clock,
  Descriptor,
  FetchedImage,
  Random,
  Registry,
  RegistryAuth,
} from "../kernel/world.ts";
import { type Context, step } from "../trace/tracer.ts";
import type { BlobStore } from "./blob-store.ts";
import { digestOf } from "./digest.ts";
import { fetchBlob } from "./fetch-blob.ts";
import { HttpTransport } from "./http-transport.ts";
import { choosePlatform, manifestBytesMax, type Platform, readManifest } from "./manifest.ts";
import { acceptManifests } from "./media-type.ts";
import { readBody } from "./read-body.ts";
import { endpointsFor } from "./registry-hosts.ts";
import {
  EndpointSession,
  HttpRefusal,
  type RegistryName,
  splitReference,
} from "./registry-session.ts";
import { defaultRetryPolicy, type RetryPolicy, waitToRetry } from "./retry.ts";

export interface RegistryClientOptions {
  readonly blobs: BlobStore;
  readonly platform: Platform;
  readonly clock: Clock;
  readonly random: Random;
  /** certs.d directories (config_path), first match wins. */
  readonly hostsDirectories?: readonly string[];
  /** Blobs of one image at a time. */
  readonly parallelBlobs?: number;
  /** Nothing arriving for so long ends a download attempt. */
  readonly progressTimeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  /** Called at the boundaries I1 (manifest stored), I2 (a blob under way), I3 (a blob whole). */
  readonly crashPoint?: (point: "I1" | "I2" | "I3") => void;
}

type Progress = (progress: { digest: string; doneBytes: number; totalBytes: number }) => void;

/** What one fetch works with. */
interface Fetch {
  readonly name: RegistryName;
  readonly sessions: readonly EndpointSession[];
  readonly onProgress: Progress | undefined;
}

interface Document {
  readonly bytes: Buffer;
  readonly descriptor: Descriptor;
}

const indexDepthMax = 3;

/** Answers that are about this request and would be the same elsewhere. */
function isFinal(error: unknown, context: Context): boolean {
  if (context.signal?.aborted) return true;
  return error instanceof RuntimeError && error.code === "RESOURCE_EXHAUSTED";
}

/** The registry's own answer, which comes last, says most; but "not found" less than anything else. */
function worst(errors: readonly unknown[]): unknown {
  const telling = errors.filter(
    (error) => !(error instanceof RuntimeError && error.code === "NOT_FOUND"),
  );
  return (
    telling.at(-1) ??
    errors.at(-1) ??
    new RuntimeError("UNAVAILABLE", "no host can be asked for this image")
  );
}

/** `error` for a caller whose deadline passed. */
function givenUp(context: Context, error: unknown): unknown {
  if (!context.signal?.aborted) return error;
  const reason: unknown = context.signal.reason;
  if (reason instanceof RuntimeError) return reason;
  return new RuntimeError("DEADLINE_EXCEEDED", `the pull was cut short: ${messageOf(reason)}`, {
    cause: error,
  });
}

export class RegistryClient implements Registry {
  readonly #options: RegistryClientOptions;
  readonly #retry: RetryPolicy;
  readonly #transport = new HttpTransport();
  readonly #fetching = new Map<string, Promise<void>>();

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    this.#retry = { ...defaultRetryPolicy, ...options.retry };
  }

  /** Closes connections kept alive. */
  close(): void {
    this.#transport.close();
  }

  async fetch(
    context: Context,
    reference: string,
    auth: RegistryAuth | undefined,
    onProgress?: Progress,
  ): Promise<FetchedImage> {
    const name = splitReference(reference);
    const endpoints = endpointsFor(name.domain, this.#options.hostsDirectories ?? []);
    const sessions = endpoints.map(
      (endpoint) => new EndpointSession(this.#transport, endpoint, name, auth),
    );
    try {
      return await this.#fetch(context, { name, sessions, onProgress }, reference);
    } catch (error) {
      throw givenUp(context, error);
    }
  }

  async #fetch(context: Context, fetch: Fetch, reference: string): Promise<FetchedImage> {
    const target = await this.#resolve(context, fetch, reference);
    let found = target;
    let document = readManifest(found.bytes, found.descriptor.mediaType);
    for (let depth = 0; document.kind === "index"; depth++) {
      if (depth === indexDepthMax)
        throw new RuntimeError("FAILED_PRECONDITION", "indexes are nested too deep");
      const chosen = choosePlatform(document.manifests, this.#options.platform);
      found = await this.#manifest(context, fetch, chosen.digest);
      document = readManifest(found.bytes, found.descriptor.mediaType);
    }
    this.#options.crashPoint?.("I1");
    const { config, layers } = document;
    const blobs = new Map([config, ...layers].map((blob) => [blob.digest, blob]));
    await this.#fetchAll(context, fetch, [...blobs.values()]);
    const sizeBytes = [found.descriptor, config, ...layers].reduce(
      (sum, { size }) => sum + size,
      0,
    );
    return {
      targetDigest: target.descriptor.digest,
      manifest: found.descriptor,
      config,
      layers,
      sizeBytes,
    };
  }

  #resolve(context: Context, fetch: Fetch, reference: string): Promise<Document> {
    return step(
      context,
      "image.resolve",
      { "container.image.name": reference },
      async (inner, span) => {
        const document = await this.#manifest(inner, fetch, fetch.name.tag);
        span.set({ "vitrine.image.digest": document.descriptor.digest });
        return document;
      },
    );
  }

  /** The manifest or index that a tag or digest names, from the first endpoint that has it; stored. */
  async #manifest(context: Context, fetch: Fetch, tag: string): Promise<Document> {
    const byDigest = tag.startsWith("sha256:");
    const size = byDigest ? await this.#options.blobs.size(tag) : undefined;
    const stored = size !== undefined && size <= manifestBytesMax && tag !== fetch.name.tag;
    if (stored) return toDocument(await this.#options.blobs.read(tag, manifestBytesMax), "");
    const document = await this.#anywhere(
      context,
      fetch,
      byDigest ? "pull" : "resolve",
      (session) => this.#patiently(context, () => this.#getManifest(context, session, tag)),
    );
    await this.#options.blobs.put(document.bytes);
    return document;
  }

  async #getManifest(context: Context, session: EndpointSession, tag: string): Promise<Document> {
    const response = await session.get(
      context,
      `manifests/${tag}`,
      { accept: acceptManifests },
      [200],
    );
    const bytes = await readBody(response.body, manifestBytesMax, this.#idleMs);
    const document = toDocument(
      bytes,
      (response.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "",
    );
    const promised = tag.startsWith("sha256:") ? tag : response.headers["docker-content-digest"];
    if (
      typeof promised === "string" &&
      promised.startsWith("sha256:") &&
      promised !== document.descriptor.digest
    ) {
      throw new RuntimeError(
        "DATA_LOSS",
        `${response.url}: a manifest has the digest ${document.descriptor.digest}, not ${promised.slice(0, 80)}`,
      );
    }
    return document;
  }

  get #idleMs(): number {
    return this.#options.progressTimeoutMs ?? 5 * 60_000;
  }

  /** Tries the endpoints that have the capability one after the other. */
  async #anywhere<T>(
    context: Context,
    fetch: Fetch,
    capability: "pull" | "resolve",
    work: (session: EndpointSession) => Promise<T>,
  ): Promise<T> {
    const errors: unknown[] = [];
    for (const session of fetch.sessions) {
      if (!session.endpoint.capabilities.has(capability)) continue;
      try {
        const result = await work(session);
        context.span?.set({ "server.address": session.endpoint.host });
        return result;
      } catch (error) {
        if (isFinal(error, context)) throw error;
        errors.push(error);
      }
    }
    throw worst(errors);
  }

  /** Repeats a small request while the trouble is passing. */
  async #patiently<T>(context: Context, work: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await work();
      } catch (error) {
        const refusal = error instanceof HttpRefusal ? error : undefined;
        const passing = refusal?.isPassing ?? false;
        if (!passing || failures > this.#retry.triesMax || context.signal?.aborted) throw error;
        await waitToRetry(
          this.#retry,
          failures,
          this.#options,
          refusal?.retryAfterMs,
          context.signal,
        );
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
    const count = Math.min(this.#options.parallelBlobs ?? 3, blobs.length);
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
    for (;;) {
      const size = await this.#options.blobs.size(blob.digest);
      if (size === blob.size) return;
      if (size !== undefined) {
        throw new RuntimeError(
          "DATA_LOSS",
          `blob ${blob.digest} has ${size} bytes, not ${blob.size}`,
        );
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
      const { blobs, clock, random, crashPoint } = this.#options;
      const onProgress = (doneBytes: number): void => {
        crashPoint?.("I2");
        fetch.onProgress?.({ digest: blob.digest, doneBytes, totalBytes: blob.size });
      };
      const options = {
        store: blobs,
        clock,
        random,
        retry: this.#retry,
        idleTimeoutMs: this.#idleMs,
        onProgress,
      };
      const result = await this.#anywhere(inner, fetch, "pull", (session) =>
        fetchBlob(inner, session, blob, options),
      );
      span.set({
        "vitrine.image.resumed_bytes": result.resumedBytes,
        "vitrine.image.attempts": result.attempts,
      });
      crashPoint?.("I3");
    });
  }
}

function toDocument(bytes: Buffer, type: string): Document {
  return { bytes, descriptor: { mediaType: type, digest: digestOf(bytes), size: bytes.length } };
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return new Promise(() => {});
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
