/**
 * A layer blob as the tar archive it holds. The compression is told by the first bytes, not by the media
 * type, which registries get wrong; the diff id says afterwards whether the result is right.
 */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { RuntimeError } from "../kernel/errors.ts";
import { malformed } from "./tar-header.ts";
import { ZstdFrames } from "./zstd-frames.ts";

const chunkBytes = 256 * 1024;
/** log2 of the largest window, 128 MiB, as zstd's own command line has it. */
const zstdWindowLogMax = 27;

export type Compression = "none" | "gzip" | "zstd";

/** The compression of a file, by its first four bytes. */
export async function compressionOf(path: string): Promise<Compression> {
  const file = await open(path, "r");
  try {
    const start = Buffer.alloc(4);
    const { bytesRead } = await file.read(start, 0, start.length, 0);
    if (bytesRead >= 2 && start.readUInt16BE(0) === 0x1f8b) return "gzip";
    const magic = bytesRead === start.length ? start.readUInt32LE(0) : 0;
    return magic === 0xfd2fb528 || (magic & 0xfffffff0) === 0x184d2a50 ? "zstd" : "none";
  } finally {
    await file.close();
  }
}

async function* cutAtFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const frames = new ZstdFrames();
  for await (const chunk of source) yield* frames.push(chunk);
  frames.finish();
}

/** zlib's own errors (Z_DATA_ERROR, Z_BUF_ERROR, ZSTD_error_...) mean that the blob is broken. */
function explain(error: unknown): unknown {
  if (error instanceof RuntimeError || !(error instanceof Error) || !("code" in error))
    return error;
  const code = String(error.code);
  if (!/^(Z_|ZSTD_|ERR_ZSTD|ERR_TRAILING)/.test(code)) return error;
  return malformed(`it cannot be decompressed: ${error.message}`);
}

function decompressor(compression: "gzip" | "zstd") {
  return compression === "gzip"
    ? createGunzip({ chunkSize: chunkBytes })
    : createZstdDecompress({
        chunkSize: chunkBytes,
        params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax },
      });
}

/**
 * The uncompressed bytes of a blob, chunk by chunk, decompressed in libuv's thread pool.
 * @throws RuntimeError FAILED_PRECONDITION when the compressed stream is broken, cut off or followed by something else
 */
export async function* decompress(
  path: string,
  compression: Compression,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: chunkBytes });
  if (compression === "none") {
    yield* file.iterator() as AsyncIterable<Buffer>;
    return;
  }
  const output = decompressor(compression);
  const options = signal === undefined ? {} : { signal };
  const done = (
    compression === "zstd"
      ? pipeline(file, cutAtFrames, output, options)
      : pipeline(file, output, options)
  ).catch((error: unknown) => {
    throw explain(error);
  });
  // `done` has the first cause of an error, where it has one: it is resolved as soon as all the input is
  // taken, and zlib tells only after that whether the input had an end. The loop below sees every error.
  done.catch(() => {});
  try {
    for await (const chunk of output) yield chunk as Buffer;
  } catch (error) {
    await done;
    throw explain(error);
  } finally {
    output.destroy();
    file.destroy();
  }
  await done;
}
