/** Reading of response bodies, bounded in size and in how long nothing may come. */
import type { IncomingMessage } from "node:http";
import { messageOf, RuntimeError } from "../kernel/errors.ts";

/**
 * The chunks of a body. It ends with UNAVAILABLE when nothing comes for `idleTimeoutMs`, when the
 * connection breaks, and when less came than Content-Length says.
 */
export async function* bodyChunks(
  body: IncomingMessage,
  idleTimeoutMs: number,
): AsyncGenerator<Buffer> {
  const late = () => body.destroy(new Error(`nothing came for ${idleTimeoutMs} ms`));
  let timer = setTimeout(late, idleTimeoutMs);
  try {
    for await (const chunk of body) {
      // The pace of the writer is not the server's fault: the clock stands while a chunk is worked on.
      clearTimeout(timer);
      yield chunk as Buffer;
      timer = setTimeout(late, idleTimeoutMs);
    }
    if (!body.complete) throw new Error("the connection was cut");
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw new RuntimeError("UNAVAILABLE", `the download broke off: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}

/**
 * A whole small body.
 * @throws RuntimeError RESOURCE_EXHAUSTED when it is larger than `bytesMax`, UNAVAILABLE when it broke off
 */
export async function readBody(
  body: IncomingMessage,
  bytesMax: number,
  idleTimeoutMs: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyChunks(body, idleTimeoutMs)) {
    size += chunk.length;
    if (size > bytesMax) {
      throw new RuntimeError("RESOURCE_EXHAUSTED", `a response is larger than ${bytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
