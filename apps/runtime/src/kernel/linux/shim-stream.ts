/**
 * Standard streams of a container (attach) or of a command (exec) as they cross the shim's socket. Each has a window, so
 * a reader that is slow slows only what it reads, and a writer learns when there is room again.
 */
import type { KernelError } from "../errors.ts";
import type { Exchange, ShimConnection } from "./shim-connection.ts";
import {
  BodyReader,
  BodyWriter,
  type ShimFrame,
  shimBodyBytesMax,
  shimEnd,
  shimMessage,
  shimRequest,
  shimStream,
  shimWindowBytes,
} from "./shim-wire.ts";

/** Gets output; the window grows again when it has returned or its promise has resolved. */
export type OutputSink = (
  bytes: Uint8Array,
  /** Bytes that were left out before these, because the reader was too slow (attach only). */
  leftOut: number,
) => void | Promise<void>;

export interface StreamEnd {
  readonly exitCode: number;
  readonly timedOut: boolean;
  /** More output came than was asked for. */
  readonly stdoutCut: boolean;
  readonly stderrCut: boolean;
  /** Somebody still held the pipes when the drain time was over. */
  readonly heldOpen: boolean;
  /** An attachment that was ended by detach(): the container runs on. */
  readonly detached: boolean;
}

const empty = new Uint8Array();

export class ShimStream implements Exchange {
  readonly #connection: ShimConnection;
  readonly #sinks: Readonly<Record<"stdout" | "stderr", OutputSink | undefined>>;
  readonly #ended = Promise.withResolvers<StreamEnd>();
  readonly #owed = { stdout: 0, stderr: 0 };
  #id = 0;
  #window = shimWindowBytes;
  #room: PromiseWithResolvers<void> | undefined;
  #over = false;
  /** REPORT frames of the Plan that makes the command. */
  onReport: ((bytes: Uint8Array) => void) | undefined;

  constructor(
    connection: ShimConnection,
    stdout: OutputSink | undefined,
    stderr: OutputSink | undefined,
  ) {
    this.#connection = connection;
    this.#sinks = { stdout, stderr };
    this.#ended.promise.catch(() => undefined);
  }

  /** Called once with the id of the request that opened the stream. */
  open(id: number): void {
    this.#id = id;
  }

  /** Resolves when the command has ended or the attachment is over; rejects when the shim is lost. */
  get ended(): Promise<StreamEnd> {
    return this.#ended.promise;
  }

  /** Writes to standard input; resolves when the shim may be given more. After the end it does nothing. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#over; ) {
      if (this.#window === 0) {
        this.#room ??= Promise.withResolvers<void>();
        await this.#room.promise;
        continue;
      }
      const length = Math.min(bytes.length - at, this.#window, shimBodyBytesMax);
      this.#connection.send(shimRequest.stdin, this.#id, bytes.subarray(at, at + length));
      this.#window -= length;
      at += length;
    }
  }

  /** Ends standard input when what was written has been read. */
  closeStdin(): void {
    if (!this.#over) this.#connection.send(shimRequest.closeStdin, this.#id, empty);
  }

  /** Sets the size of the terminal, in characters. */
  resize(width: number, height: number): void {
    if (this.#over) return;
    this.#connection.send(
      shimRequest.resize,
      this.#id,
      new BodyWriter().u16(width).u16(height).bytes(),
    );
  }

  /** Ends an attachment, or kills the command with its session. `ended` tells when. */
  cancel(): void {
    if (!this.#over) this.#connection.send(shimRequest.cancel, this.#id, empty);
  }

  frame(frame: ShimFrame): void {
    const body = new BodyReader(frame.body);
    if (frame.kind === shimMessage.output) this.#output(body);
    else if (frame.kind === shimMessage.report) this.onReport?.(frame.body);
    else if (frame.kind === shimMessage.stdinWindow) this.#grow(body.u32());
    else if (frame.kind === shimMessage.end) this.#end(body.i32(), body.u8());
  }

  broken(error: KernelError): void {
    this.#finish();
    this.#ended.reject(error);
  }

  #output(body: BodyReader): void {
    const name = body.u8() === shimStream.stdout ? "stdout" : "stderr";
    const leftOut = Number(body.u64());
    const bytes = body.rest();
    const taken = this.#sinks[name]?.(bytes, leftOut);
    if (taken === undefined) this.#grant(name, bytes.length);
    else void taken.finally(() => this.#grant(name, bytes.length)).catch(() => undefined);
  }

  /** Gives window back, a quarter at a time rather than after each frame. */
  #grant(name: "stdout" | "stderr", length: number): void {
    this.#owed[name] += length;
    if (this.#over || this.#owed[name] < shimWindowBytes / 4) return;
    const body = new BodyWriter().u8(shimStream[name]).u32(this.#owed[name]).bytes();
    this.#owed[name] = 0;
    this.#connection.send(shimRequest.windowAdd, this.#id, body);
  }

  #grow(bytes: number): void {
    this.#window += bytes;
    this.#room?.resolve();
    this.#room = undefined;
  }

  #end(exitCode: number, flags: number): void {
    this.#finish();
    this.#ended.resolve({
      exitCode,
      timedOut: (flags & shimEnd.timedOut) !== 0,
      stdoutCut: (flags & shimEnd.stdoutCut) !== 0,
      stderrCut: (flags & shimEnd.stderrCut) !== 0,
      heldOpen: (flags & shimEnd.heldOpen) !== 0,
      detached: (flags & shimEnd.detached) !== 0,
    });
  }

  #finish(): void {
    this.#over = true;
    this.#room?.resolve();
    this.#room = undefined;
  }
}
