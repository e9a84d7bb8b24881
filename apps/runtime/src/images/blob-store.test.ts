/** What a store finds in its own directory when a new daemon opens it. */
import { mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BlobStore } from "./blob-store.ts";
import { digestOf } from "./digest.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vt-blobs-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

const bytes = (text: string) => new TextEncoder().encode(text);

/** A part of the blob `text`, left behind `ageMs` ago. */
async function leavePart(text: string, ageMs: number): Promise<string> {
  const digest = digestOf(bytes(text));
  const ingest = await new BlobStore(directory).resume(digest);
  await ingest.write(bytes(text.slice(0, 3)));
  await ingest.suspend();
  const then = new Date(Date.now() - ageMs);
  await utimes(join(directory, "ingest", digest.slice("sha256:".length)), then, then);
  return digest;
}

const hour = 3_600_000;

test("a part of yesterday is carried on from; one that nobody came back for is forgotten", async () => {
  const young = await leavePart("young blob", 23 * hour);
  const old = await leavePart("old blob", 25 * hour);
  const store = new BlobStore(directory);
  expect(await store.list()).toEqual([]);
  expect(await readdir(join(directory, "ingest"))).toEqual([young.slice("sha256:".length)]);
  const carriedOn = await store.resume(young);
  expect(carriedOn.offset).toBe(3);
  await carriedOn.write(bytes("ng blob"));
  expect(await carriedOn.commit(young)).toBe(young);
  const anew = await store.resume(old);
  expect(anew.offset).toBe(0);
  await anew.discard();
  expect(await store.list()).toEqual([young]);
});

test("what had no name yet is forgotten at once", async () => {
  const ingest = await new BlobStore(directory).begin();
  await ingest.write(bytes("of a daemon that was killed"));
  await ingest.suspend();
  expect(await readdir(join(directory, "ingest"))).toEqual(["new-1"]);
  await new BlobStore(directory).list();
  expect(await readdir(join(directory, "ingest"))).toEqual([]);
});
