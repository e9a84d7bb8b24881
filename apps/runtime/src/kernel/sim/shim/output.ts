/** Ends of the pipes between a shim and what it started: output goes straight to its taker, input comes from a queue. */

import { O_RDONLY, O_WRONLY } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { type Coroutine, WaitQueue } from "../task.ts";
import { OpenFile, type Stream } from "../vfs/open-file.ts";
import { pipeInode } from "../vfs/pipe-file-system.ts";

/** Takes every byte that is written, at once: a reader that never lags. */
export class OutputPipe implements Stream {
  readonly #take: (data: Uint8Array) => void;
  readonly #ended: () => void;
  /** The last writer has closed it, or nobody reads any more. */
  over = false;
  /** The reader is gone: writers get EPIPE. */
  broken = false;

  constructor(take: (data: Uint8Array) => void, ended: () => void) {
    this.#take = take;
    this.#ended = ended;
  }

  // biome-ignore lint/correctness/useYield: a reader of the write end of a pipe is refused at once.
  *read(): Coroutine<Uint8Array> {
    return refuse("EBADF");
  }

  // biome-ignore lint/correctness/useYield: there is always room.
  *write(data: Uint8Array): Coroutine<number> {
    if (this.broken) refuse("EPIPE");
    this.#take(data);
    return data.length;
  }

  close(): void {
    if (this.over) return;
    this.over = true;
    if (!this.broken) this.#ended();
  }
}

/** Bytes to be read, then the end of file once `finish` was called. */
export class InputPipe implements Stream {
  readonly readable = new WaitQueue();
  readonly #chunks: Uint8Array[] = [];
  #finished = false;

  constructor(data?: Uint8Array) {
    if (data === undefined) return;
    if (data.length > 0) this.#chunks.push(data);
    this.#finished = true;
  }

  finish(): void {
    this.#finished = true;
    this.readable.wake();
  }

  *read(length: number, nonblocking: boolean): Coroutine<Uint8Array> {
    for (;;) {
      const first = this.#chunks[0];
      if (first !== undefined) {
        const part = first.subarray(0, length);
        if (part.length === first.length) this.#chunks.shift();
        else this.#chunks[0] = first.subarray(part.length);
        return part;
      }
      if (this.#finished) return new Uint8Array();
      if (nonblocking) refuse("EAGAIN");
      yield { on: [this.readable] };
    }
  }

  // biome-ignore lint/correctness/useYield: the read end takes nothing.
  *write(): Coroutine<number> {
    return refuse("EBADF");
  }

  close(): void {}
}

/** The open file of a pipe's end, to be installed as an fd of the process that shall have it. */
export function pipeFile(maker: Process, stream: Stream, writes: boolean): OpenFile {
  const flags = writes ? O_WRONLY : O_RDONLY;
  const label = `pipe:[${maker.machine.nextPipe()}]`;
  return new OpenFile({ inode: pipeInode(maker), flags, stream, label });
}
