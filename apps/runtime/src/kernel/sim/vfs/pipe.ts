/** Pipes and FIFOs (pipe(7), fifo(7)): 64 KiB between those who write and those who read. */
import { refuse } from "../refusal.ts";
import { type Coroutine, WaitQueue } from "../task.ts";
import type { Inode } from "./inode.ts";
import type { Stream } from "./open-file.ts";
import { noBytes } from "./stored-inode.ts";

export const pipeCapacity = 65_536;
/** Writes of at most this many bytes are not torn (PIPE_BUF). */
export const pipeAtomicBytes = 4096;

export class Pipe {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  readers = 0;
  writers = 0;
  /** A FIFO: whether the other side has ever been there decides between waiting and end of file. */
  readonly #rendezvous: boolean;
  hadReader = false;
  hadWriter = false;
  readonly readable = new WaitQueue();
  readonly writable = new WaitQueue();

  constructor(rendezvous = false) {
    this.#rendezvous = rendezvous;
  }

  get size(): number {
    return this.#size;
  }

  addReader(): void {
    this.readers++;
    this.hadReader = true;
    this.writable.wake();
  }

  addWriter(): void {
    this.writers++;
    this.hadWriter = true;
    this.readable.wake();
  }

  removeReader(): void {
    if (--this.readers === 0) this.#close();
  }

  removeWriter(): void {
    if (--this.writers === 0) this.#close();
  }

  /** One side is gone: the other one learns of it. What nobody holds any more is empty. */
  #close(): void {
    this.readable.wake();
    this.writable.wake();
    if (this.readers > 0 || this.writers > 0) return;
    this.#chunks.length = 0;
    this.#size = 0;
    this.hadReader = false;
    this.hadWriter = false;
  }

  /** Waits for bytes; none are the end of file: nobody can write any more. */
  *read(length: number, nonblocking: boolean): Coroutine<Uint8Array> {
    if (length === 0) return noBytes;
    for (;;) {
      if (this.#size > 0) return this.#take(length);
      const mayCome = this.writers > 0 || (this.#rendezvous && !this.hadWriter && !nonblocking);
      if (!mayCome) return noBytes;
      if (nonblocking) refuse("EAGAIN");
      yield { on: [this.readable] };
    }
  }

  /** Waits for room; takes all of at most PIPE_BUF bytes or nothing, of more what fits. */
  *write(data: Uint8Array, nonblocking: boolean): Coroutine<number> {
    if (data.length === 0) return 0;
    for (;;) {
      if (this.readers === 0) {
        if (!this.#rendezvous || this.hadReader || nonblocking) refuse("EPIPE");
      } else {
        const room = pipeCapacity - this.#size;
        if (room >= data.length) return this.#put(data.slice());
        if (room > 0 && data.length > pipeAtomicBytes) return this.#put(data.slice(0, room));
      }
      if (nonblocking) refuse("EAGAIN");
      yield { on: [this.writable] };
    }
  }

  #put(data: Uint8Array): number {
    this.#chunks.push(data);
    this.#size += data.length;
    this.readable.wake();
    return data.length;
  }

  #take(length: number): Uint8Array {
    const first = this.#chunks[0] as Uint8Array;
    let taken: Uint8Array;
    if (first.length >= length || this.#chunks.length === 1) {
      taken = first.subarray(0, length);
      this.#drop(taken.length);
    } else {
      taken = new Uint8Array(Math.min(length, this.#size));
      let at = 0;
      while (at < taken.length) {
        const part = (this.#chunks[0] as Uint8Array).subarray(0, taken.length - at);
        taken.set(part, at);
        at += part.length;
        this.#drop(part.length);
      }
    }
    this.writable.wake();
    return taken;
  }

  /** Removes bytes of the first chunk. */
  #drop(bytes: number): void {
    const first = this.#chunks[0] as Uint8Array;
    if (bytes === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(bytes);
    this.#size -= bytes;
  }
}

/** One end of a pipe, or both (a FIFO opened O_RDWR): what an open file description refers to. */
export class PipeEnd implements Stream {
  readonly pipe: Pipe;
  readonly reads: boolean;
  readonly writes: boolean;
  readonly readable: WaitQueue;
  #closed = false;

  constructor(pipe: Pipe, reads: boolean, writes: boolean) {
    this.pipe = pipe;
    this.reads = reads;
    this.writes = writes;
    this.readable = pipe.readable;
    if (reads) pipe.addReader();
    if (writes) pipe.addWriter();
  }

  read(length: number, nonblocking: boolean): Coroutine<Uint8Array> {
    return this.pipe.read(length, nonblocking);
  }

  write(data: Uint8Array, nonblocking: boolean): Coroutine<number> {
    return this.pipe.write(data, nonblocking);
  }

  /** Waits until the other side of a FIFO is, or has been, there (fifo(7)). */
  *otherSide(): Coroutine<void> {
    if (this.reads && this.writes) return;
    while (!(this.reads ? this.pipe.hadWriter : this.pipe.hadReader)) {
      yield { on: [this.reads ? this.pipe.readable : this.pipe.writable] };
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.reads) this.pipe.removeReader();
    if (this.writes) this.pipe.removeWriter();
  }
}

/** The pipe behind each FIFO that somebody has opened. */
const fifoPipes = new WeakMap<Inode, Pipe>();

/** The pipe of a FIFO inode, made when it is first opened. */
export function fifoPipe(inode: Inode): Pipe {
  let pipe = fifoPipes.get(inode);
  if (pipe === undefined) {
    pipe = new Pipe(true);
    fifoPipes.set(inode, pipe);
  }
  return pipe;
}
