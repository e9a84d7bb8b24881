/**
 * The unpacking pipeline: blob, decompressor, tar reader, records, vitrine-unpack. Nothing is held whole;
 * the writer's pace is the pace of all. The layer counts only if the uncompressed bytes have the diff id
 * that the image's configuration names; the end record, which lets the writer finish, is sent after that.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { messageOf, RuntimeError } from "../kernel/errors.ts";
import { compressionOf, decompress } from "./decompress.ts";
import { finishHash, startHash } from "./digest.ts";
import { endRecord, toLayerRecord } from "./layer-record.ts";
import { isFull, storageError } from "./storage-error.ts";
import { malformed } from "./tar-header.ts";
import { defaultTarLimits, type TarLimits, TarReader } from "./tar-reader.ts";

export interface UnpackLimits extends TarLimits {
  /** Uncompressed bytes of one layer. */
  readonly bytesMax: number;
  /** Uncompressed over compressed, looked at from `ratioFromBytes` on. */
  readonly ratioMax: number;
  readonly ratioFromBytes: number;
}

export const defaultUnpackLimits: UnpackLimits = {
  ...defaultTarLimits,
  bytesMax: 64 * 1024 ** 3,
  ratioMax: 200,
  ratioFromBytes: 64 * 1024 ** 2,
};

export interface UnpackRequest {
  /** The blob. */
  readonly path: string;
  readonly diffId: string;
  /** An empty directory. */
  readonly target: string;
  /** Unpacked layers below, topmost first. */
  readonly lower: readonly string[];
  /** vitrine-unpack. */
  readonly program: string;
  readonly limits: UnpackLimits;
  readonly signal?: AbortSignal | undefined;
}

export interface UnpackResult {
  readonly entries: number;
  readonly bytes: number;
  readonly droppedXattrs: number;
}

const flushBytes = 256 * 1024;
const messageBytesMax = 4096;

/** The confined program, its input buffered so that small records share a write. */
class Writer {
  readonly #child;
  readonly #exited: Promise<number>;
  #message = "";
  #parts: Buffer[] = [];
  #buffered = 0;
  #broken = false;

  constructor(program: string, target: string, lower: readonly string[]) {
    this.#child = spawn(program, [target, ...lower], {
      stdio: ["pipe", "ignore", "pipe"],
      env: {},
      cwd: "/",
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#message = `EIO ${error.message}`;
        resolve(-1);
      });
      this.#child.once("close", (code, signal) => {
        if (signal !== null) this.#message ||= `EIO killed by ${signal}`;
        resolve(code ?? -1);
      });
    });
    // A writer that fails closes its input; its own message says why.
    this.#child.stdin.on("error", () => {
      this.#broken = true;
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (this.#message.length < messageBytesMax) this.#message += text;
    });
  }

  async write(bytes: Buffer): Promise<void> {
    this.#parts.push(bytes);
    this.#buffered += bytes.length;
    if (this.#buffered >= flushBytes) await this.#flush();
  }

  async #flush(): Promise<void> {
    const input: Writable = this.#child.stdin;
    const all = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#buffered = 0;
    if (all === undefined) return;
    if (this.#broken || input.destroyed) return this.#fail();
    if (input.write(all)) return;
    await Promise.race([once(input, "drain").catch(() => {}), this.#exited]);
    if (this.#broken || input.destroyed) return this.#fail();
  }

  /** Waits for the program's end and says what it said. */
  async #fail(): Promise<never> {
    await this.#exited;
    throw writerError(this.#message.trim());
  }

  async finish(): Promise<void> {
    await this.#flush();
    this.#child.stdin.end();
    if ((await this.#exited) !== 0) throw writerError(this.#message.trim());
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }
}

/** Errnos that a layer's own content brings about. */
const layersFault = new Set([
  "EINVAL",
  "ELOOP",
  "ENOTDIR",
  "ENOENT",
  "EEXIST",
  "EISDIR",
  "EPERM",
  "ENAMETOOLONG",
  "E2BIG",
  "EXDEV",
  "EMLINK",
  "EMFILE",
  "ENOTEMPTY",
]);

/** What the line "ERRNO what path" of vitrine-unpack means. */
function writerError(message: string): RuntimeError {
  const errno = message.split(" ")[0] ?? "";
  if (isFull(errno)) {
    return new RuntimeError(
      "RESOURCE_EXHAUSTED",
      `no space left on the disk while unpacking: ${message}`,
    );
  }
  if (layersFault.has(errno)) return malformed(message);
  return new RuntimeError(
    "INTERNAL",
    `the layer could not be written: ${message || "no reason given"}`,
  );
}

/** Refuses what blows up beyond all reason. */
function checkSize(bytes: number, compressed: number, limits: UnpackLimits): void {
  if (bytes > limits.bytesMax) {
    throw new RuntimeError("RESOURCE_EXHAUSTED", `a layer is larger than ${limits.bytesMax} bytes`);
  }
  if (bytes > limits.ratioFromBytes && bytes > compressed * limits.ratioMax) {
    throw new RuntimeError(
      "RESOURCE_EXHAUSTED",
      `a layer of ${compressed} bytes unpacks to more than ${limits.ratioMax} times its size`,
    );
  }
}

async function write(request: UnpackRequest, writer: Writer): Promise<UnpackResult> {
  const { path, limits, signal } = request;
  const compression = await compressionOf(path);
  const compressed = (await stat(path)).size;
  const hash = startHash();
  const reader = new TarReader(limits);
  let [bytes, droppedXattrs, takesData] = [0, 0, false];
  for await (const chunk of decompress(path, compression, signal)) {
    signal?.throwIfAborted();
    hash.update(chunk);
    bytes += chunk.length;
    checkSize(bytes, compressed, limits);
    for (const event of reader.push(chunk)) {
      if (event.kind === "data") {
        if (takesData) await writer.write(event.bytes);
        continue;
      }
      const record = toLayerRecord(event.entry);
      takesData = record?.takesData ?? false;
      droppedXattrs += record?.droppedXattrs ?? 0;
      if (record !== undefined) await writer.write(record.bytes);
    }
  }
  reader.finish();
  const actual = finishHash(hash);
  if (actual !== request.diffId) {
    throw new RuntimeError("DATA_LOSS", `the layer's diff id is ${actual}, not ${request.diffId}`);
  }
  await writer.write(endRecord());
  await writer.finish();
  return { entries: reader.entries, bytes, droppedXattrs };
}

async function empty(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

/**
 * Unpacks a layer; `target` is empty again when that fails.
 * @throws RuntimeError DATA_LOSS wrong diff id, FAILED_PRECONDITION malformed archive,
 *   RESOURCE_EXHAUSTED disk full or a limit passed, DEADLINE_EXCEEDED
 */
export async function unpackLayer(request: UnpackRequest): Promise<UnpackResult> {
  const writer = new Writer(request.program, request.target, request.lower);
  try {
    return await write(request, writer);
  } catch (error) {
    await writer.kill();
    await empty(request.target).catch(() => {});
    if (request.signal?.aborted) {
      const reason: unknown = request.signal.reason;
      if (reason instanceof RuntimeError) throw reason;
      throw new RuntimeError("DEADLINE_EXCEEDED", `unpacking was cut short: ${messageOf(reason)}`);
    }
    throw storageError(error, "unpacking a layer");
  }
}
