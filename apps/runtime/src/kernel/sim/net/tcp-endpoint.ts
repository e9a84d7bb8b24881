/** One end of a TCP connection (tcp(7)): what has arrived, and how the other side ended it. */
import { refuse } from "../refusal.ts";
import { type Coroutine, WaitQueue } from "../task.ts";
import { ByteQueue } from "./byte-queue.ts";

/** Receive buffer: net.ipv4.tcp_rmem's default. */
const bufferBytes = 131_072;

export interface EndpointAddress {
  readonly ip: string;
  readonly port: number;
}

export class TcpEndpoint {
  readonly local: EndpointAddress;
  readonly remote: EndpointAddress;
  readonly readable = new WaitQueue();
  readonly writable = new WaitQueue();
  readonly #received = new ByteQueue();
  /** The other end; set by `join`. */
  peer: TcpEndpoint | undefined;
  /** Somebody outside of the model who takes what arrives at once. */
  service: ((bytes: Uint8Array) => void) | undefined;
  #closed = false;
  /** The other side sends no more. */
  #ended = false;
  /** The other side has thrown the connection away; told once by ECONNRESET, then EPIPE. */
  #reset = false;
  #resetTold = false;

  constructor(local: EndpointAddress, remote: EndpointAddress) {
    this.local = local;
    this.remote = remote;
  }

  get isReset(): boolean {
    return this.#reset;
  }

  /** Whether a read would not wait. */
  get hasInput(): boolean {
    return this.#received.size > 0 || this.#ended || this.#reset;
  }

  *read(length: number, nonblocking: boolean): Coroutine<Uint8Array> {
    for (;;) {
      if (this.#received.size > 0) {
        const taken = this.#received.take(length);
        this.peer?.writable.wake();
        return taken;
      }
      if (this.#reset && !this.#ended && !this.#resetTold) {
        this.#resetTold = true;
        refuse("ECONNRESET");
      }
      if (this.#ended || this.#reset) return this.#received.take(0);
      if (nonblocking) refuse("EAGAIN");
      yield { on: [this.readable] };
    }
  }

  *write(data: Uint8Array, nonblocking: boolean): Coroutine<number> {
    if (data.length === 0) return 0;
    for (;;) {
      if (this.#reset) {
        if (this.#ended || this.#resetTold) refuse("EPIPE");
        this.#resetTold = true;
        refuse("ECONNRESET");
      }
      const { peer } = this;
      if (peer === undefined || peer.#closed) {
        // The other side answers with RST: this write is lost, the next one is told.
        this.#reset = true;
        return data.length;
      }
      const room = bufferBytes - peer.#received.size;
      if (room > 0) {
        const taken = data.slice(0, room);
        peer.#arrive(taken);
        return taken.length;
      }
      if (nonblocking) refuse("EAGAIN");
      yield { on: [this.writable] };
    }
  }

  #arrive(bytes: Uint8Array): void {
    if (this.service !== undefined) {
      this.service(bytes);
      return;
    }
    this.#received.push(bytes);
    this.readable.wake();
  }

  /** What a service outside sends back. */
  deliver(bytes: Uint8Array): void {
    if (!this.#closed) this.#arrive(bytes);
  }

  /** close(2): FIN; or RST when bytes were left unread. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const unread = this.#received.size > 0;
    this.#received.clear();
    const { peer } = this;
    if (peer === undefined || peer.#closed) return;
    if (unread) peer.#reset = true;
    else peer.#ended = true;
    peer.readable.wake();
    peer.writable.wake();
  }
}

/** Two ends of one connection. Addresses are those each side sees: translation may lie between them. */
export function join(a: TcpEndpoint, b: TcpEndpoint): void {
  a.peer = b;
  b.peer = a;
}
