/**
 * Blobs as files of the simulated machine, in the places where the real store has them:
 *
 *   blobs/sha256/<hex>   whole, verified, never changed
 *   ingest/<hex>         on its way; what is there survives a crash and is carried on from
 *   ingest/new-<n>       on its way, worth nothing after a crash
 */
import { RuntimeError } from "../../errors.ts";
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { mkdirat, renameat, statat, unlinkat } from "../syscall/file.ts";
import { namesIn } from "./directory-tree.ts";
import { readShared, sharedDigest, writeShared } from "./shared-content.ts";
import { storageFailure } from "./storage-failure.ts";

const digestPattern = /^sha256:([a-f0-9]{64})$/;

/** The hex part. RuntimeError FAILED_PRECONDITION when it is no sha256 digest. */
export function hexOf(digest: unknown): string {
  const hex = typeof digest === "string" ? digestPattern.exec(digest)?.[1] : undefined;
  if (hex !== undefined) return hex;
  const shown = JSON.stringify(String(digest).slice(0, 100));
  throw new RuntimeError("FAILED_PRECONDITION", `${shown} is no sha256 digest`);
}

function makeDirectories(process: Process, path: string): void {
  for (let slash = path.indexOf("/", 1); ; slash = path.indexOf("/", slash + 1)) {
    try {
      mkdirat(process, AT_FDCWD, slash < 0 ? path : path.slice(0, slash), 0o700);
    } catch (thrown) {
      if (!isRefusal(thrown, "EEXIST")) throw thrown;
    }
    if (slash < 0) return;
  }
}

/** A blob on its way into the store. End it by one of `commit`, `discard`, or not at all: then the next try goes on. */
export class Ingest {
  readonly #blobs: BlobFiles;
  readonly #path: string;
  #content: Uint8Array;

  constructor(blobs: BlobFiles, path: string, content: Uint8Array) {
    this.#blobs = blobs;
    this.#path = path;
    this.#content = content;
  }

  /** Bytes that are there. */
  get offset(): number {
    return this.#content.length;
  }

  /** Takes the bytes of `source` up to `end`; what is there already is its beginning. */
  append(source: Uint8Array, end: number): void {
    const before = this.#content;
    const isPart = before.buffer === source.buffer && before.byteOffset === source.byteOffset;
    let content: Uint8Array;
    if (before.length === 0 || isPart) {
      content = end === source.length ? source : source.subarray(0, end);
    } else {
      content = new Uint8Array(end);
      content.set(before);
      content.set(source.subarray(before.length, end), before.length);
    }
    this.#blobs.guard("storing a blob", (process) =>
      writeShared(process, AT_FDCWD, this.#path, content, 0o600),
    );
    this.#content = content;
  }

  restart(): void {
    this.#content = this.#content.subarray(0, 0);
  }

  /** Gives the blob its name if it is what `digest` says. RuntimeError DATA_LOSS, the bytes being gone then. */
  commit(digest: string): void {
    this.#blobs.guard("storing a blob", (process) => {
      const actual = sharedDigest(readShared(process, AT_FDCWD, this.#path));
      if (actual !== digest) {
        this.discard();
        throw new RuntimeError("DATA_LOSS", `a blob has the digest ${actual}, not ${digest}`);
      }
      renameat(process, AT_FDCWD, this.#path, AT_FDCWD, this.#blobs.path(digest));
    });
  }

  discard(): void {
    this.#blobs.unlink(this.#path);
  }
}

export class BlobFiles {
  readonly #process: Process;
  readonly #blobs: string;
  readonly #ingest: string;
  #isReady = false;
  #newCount = 0;

  /** `directory` is made when it is missing, 0700. */
  constructor(process: Process, directory: string) {
    this.#process = process;
    this.#blobs = `${directory}/blobs/sha256`;
    this.#ingest = `${directory}/ingest`;
  }

  path(digest: string): string {
    return `${this.#blobs}/${hexOf(digest)}`;
  }

  /** Runs `work`; refusals become RuntimeErrors. */
  guard<T>(doing: string, work: (process: Process) => T): T {
    try {
      return work(this.#process);
    } catch (thrown) {
      throw storageFailure(thrown, doing);
    }
  }

  /** None there is fine. */
  unlink(path: string): void {
    this.guard("removing a blob", (process) => {
      try {
        unlinkat(process, AT_FDCWD, path);
      } catch (thrown) {
        if (!isRefusal(thrown, "ENOENT", "ENOTDIR")) throw thrown;
      }
    });
  }

  /** Makes the directories, and forgets what a dead daemon could not name. */
  #prepare(): void {
    if (this.#isReady) return;
    this.guard("making the content store", (process) => {
      makeDirectories(process, this.#blobs);
      makeDirectories(process, this.#ingest);
      for (const name of namesIn(process, AT_FDCWD, this.#ingest)) {
        if (name.startsWith("new-")) unlinkat(process, AT_FDCWD, `${this.#ingest}/${name}`);
      }
    });
    this.#isReady = true;
  }

  /** Size of a whole blob; undefined when it is not here. */
  size(digest: string): number | undefined {
    const path = this.path(digest);
    try {
      return statat(this.#process, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW).size;
    } catch (thrown) {
      if (isRefusal(thrown)) return undefined;
      throw thrown;
    }
  }

  /** The ingest of `digest`, after what an earlier attempt left. */
  resume(digest: string): Ingest {
    this.#prepare();
    const path = `${this.#ingest}/${hexOf(digest)}`;
    return this.guard("storing a blob", (process) => {
      let content: Uint8Array = new Uint8Array(0);
      try {
        content = readShared(process, AT_FDCWD, path);
      } catch (thrown) {
        if (!isRefusal(thrown, "ENOENT")) throw thrown;
      }
      return new Ingest(this, path, content);
    });
  }

  /** Stores a small blob, and returns its digest. The array must not be changed any more. */
  put(bytes: Uint8Array): string {
    const digest = sharedDigest(bytes);
    if (this.size(digest) === bytes.length) return digest;
    this.#prepare();
    const ingest = new Ingest(this, `${this.#ingest}/new-${++this.#newCount}`, new Uint8Array(0));
    try {
      ingest.append(bytes, bytes.length);
    } catch (error) {
      ingest.discard();
      throw error;
    }
    ingest.commit(digest);
    return digest;
  }

  /** A whole blob, verified; not to be changed. RuntimeError NOT_FOUND, DATA_LOSS, RESOURCE_EXHAUSTED. */
  read(digest: string, bytesMax: number): Uint8Array {
    const size = this.size(digest);
    if (size === undefined) throw new RuntimeError("NOT_FOUND", `blob ${digest} is not here`);
    if (size > bytesMax) {
      const message = `blob ${digest} has ${size} bytes, more than ${bytesMax}`;
      throw new RuntimeError("RESOURCE_EXHAUSTED", message);
    }
    const bytes = this.guard("reading a blob", (process) =>
      readShared(process, AT_FDCWD, this.path(digest)),
    );
    if (sharedDigest(bytes) === digest) return bytes;
    this.remove(digest);
    throw new RuntimeError("DATA_LOSS", `blob ${digest} was damaged on disk and has been removed`);
  }

  /** Unknown is no error. */
  remove(digest: string): void {
    this.unlink(this.path(digest));
  }

  /** Digests of all whole blobs. */
  list(): readonly string[] {
    this.#prepare();
    const names = this.guard("listing blobs", (process) => namesIn(process, AT_FDCWD, this.#blobs));
    return names.filter((name) => /^[a-f0-9]{64}$/.test(name)).map((hex) => `sha256:${hex}`);
  }
}
