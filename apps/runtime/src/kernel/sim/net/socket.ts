/** A socket: what an fd made by socket(2) refers to. What it can do depends on what it has become. */
import type { NetNamespace } from "../namespace.ts";
import { refuse } from "../refusal.ts";
import { type Coroutine, WaitQueue } from "../task.ts";
import type { Inode } from "../vfs/inode.ts";
import type { Stream } from "../vfs/open-file.ts";
import type { EndpointAddress, TcpEndpoint } from "./tcp-endpoint.ts";

export type Protocol = "tcp" | "udp" | "unix" | "raw";

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly from: EndpointAddress;
}

/** Datagrams a socket keeps: as many as net.core.rmem_default takes of small ones. */
const datagramsMax = 256;

export class Socket implements Stream {
  readonly protocol: Protocol;
  /** Where it was made; it stays there whatever its owner does. */
  readonly namespace: NetNamespace;
  bound: EndpointAddress | undefined;
  /** Key in the namespace's table of bound sockets. */
  key: string | undefined;
  /** Path of a unix socket, and the file it made there. */
  path = "";
  inode: Inode | undefined;
  backlog: TcpEndpoint[] | undefined;
  backlogMax = 0;
  endpoint: TcpEndpoint | undefined;
  /** Peer of a connected udp socket. */
  remote: EndpointAddress | undefined;
  /** An ICMP error that the next call tells. */
  isRefused = false;
  readonly #datagrams: Datagram[] = [];
  readonly #events = new WaitQueue();
  #closing: (() => void) | undefined;

  constructor(protocol: Protocol, namespace: NetNamespace) {
    this.protocol = protocol;
    this.namespace = namespace;
  }

  /** Connections to accept, datagrams, bytes. */
  get readable(): WaitQueue {
    return this.endpoint?.readable ?? this.#events;
  }

  /** Called when the last fd is closed. */
  onClose(work: () => void): void {
    this.#closing = work;
  }

  /** A new connection; false when the backlog is full: the SYN is dropped. */
  offer(endpoint: TcpEndpoint): boolean {
    if (this.backlog === undefined || this.backlog.length >= this.backlogMax) return false;
    this.backlog.push(endpoint);
    this.#events.wake();
    return true;
  }

  *nextConnection(nonblocking: boolean): Coroutine<TcpEndpoint> {
    for (;;) {
      const { backlog } = this;
      if (backlog === undefined) return refuse("EINVAL");
      const next = backlog.shift();
      if (next !== undefined) return next;
      if (nonblocking) refuse("EAGAIN");
      yield { on: [this.#events] };
    }
  }

  push(datagram: Datagram): void {
    if (this.#datagrams.length < datagramsMax) this.#datagrams.push(datagram);
    this.#events.wake();
  }

  refuseNext(): void {
    this.isRefused = true;
    this.#events.wake();
  }

  /** The next datagram; undefined when `untilNs` has passed. */
  *nextDatagram(
    nonblocking: boolean,
    untilNs?: bigint,
    nowNs?: () => bigint,
  ): Coroutine<Datagram | undefined> {
    for (;;) {
      if (this.isRefused) {
        this.isRefused = false;
        refuse("ECONNREFUSED");
      }
      const next = this.#datagrams.shift();
      if (next !== undefined) return next;
      if (nonblocking) refuse("EAGAIN");
      if (untilNs !== undefined && (nowNs?.() ?? 0n) >= untilNs) return undefined;
      yield untilNs === undefined ? { on: [this.#events] } : { on: [this.#events], untilNs };
    }
  }

  *read(length: number, nonblocking: boolean): Coroutine<Uint8Array> {
    if (this.endpoint !== undefined) return yield* this.endpoint.read(length, nonblocking);
    if (this.protocol === "tcp" || this.protocol === "unix") refuse("ENOTCONN");
    const datagram = yield* this.nextDatagram(nonblocking);
    return (datagram?.bytes ?? new Uint8Array(0)).subarray(0, length);
  }

  *write(data: Uint8Array, nonblocking: boolean): Coroutine<number> {
    if (this.endpoint !== undefined) return yield* this.endpoint.write(data, nonblocking);
    if (this.protocol === "tcp" || this.protocol === "unix") {
      return refuse(this.protocol === "tcp" ? "EPIPE" : "ENOTCONN");
    }
    if (this.send === undefined) return refuse("ENOTCONN");
    this.send(data);
    return data.length;
  }

  /** Sends a datagram to the connected peer. */
  send: ((data: Uint8Array) => void) | undefined;

  close(): void {
    this.#closing?.();
    this.endpoint?.close();
    for (const waiting of this.backlog ?? []) waiting.close();
    this.backlog = undefined;
    this.#events.wake();
  }
}
