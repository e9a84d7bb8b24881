/**
 * Blobs on disk, by digest:
 *
 *   blobs/sha256/<hex>   whole, verified, never changed
 *   ingest/<hex>         on its way; what is there survives a crash and is carried on from, for a day
 *   ingest/new-<n>       on its way, digest not known yet; worth nothing after a crash
 *
 * A blob is synced before it gets its name and its directory after, so a name that is there after a
 * power cut has all its bytes.
 */

import type { Hash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { RuntimeError } from "../kernel/errors.ts";
import { digestOf, finishHash, hexOf, startHash } from "./digest.ts";
import { storageError } from "./storage-error.ts";

/** How long a blob that came in part waits for a pull that carries on. */
const partKeptMs = 24 * 60 * 60 * 1000;

/** A blob on its way into the store. End it by exactly one of `commit`, `suspend`, `discard`. */
export class Ingest {
  readonly #store: BlobStore;
  readonly #path: string;
  readonly #file: FileHandle;
  #hash: Hash;
  #offset: number;

  constructor(store: BlobStore, path: string, file: FileHandle, hash: Hash, offset: number) {
    this.#store = store;
    this.#path = path;
    this.#file = file;
    this.#hash = hash;
    this.#offset = offset;
  }

  /** Bytes that are there. */
  get offset(): number {
    return this.#offset;
  }

  /** Appends; RESOURCE_EXHAUSTED when the disk is full. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#file.write(
          bytes,
          done,
          bytes.length - done,
          this.#offset + done,
        );
        done += bytesWritten;
      }
    } catch (error) {
      throw storageError(error, "storing a blob");
    }
    this.#hash.update(bytes);
    this.#offset += bytes.length;
  }

  /** Begins from nothing, for a server that sends the whole again. */
  async restart(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = startHash();
    this.#offset = 0;
  }

  /**
   * Gives the blob its name if it is what `digest` says; without `digest`, whatever it is.
   * @throws RuntimeError DATA_LOSS, the bytes being gone then
   */
  async commit(digest?: string): Promise<string> {
    const actual = finishHash(this.#hash);
    if (digest !== undefined && actual !== digest) {
      await this.discard();
      throw new RuntimeError("DATA_LOSS", `a blob has the digest ${actual}, not ${digest}`);
    }
    try {
      await this.#file.datasync();
      await this.#file.close();
      await rename(this.#path, this.#store.path(actual));
      await this.#store.syncNames();
    } catch (error) {
      await rm(this.#path, { force: true });
      throw storageError(error, "storing a blob");
    }
    return actual;
  }

  /** Leaves the bytes for another attempt. */
  async suspend(): Promise<void> {
    await this.#file.close();
  }

  async discard(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#path, { force: true });
  }
}

export class BlobStore {
  readonly #blobs: string;
  readonly #ingest: string;
  #ready: Promise<void> | undefined;
  #newCount = 0;

  /** `directory` is made when it is missing, 0700. */
  constructor(directory: string) {
    this.#blobs = join(directory, "blobs", "sha256");
    this.#ingest = join(directory, "ingest");
  }

  path(digest: string): string {
    return join(this.#blobs, hexOf(digest));
  }

  /** Makes the directories and forgets what a dead daemon could not name, and parts nobody came back for. */
  #prepare(): Promise<void> {
    this.#ready ??= (async () => {
      await mkdir(this.#blobs, { recursive: true, mode: 0o700 });
      await mkdir(this.#ingest, { recursive: true, mode: 0o700 });
      const oldest = Date.now() - partKeptMs;
      for (const name of await readdir(this.#ingest)) {
        const path = join(this.#ingest, name);
        const isStale = name.startsWith("new-") || (await stat(path)).mtimeMs < oldest;
        if (isStale) await rm(path, { force: true });
      }
    })().catch((error: unknown) => {
      this.#ready = undefined;
      throw storageError(error, "making the content store");
    });
    return this.#ready;
  }

  /** Size of a whole blob; undefined when it is not here. */
  async size(digest: string): Promise<number | undefined> {
    try {
      return (await stat(this.path(digest))).size;
    } catch (error) {
      if (error instanceof RuntimeError) throw error;
      return undefined;
    }
  }

  /** Opens the ingest of `digest` after what an earlier attempt left, which is hashed again. */
  async resume(digest: string): Promise<Ingest> {
    await this.#prepare();
    const path = join(this.#ingest, hexOf(digest));
    const hash = startHash();
    try {
      const file = await open(
        path,
        constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW,
        0o600,
      );
      let offset = 0;
      for await (const chunk of createReadStream(path)) {
        hash.update(chunk as Buffer);
        offset += (chunk as Buffer).length;
      }
      return new Ingest(this, path, file, hash, offset);
    } catch (error) {
      throw storageError(error, "storing a blob");
    }
  }

  /** Begins a blob whose digest is not known yet. */
  async begin(): Promise<Ingest> {
    await this.#prepare();
    const path = join(this.#ingest, `new-${++this.#newCount}`);
    try {
      return new Ingest(this, path, await open(path, "w", 0o600), startHash(), 0);
    } catch (error) {
      throw storageError(error, "storing a blob");
    }
  }

  /** Stores a small blob and returns its digest. */
  async put(bytes: Uint8Array): Promise<string> {
    const digest = digestOf(bytes);
    if ((await this.size(digest)) === bytes.length) return digest;
    const ingest = await this.begin();
    try {
      await ingest.write(bytes);
    } catch (error) {
      await ingest.discard();
      throw error;
    }
    return ingest.commit(digest);
  }

  /**
   * A whole small blob, verified.
   * @throws RuntimeError NOT_FOUND, DATA_LOSS, RESOURCE_EXHAUSTED when it is larger than `bytesMax`
   */
  async read(digest: string, bytesMax: number): Promise<Buffer> {
    const size = await this.size(digest);
    if (size === undefined) throw new RuntimeError("NOT_FOUND", `blob ${digest} is not here`);
    if (size > bytesMax) {
      throw new RuntimeError(
        "RESOURCE_EXHAUSTED",
        `blob ${digest} has ${size} bytes, more than ${bytesMax}`,
      );
    }
    const chunks: Buffer[] = [];
    for await (const chunk of createReadStream(this.path(digest))) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    if (digestOf(bytes) === digest) return bytes;
    await this.remove(digest);
    throw new RuntimeError("DATA_LOSS", `blob ${digest} was damaged on disk and has been removed`);
  }

  /** Unknown is no error. */
  async remove(digest: string): Promise<void> {
    await rm(this.path(digest), { force: true });
  }

  /** Digests of all whole blobs. */
  async list(): Promise<readonly string[]> {
    await this.#prepare();
    const names = await readdir(this.#blobs);
    return names.filter((name) => /^[a-f0-9]{64}$/.test(name)).map((hex) => `sha256:${hex}`);
  }

  /** Makes names given so far survive a power cut. */
  async syncNames(): Promise<void> {
    const directory = await open(this.#blobs, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}
