/**
 * The output of a program, through a pipe. A pipe is what programs expect: a shell script may open /dev/stdout or
 * /dev/stderr anew, which on a file would truncate it and on a socket fail. What exceeds the bound is read and
 * dropped, so that nobody blocks on a full pipe.
 */
import { closeSync, readSync } from "node:fs";
import { Socket } from "node:net";
import koffi from "koffi";
import { errnoName } from "../errno.ts";
import { KernelError } from "../errors.ts";

const closeOnExec = 0o2000000;
/** What is read lands here first, for all pipes: it is taken out before the next is read, and most is dropped. */
const scratch = Buffer.alloc(64 << 10);

type Pipe2 = (fds: Int32Array, flags: number) => number;
let pipe2: Pipe2 | undefined;

/** Read end and write end, both close-on-exec. */
function openPipe(): readonly [readEnd: number, writeEnd: number] {
  pipe2 ??= koffi.load("libc.so.6").func("int pipe2(int *fds, int flags)") as Pipe2;
  const fds = new Int32Array(2);
  if (pipe2(fds, closeOnExec) < 0) {
    const errno = errnoName(koffi.errno());
    throw new KernelError({ errno, op: "library", detail: "pipe2", message: `pipe2: ${errno}` });
  }
  return [fds[0] ?? -1, fds[1] ?? -1];
}

export class CapturedPipe {
  /** For the program; closed here by `closeWriteEnd` once it has a copy. */
  readonly writeEnd: number;
  readonly #readEnd: number;
  readonly #socket: Socket;
  readonly #bytesMax: number;
  readonly #chunks: Uint8Array[] = [];
  #kept = 0;
  #truncated = false;
  #writeEndOpen = true;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    [this.#readEnd, this.writeEnd] = openPipe();
    const callback = (count: number) => {
      this.#keep(scratch.subarray(0, count));
      return true;
    };
    const onread = { buffer: scratch, callback };
    this.#socket = new Socket({ fd: this.#readEnd, readable: true, writable: false, onread });
    // A pipe cannot fail but by its end, which nobody waits for.
    this.#socket.on("error", () => {});
  }

  /** Whether the program wrote more than was kept. */
  get truncated(): boolean {
    return this.#truncated;
  }

  closeWriteEnd(): void {
    if (this.#writeEndOpen) closeSync(this.writeEnd);
    this.#writeEndOpen = false;
  }

  /**
   * What was written until now. Not until the end of file: a process that the program left behind may hold the
   * pipe for ever.
   */
  take(): Uint8Array {
    this.#drain();
    return Buffer.concat(this.#chunks, this.#kept);
  }

  close(): void {
    this.closeWriteEnd();
    this.#socket.destroy();
  }

  #keep(chunk: Uint8Array): void {
    const room = this.#bytesMax - this.#kept;
    const part = chunk.subarray(0, room);
    if (part.length < chunk.length) this.#truncated = true;
    if (part.length === 0) return;
    this.#chunks.push(new Uint8Array(part));
    this.#kept += part.length;
  }

  /** Reads what the event loop has not read yet; the read end does not block. */
  #drain(): void {
    while (!this.#truncated && !this.#socket.destroyed) {
      try {
        const count = readSync(this.#readEnd, scratch);
        if (count === 0) return;
        this.#keep(scratch.subarray(0, count));
      } catch {
        return;
      }
    }
  }
}
