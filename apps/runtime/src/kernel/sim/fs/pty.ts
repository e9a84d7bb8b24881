/**
 * Pseudo terminals: two ends and the line discipline between them (pty(7), termios(3)). What is written to the
 * master is typed at the terminal: echoed, edited by line, turned into signals. What programs write to the
 * slave comes out of the master, with line ends as a terminal wants them.
 */
import { SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGWINCH } from "../abi.ts";
import type { Machine } from "../machine.ts";
import { refuse } from "../refusal.ts";
import { deliverSignal } from "../syscall/process.ts";
import { type Coroutine, WaitQueue } from "../task.ts";
import type { OpenFile, Stream } from "../vfs/open-file.ts";

/** What of termios(3) counts here. */
export interface Termios {
  /** Input by lines, with erase and kill. */
  readonly canonical: boolean;
  readonly echo: boolean;
  /** ^C, ^\ and ^Z are signals. */
  readonly signals: boolean;
  /** Carriage return typed is a line break. */
  readonly mapInput: boolean;
  /** Line breaks written get a carriage return in front. */
  readonly mapOutput: boolean;
}

const cooked: Termios = {
  canonical: true,
  echo: true,
  signals: true,
  mapInput: true,
  mapOutput: true,
};

const capacity = 65_536;
const noBytes = new Uint8Array(0);
const [newline, carriageReturn, backspace, erase, kill, endOfFile] = [10, 13, 8, 127, 21, 4];
const signalOf: ReadonlyMap<number, number> = new Map([
  [3, SIGINT],
  [28, SIGQUIT],
  [26, SIGTSTP],
]);

/** Bytes on their way, in pieces; an empty piece is an end of file typed with ^D. */
class Queue {
  readonly pieces: Uint8Array[] = [];
  size = 0;
  readonly readable = new WaitQueue();
  readonly writable = new WaitQueue();

  put(piece: Uint8Array): void {
    this.pieces.push(piece);
    this.size += piece.length;
    this.readable.wake();
  }

  take(length: number): Uint8Array {
    const first = this.pieces[0] as Uint8Array;
    const part = first.subarray(0, length);
    if (part.length === first.length) this.pieces.shift();
    else this.pieces[0] = first.subarray(part.length);
    this.size -= part.length;
    this.writable.wake();
    return part;
  }
}

export class Pty {
  readonly machine: Machine;
  /** Its name in its devpts. */
  readonly number: number;
  /** Typed, for the slave; written, for the master. */
  readonly input = new Queue();
  readonly output = new Queue();
  readonly #line: number[] = [];
  termios: Termios = cooked;
  rows = 0;
  columns = 0;
  /** Host pid of the process group that signals go to; undefined: the whole session. */
  foreground: number | undefined;
  masterOpen = true;
  slaves = 0;
  /** A slave has been open: when none is any more, the master reads an error. */
  hadSlave = false;

  constructor(machine: Machine, number: number) {
    this.machine = machine;
    this.number = number;
  }

  /** Sends a signal to whoever has it as controlling terminal, in the foreground. */
  signal(signal: number): void {
    for (const process of [...this.machine.processes.values()]) {
      if (process.state !== "alive" || ptyOf(process.tty) !== this) continue;
      if (this.foreground !== undefined && process.processGroup !== this.foreground) continue;
      deliverSignal(process, signal);
    }
  }

  resize(rows: number, columns: number): void {
    if (rows === this.rows && columns === this.columns) return;
    this.rows = rows;
    this.columns = columns;
    this.signal(SIGWINCH);
  }

  /** Bytes that somebody types. */
  type(data: Uint8Array): void {
    for (const byte of data) this.#typeByte(byte);
    if (!this.termios.canonical && this.#line.length > 0) this.#flush();
  }

  #typeByte(typed: number): void {
    const { canonical, signals, mapInput } = this.termios;
    const signal = signals ? signalOf.get(typed) : undefined;
    if (signal !== undefined) {
      this.#echo(typed);
      this.#line.length = 0;
      this.signal(signal);
      return;
    }
    const byte = mapInput && typed === carriageReturn ? newline : typed;
    if (!canonical) {
      this.#line.push(byte);
      this.#echo(byte);
      return;
    }
    if (byte === erase || byte === backspace) {
      if (this.#line.pop() !== undefined) this.#echoBytes([8, 32, 8]);
    } else if (byte === kill) {
      this.#echoBytes(this.#line.flatMap(() => [8, 32, 8]));
      this.#line.length = 0;
    } else if (byte === endOfFile) {
      this.#flush();
    } else {
      this.#line.push(byte);
      this.#echo(byte);
      if (byte === newline) this.#flush();
    }
  }

  #flush(): void {
    this.input.put(Uint8Array.from(this.#line));
    this.#line.length = 0;
  }

  /** Control characters are shown as ^C. */
  #echo(byte: number): void {
    if (byte < 32 && byte !== newline && byte !== 9) this.#echoBytes([94, byte + 64]);
    else this.#echoBytes([byte]);
  }

  #echoBytes(bytes: readonly number[]): void {
    if (this.termios.echo && bytes.length > 0) this.output.put(this.#shown(Uint8Array.from(bytes)));
  }

  #shown(data: Uint8Array): Uint8Array {
    if (!this.termios.mapOutput || !data.includes(newline)) return data.slice();
    const shown: number[] = [];
    for (const byte of data) {
      if (byte === newline) shown.push(carriageReturn);
      shown.push(byte);
    }
    return Uint8Array.from(shown);
  }

  /** What a program writes to its terminal. */
  *print(data: Uint8Array, nonblocking: boolean): Coroutine<number> {
    for (;;) {
      if (!this.masterOpen) refuse("EIO");
      if (this.output.size < capacity) break;
      if (nonblocking) refuse("EAGAIN");
      yield { on: [this.output.writable] };
    }
    this.output.put(this.#shown(data));
    return data.length;
  }

  /** The window is closed: everybody on the terminal hears of it. */
  closeMaster(): void {
    this.masterOpen = false;
    this.input.readable.wake();
    this.output.writable.wake();
    const { foreground } = this;
    this.foreground = undefined;
    this.signal(SIGHUP);
    this.foreground = foreground;
  }

  closeSlave(): void {
    this.slaves--;
    if (this.slaves === 0) this.output.readable.wake();
  }
}

export class PtyMaster implements Stream {
  readonly pty: Pty;
  readonly #closed: () => void;

  constructor(pty: Pty, closed: () => void) {
    this.pty = pty;
    this.#closed = closed;
  }

  get ptyNumber(): number {
    return this.pty.number;
  }

  get readable(): WaitQueue {
    return this.pty.output.readable;
  }

  /** EIO when no slave is open any more and all has been read. */
  *read(length: number, nonblocking: boolean): Coroutine<Uint8Array> {
    const { output } = this.pty;
    for (;;) {
      if (output.pieces.length > 0) return output.take(length);
      if (this.pty.slaves === 0 && this.pty.hadSlave) refuse("EIO");
      if (nonblocking) refuse("EAGAIN");
      yield { on: [output.readable] };
    }
  }

  // biome-ignore lint/correctness/useYield: what is typed never waits; the interface is of streams that may.
  *write(data: Uint8Array): Coroutine<number> {
    this.pty.type(data);
    return data.length;
  }

  close(): void {
    this.pty.closeMaster();
    this.#closed();
  }
}

export class PtySlave implements Stream {
  readonly pty: Pty;

  constructor(pty: Pty) {
    this.pty = pty;
    pty.slaves++;
    pty.hadSlave = true;
  }

  get readable(): WaitQueue {
    return this.pty.input.readable;
  }

  /** One line at most; nothing after ^D on an empty line, and once the master is closed. */
  *read(length: number, nonblocking: boolean): Coroutine<Uint8Array> {
    const { input } = this.pty;
    for (;;) {
      if (input.pieces.length > 0) return input.take(length);
      if (!this.pty.masterOpen) return noBytes;
      if (nonblocking) refuse("EAGAIN");
      yield { on: [input.readable] };
    }
  }

  *write(data: Uint8Array, nonblocking: boolean): Coroutine<number> {
    return yield* this.pty.print(data, nonblocking);
  }

  close(): void {
    this.pty.closeSlave();
  }
}

/** The pty that an open file is an end of. */
export function ptyOf(file: OpenFile | undefined): Pty | undefined {
  const stream = file?.stream;
  return stream instanceof PtyMaster || stream instanceof PtySlave ? stream.pty : undefined;
}
