/** One blob from the registry into the store: piece by piece, carried on after a broken connection, whole only when its digest is right. */

import type { Context } from "../../../trace/tracer.ts";
import { RuntimeError } from "../../errors.ts";
import type { Clock, Descriptor, Random } from "../../world.ts";
import type { BlobFiles, Ingest } from "./blob-files.ts";
import { HttpRefusal, type RegistryHost } from "./registry-host.ts";

export interface Transfer {
  readonly blobs: BlobFiles;
  /** Does something at once in the daemon's life, or never. */
  readonly now: <T>(work: () => T) => Promise<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly bytesPerSecond: number;
  readonly onProgress: (doneBytes: number) => void;
}

export interface BlobResult {
  /** Bytes that were there from an earlier attempt. */
  readonly resumedBytes: number;
  readonly attempts: number;
}

const chunkBytes = 128 * 1024;
const triesMax = 3;
const firstDelayMs = 250;
const delayMaxMs = 30_000;
const attemptsMax = 100;

/** Exponential backoff with jitter before the attempt after `failures` failures in a row. */
export function waitToRetry(
  { clock, random }: Pick<Transfer, "clock" | "random">,
  failures: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const delay = Math.min(firstDelayMs * 2 ** (failures - 1), delayMaxMs);
  const [byte = 0] = random.bytes(1);
  return clock.sleep(delay * (0.5 + byte / 512), signal);
}

/** Whether another attempt may fare better: lies, refusals and a full disk stay what they are. */
export function isPassing(error: unknown): boolean {
  if (error instanceof HttpRefusal) return error.isPassing;
  return error instanceof RuntimeError && error.code === "UNAVAILABLE";
}

export const retriesMax = triesMax;

async function attempt(
  context: Context,
  host: RegistryHost,
  descriptor: Descriptor,
  ingest: Ingest,
  transfer: Transfer,
): Promise<void> {
  const { clock, bytesPerSecond, now, onProgress } = transfer;
  const { bytes, fault } = await host.blob(context, descriptor);
  const breaksAt = fault?.how === "drop" && fault.byte > ingest.offset ? fault.byte : bytes.length;
  const last = Math.min(breaksAt, bytes.length, descriptor.size);
  while (ingest.offset < last) {
    const end = Math.min(ingest.offset + chunkBytes, last);
    await clock.sleep(((end - ingest.offset) / bytesPerSecond) * 1000, context.signal);
    await now(() => ingest.append(bytes, end));
    onProgress(ingest.offset);
  }
  if (ingest.offset >= descriptor.size) return;
  const came = `${ingest.offset} of ${descriptor.size} bytes came`;
  throw new RuntimeError("UNAVAILABLE", `blob ${descriptor.digest}: ${came}`);
}

async function transferAll(
  context: Context,
  host: RegistryHost,
  descriptor: Descriptor,
  ingest: Ingest,
  transfer: Transfer,
): Promise<number> {
  let failures = 0;
  for (let attempts = 1; ; attempts++) {
    if (ingest.offset === descriptor.size) return attempts - 1;
    const before = ingest.offset;
    try {
      await attempt(context, host, descriptor, ingest, transfer);
      return attempts;
    } catch (error) {
      failures = ingest.offset > before ? 1 : failures + 1;
      const isOver = failures > triesMax || attempts >= attemptsMax;
      if (context.signal?.aborted || isOver || !isPassing(error)) throw error;
      await waitToRetry(transfer, failures, context.signal);
    }
  }
}

/**
 * Brings the blob into the store. What arrived before a failure stays for the next try, unless it is known to be
 * wrong or the disk is full. RuntimeError DATA_LOSS, UNAVAILABLE, NOT_FOUND, UNAUTHENTICATED, RESOURCE_EXHAUSTED.
 */
export async function fetchBlob(
  context: Context,
  host: RegistryHost,
  descriptor: Descriptor,
  transfer: Transfer,
): Promise<BlobResult> {
  const { blobs, now } = transfer;
  const ingest = await now(() => blobs.resume(descriptor.digest));
  if (ingest.offset > descriptor.size) ingest.restart();
  const resumedBytes = ingest.offset;
  let attempts: number;
  try {
    attempts = await transferAll(context, host, descriptor, ingest, transfer);
  } catch (error) {
    const isBad =
      error instanceof RuntimeError && ["DATA_LOSS", "RESOURCE_EXHAUSTED"].includes(error.code);
    if (isBad) await now(() => ingest.discard());
    throw error;
  }
  try {
    await now(() => ingest.commit(descriptor.digest));
  } catch (error) {
    const isStale = resumedBytes > 0 && error instanceof RuntimeError && error.code === "DATA_LOSS";
    if (!isStale) throw error;
    // What an earlier attempt had left may have been the wrong part: once more, from nothing.
    const again = await fetchBlob(context, host, descriptor, transfer);
    return { resumedBytes: 0, attempts: attempts + again.attempts };
  }
  return { resumedBytes, attempts };
}
