/**
 * One connection to a shim: frames out, frames in, each request with its answer. When it breaks, everything that
 * was asked for rejects with a KernelError of op "shim".
 */
import type { Socket } from "node:net";
import { errnoName } from "../errno.ts";
import { errnoText } from "../errno-text.ts";
import { KernelError } from "../errors.ts";
import {
  BodyReader,
  encodeFrame,
  FrameSplitter,
  type ShimFrame,
  shimMessage,
  shimNoOp,
  shimProtocol,
} from "./shim-wire.ts";
import { processNames } from "./wire-numbers.ts";

/** What the shim says of itself when a connection opens. */
export interface ShimHello {
  readonly pid: number;
  readonly startTime: number;
  readonly podId: string;
}

/** A request that is under way. */
export interface Exchange {
  /** Gets every frame of the request but its REPLY and ERROR. */
  frame?(frame: ShimFrame): void;
  /** The connection broke; called instead of further frames, also after the REPLY. */
  broken?(error: KernelError): void;
}

/** What an ERROR frame says. */
export interface ShimFailure {
  readonly errno: string;
  /** Index of the op in its Plan; -1 when it was none. */
  readonly index: number;
  readonly process: string;
  readonly detail: string;
}

/** A refused request, before whoever asked has said what it was for. */
export class ShimRefusal extends Error {
  readonly failure: ShimFailure;

  constructor(failure: ShimFailure) {
    super(`${failure.detail}: ${failure.errno}, ${errnoText(failure.errno)}`);
    this.name = "ShimRefusal";
    this.failure = failure;
  }
}

function readFailure(body: BodyReader): ShimFailure {
  const errno = errnoName(body.i32());
  const index = body.u16();
  const process = processNames[body.u8()] ?? "oci";
  return { errno, index: index === shimNoOp ? -1 : index, process, detail: body.string() };
}

export interface ConnectionEvents {
  /** A frame with id 0. */
  event(frame: ShimFrame): void;
  /** The connection ended without close() having been called. */
  lost(error: KernelError): void;
}

interface Open {
  readonly exchange: Exchange;
  readonly answered: (body: BodyReader) => void;
  readonly refused: (error: Error) => void;
  replied: boolean;
}

export class ShimConnection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #splitter = new FrameSplitter();
  readonly #open = new Map<number, Open>();
  readonly #hello = Promise.withResolvers<ShimHello>();
  #lastId = 0;
  #closed: KernelError | undefined;

  /** Takes the socket over. */
  constructor(socket: Socket, events: ConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#hello.promise.catch(() => undefined);
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.on("error", (error) => this.#break(error.message));
    socket.on("close", () => this.#break("its connection closed"));
  }

  /** Resolves with the shim's first words. */
  get hello(): Promise<ShimHello> {
    return this.#hello.promise;
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Sends a request; resolves with its REPLY, rejects with a ShimRefusal or, when the shim is lost, a KernelError. */
  request(
    kind: number,
    body: Uint8Array,
    exchange: Exchange = {},
    blob?: Uint8Array,
  ): { readonly id: number; readonly reply: Promise<BodyReader> } {
    this.#lastId = this.#lastId >= 0xffffffff ? 1 : this.#lastId + 1;
    while (this.#open.has(this.#lastId)) this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<BodyReader>();
    if (this.#closed) {
      reject(this.#closed);
    } else {
      this.#open.set(id, { exchange, answered: resolve, refused: reject, replied: false });
      this.send(kind, id, body, blob);
    }
    return { id, reply: promise };
  }

  /** Sends a frame of a request that is under way. */
  send(kind: number, id: number, body: Uint8Array, blob?: Uint8Array): void {
    if (this.#closed) return;
    this.#socket.cork();
    for (const part of encodeFrame(kind, id, body, blob)) this.#socket.write(part);
    this.#socket.uncork();
  }

  /** Nothing more is expected for this request. */
  finish(id: number): void {
    this.#open.delete(id);
  }

  /** Ends the connection; what is under way rejects, `lost` is not told. */
  close(): void {
    if (this.#closed) return;
    this.#closed = lostError("the connection was closed");
    this.#reject(this.#closed);
    this.#socket.destroy();
  }

  /** Resolves when the shim, which was told to end, has closed its end; `lost` is not told. */
  async untilEnd(): Promise<void> {
    if (this.#closed) return;
    this.#closed = lostError("it was shut down");
    this.#reject(this.#closed);
    if (!this.#socket.closed)
      await new Promise<void>((resolve) => this.#socket.once("close", resolve));
  }

  #break(reason: string): void {
    if (this.#closed) return;
    this.#closed = lostError(reason);
    this.#socket.destroy();
    this.#reject(this.#closed);
    this.#events.lost(this.#closed);
  }

  #reject(error: KernelError): void {
    this.#hello.reject(error);
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { exchange, refused, replied } of open) {
      if (!replied) refused(error);
      exchange.broken?.(error);
    }
  }

  #received(bytes: Buffer): void {
    try {
      for (const frame of this.#splitter.push(bytes)) this.#dispatch(frame);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#break(`it sent what is no frame: ${error.message}`);
    }
  }

  #dispatch(frame: ShimFrame): void {
    if (frame.kind === shimMessage.hello) {
      this.#greeted(new BodyReader(frame.body));
      return;
    }
    if (frame.id === 0) {
      this.#events.event(frame);
      return;
    }
    const open = this.#open.get(frame.id);
    if (open === undefined) return;
    if (frame.kind === shimMessage.reply) {
      open.replied = true;
      // A stream goes on after its reply, until its END.
      if (open.exchange.broken === undefined) this.#open.delete(frame.id);
      open.answered(new BodyReader(frame.body));
    } else if (frame.kind === shimMessage.error) {
      this.#open.delete(frame.id);
      open.refused(new ShimRefusal(readFailure(new BodyReader(frame.body))));
    } else {
      if (frame.kind === shimMessage.end) this.#open.delete(frame.id);
      open.exchange.frame?.(frame);
    }
  }

  #greeted(body: BodyReader): void {
    const protocol = body.u16();
    if (protocol !== shimProtocol) {
      this.#break(`it speaks protocol ${protocol}, not ${shimProtocol}`);
      return;
    }
    this.#hello.resolve({
      pid: body.i32(),
      startTime: Number(body.u64()),
      podId: body.string(),
    });
  }
}

function lostError(reason: string): KernelError {
  return new KernelError({
    errno: "ECONNRESET",
    op: "shim",
    detail: reason,
    message: `the shim is lost: ${reason}`,
  });
}
