/**
 * One blob from one endpoint into the store: streamed, bounded by its descriptor to the byte, carried on
 * by Range after a broken connection, and whole only when its digest is right.
 */
import { RuntimeError } from "../kernel/errors.ts";
import type { Clock, Descriptor, Random } from "../kernel/world.ts";
import type { Context } from "../trace/tracer.ts";
import type { BlobStore, Ingest } from "./blob-store.ts";
import { type HttpResponse, RedirectRefused } from "./http-transport.ts";
import { bodyChunks } from "./read-body.ts";
import { type EndpointSession, HttpRefusal } from "./registry-session.ts";
import { type RetryPolicy, waitToRetry } from "./retry.ts";

export interface BlobOptions {
  readonly store: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly retry: RetryPolicy;
  /** Nothing arriving for so long ends an attempt. */
  readonly idleTimeoutMs: number;
  readonly onProgress: (doneBytes: number) => void;
}

export interface BlobResult {
  /** Bytes that were there from an earlier attempt. */
  readonly resumedBytes: number;
  readonly attempts: number;
}

/** A server that sends a byte a connection is not waited for for ever. */
const attemptsMax = 100;

function lies(descriptor: Descriptor, why: string): RuntimeError {
  return new RuntimeError("DATA_LOSS", `blob ${descriptor.digest}: ${why}`);
}

/** Where the body of a response begins; 0 when the server sends the whole again. */
function startOf(response: HttpResponse, asked: number, descriptor: Descriptor): number {
  const encoding = response.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity")
    throw lies(descriptor, `the server sends it encoded (${encoding.slice(0, 40)})`);
  if (response.status === 200) return 0;
  const match = /^bytes ([0-9]+)-([0-9]+)\/([0-9]+|\*)$/.exec(
    response.headers["content-range"] ?? "",
  );
  const total = match?.[3] === "*" ? descriptor.size : Number(match?.[3]);
  if (match === null || Number(match[1]) !== asked || total !== descriptor.size) {
    throw lies(descriptor, "the server sends another range than the one it was asked for");
  }
  return asked;
}

async function attempt(
  context: Context,
  session: EndpointSession,
  descriptor: Descriptor,
  ingest: Ingest,
  options: BlobOptions,
): Promise<void> {
  const asked = ingest.offset;
  const range: Record<string, string> = asked === 0 ? {} : { range: `bytes=${asked}-` };
  const response = await session.get(
    context,
    `blobs/${descriptor.digest}`,
    range,
    asked === 0 ? [200] : [200, 206],
  );
  try {
    const start = startOf(response, asked, descriptor);
    const length = response.headers["content-length"];
    if (length !== undefined && Number(length) > descriptor.size - start) {
      throw lies(
        descriptor,
        `the server announces ${Number(length) + start} bytes instead of ${descriptor.size}`,
      );
    }
    if (start !== asked) await ingest.restart();
    for await (const chunk of bodyChunks(response.body, options.idleTimeoutMs)) {
      if (ingest.offset + chunk.length > descriptor.size) {
        throw lies(descriptor, `the server sends more than its ${descriptor.size} bytes`);
      }
      await ingest.write(chunk);
      options.onProgress(ingest.offset);
    }
  } finally {
    response.body.destroy();
  }
  if (ingest.offset < descriptor.size) {
    throw new RuntimeError(
      "UNAVAILABLE",
      `blob ${descriptor.digest}: ${ingest.offset} of ${descriptor.size} bytes came`,
    );
  }
}

/** Whether another attempt may fare better: lies, refusals and a full disk stay what they are. */
function isPassing(error: unknown): boolean {
  if (error instanceof HttpRefusal) return error.isPassing;
  if (error instanceof RedirectRefused) return false;
  return error instanceof RuntimeError && error.code === "UNAVAILABLE";
}

async function transfer(
  context: Context,
  session: EndpointSession,
  descriptor: Descriptor,
  ingest: Ingest,
  options: BlobOptions,
): Promise<number> {
  let failures = 0;
  for (let attempts = 1; ; attempts++) {
    if (ingest.offset === descriptor.size) return attempts - 1;
    const before = ingest.offset;
    try {
      await attempt(context, session, descriptor, ingest, options);
      return attempts;
    } catch (error) {
      failures = ingest.offset > before ? 1 : failures + 1;
      const over = failures > options.retry.triesMax || attempts >= attemptsMax;
      if (context.signal?.aborted || over || !isPassing(error)) throw error;
      const asked = error instanceof HttpRefusal ? error.retryAfterMs : undefined;
      await waitToRetry(options.retry, failures, options, asked, context.signal);
    }
  }
}

/**
 * Brings the blob into the store. What arrived before a failure stays for the next try, unless it is
 * known to be wrong or the disk is full.
 * @throws RuntimeError DATA_LOSS, UNAVAILABLE, NOT_FOUND, UNAUTHENTICATED, RESOURCE_EXHAUSTED
 */
export async function fetchBlob(
  context: Context,
  session: EndpointSession,
  descriptor: Descriptor,
  options: BlobOptions,
): Promise<BlobResult> {
  const ingest = await options.store.resume(descriptor.digest);
  if (ingest.offset > descriptor.size) await ingest.restart();
  const resumedBytes = ingest.offset;
  let attempts: number;
  try {
    attempts = await transfer(context, session, descriptor, ingest, options);
  } catch (error) {
    const keep = !(
      error instanceof RuntimeError && ["DATA_LOSS", "RESOURCE_EXHAUSTED"].includes(error.code)
    );
    await (keep ? ingest.suspend() : ingest.discard());
    throw error;
  }
  try {
    await ingest.commit(descriptor.digest);
  } catch (error) {
    const stale = resumedBytes > 0 && error instanceof RuntimeError && error.code === "DATA_LOSS";
    if (!stale) throw error;
    // What an earlier attempt had left may have been the wrong part: once more, from nothing.
    const again = await fetchBlob(context, session, descriptor, options);
    return { resumedBytes: 0, attempts: attempts + again.attempts };
  }
  return { resumedBytes, attempts };
}
