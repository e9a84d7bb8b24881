/** The shim's protocol as bytes: the TypeScript side of native/include/shim.h, which documents it. */
import type { ContainerExit, ShimContainer } from "../kernel.ts";

export const shimProtocol = 1;
export const shimHeaderBytes = 16;
export const shimBodyBytesMax = 16 * 1024;
export const shimWindowBytes = 256 * 1024;
/** The shim sends no larger body; more means that the other end is no shim. */
const messageBytesMax = 1024 * 1024;

export const shimRequest = {
  ping: 1,
  create: 2,
  start: 3,
  kill: 4,
  list: 5,
  exec: 6,
  reopenLog: 7,
  remove: 8,
  shutdown: 9,
  attach: 10,
  cancel: 11,
  stdin: 12,
  closeStdin: 13,
  resize: 14,
  windowAdd: 15,
} as const;

export const shimMessage = {
  hello: 64,
  reply: 65,
  error: 66,
  report: 67,
  container: 68,
  exited: 69,
  oom: 70,
  output: 71,
  end: 72,
  stdinWindow: 73,
} as const;

export const shimIo = { terminal: 1, stdin: 2, stdinOnce: 4, stdout: 8, stderr: 16 } as const;
export const shimStream = { stdout: 1, stderr: 2 } as const;
export const shimEnd = {
  timedOut: 1,
  stdoutCut: 2,
  stderrCut: 4,
  heldOpen: 8,
  detached: 16,
} as const;
/** "No op of a Plan" in an ERROR. */
export const shimNoOp = 0xffff;

/** Writes the fields of a body one after another. */
export class BodyWriter {
  readonly #parts: Buffer[] = [];

  u8(value: number): this {
    this.#parts.push(Buffer.of(value));
    return this;
  }

  u16(value: number): this {
    const part = Buffer.alloc(2);
    part.writeUInt16LE(value);
    this.#parts.push(part);
    return this;
  }

  u32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    this.#parts.push(part);
    return this;
  }

  i32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeInt32LE(value);
    this.#parts.push(part);
    return this;
  }

  u64(value: bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(value);
    this.#parts.push(part);
    return this;
  }

  string(text: string): this {
    const bytes = Buffer.from(text, "utf8");
    this.u16(bytes.length);
    this.#parts.push(bytes);
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Reads the fields of a body; throws RangeError when they do not fit. */
export class BodyReader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  #take(length: number): number {
    const at = this.#at;
    this.#at += length;
    return at;
  }

  u8(): number {
    return this.#body.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#body.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#body.readUInt32LE(this.#take(4));
  }

  i32(): number {
    return this.#body.readInt32LE(this.#take(4));
  }

  u64(): bigint {
    return this.#body.readBigUInt64LE(this.#take(8));
  }

  string(): string {
    const length = this.u16();
    const at = this.#take(length);
    if (this.#at > this.#body.length) throw new RangeError("a string is cut");
    return this.#body.toString("utf8", at, at + length);
  }

  rest(): Buffer {
    return this.#body.subarray(this.#at);
  }
}

export interface ShimFrame {
  readonly kind: number;
  readonly id: number;
  readonly body: Buffer;
}

/** A request as bytes; `blob` is a Plan. */
export function encodeFrame(
  kind: number,
  id: number,
  body: Uint8Array,
  blob: Uint8Array = new Uint8Array(),
): readonly Uint8Array[] {
  const header = Buffer.alloc(shimHeaderBytes);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(blob.length, 4);
  header.writeUInt16LE(kind, 8);
  header.writeUInt32LE(id, 12);
  return [header, body, blob].filter((part) => part.length > 0);
}

/** Splits what a shim sends into frames, however it arrives. */
export class FrameSplitter {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are complete now. Throws RangeError for what no shim sends. */
  push(bytes: Buffer): ShimFrame[] {
    const data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: ShimFrame[] = [];
    let at = 0;
    while (data.length - at >= shimHeaderBytes) {
      const length = data.readUInt32LE(at);
      if (length > messageBytesMax || data.readUInt32LE(at + 4) !== 0) {
        throw new RangeError(`a frame of ${length} bytes`);
      }
      if (data.length - at - shimHeaderBytes < length) break;
      const start = at + shimHeaderBytes;
      frames.push({
        kind: data.readUInt16LE(at + 8),
        id: data.readUInt32LE(at + 12),
        body: data.subarray(start, start + length),
      });
      at = start + length;
    }
    // A copy, so that a few left bytes do not keep a large read alive.
    this.#rest = at === data.length ? Buffer.alloc(0) : Buffer.from(data.subarray(at));
    return frames;
  }
}

export function readExit(body: BodyReader): ContainerExit {
  return {
    containerId: body.string(),
    pid: body.i32(),
    exitCode: body.i32(),
    oomKilled: body.u8() === 1,
    atNs: body.u64(),
  };
}

/** How the shim sees a container, with what its log lost. */
export interface ShimContainerState extends ShimContainer {
  /** Bytes of log records that could not be written. */
  readonly logBytesLost: bigint;
}

const states = [undefined, "created", "running", "exited"] as const;

export function readContainer(body: BodyReader): ShimContainerState {
  const containerId = body.string();
  const state = states[body.u8()];
  if (state === undefined) throw new RangeError("a container in no known state");
  const container = {
    containerId,
    state,
    pid: body.i32(),
    startTime: Number(body.u64()),
    startedAtNs: body.u64(),
    logBytesLost: body.u64(),
  };
  return body.u8() === 1 ? { ...container, exit: readExit(body) } : container;
}
