/**
 * The trace socket: serves the ring to any number of readers, by the protocol of trace/stream-event.ts.
 *
 * A reader has a position in the ring and nothing else: events are written while its socket takes them,
 * and what the ring has overwritten meanwhile becomes a `gap`. So a reader that stops reading costs
 * 256 KiB at most and the runtime never waits for it.
 */
import { createServer, type Server, type Socket } from "node:net";
import { attributesToOtlp } from "../trace/otlp-value.ts";
import type { ResourceRecord } from "../trace/span-record.ts";
import {
  type TraceStreamBeat,
  type TraceStreamGap,
  type TraceStreamHello,
  traceStreamLineBytesMax,
  traceStreamVersion,
} from "../trace/stream-event.ts";
import type { TraceRing } from "./trace-ring.ts";

/** A reader must name its position this soon after it connected. */
const requestMs = 5000;
const beatMs = 5000;
/** Events are gathered this long before they are written: one write for a burst of ops. */
const gatherMs = 10;
/** Unsent bytes at which a reader gets nothing more until it has read. */
const unsentBytesMax = 256 * 1024;
/** Events written in one go; the runtime gets its turn between two. */
const burstMax = 200;
const readersMax = 64;

export interface TraceSocketOptions {
  readonly ring: TraceRing;
  readonly resource: ResourceRecord;
  /** Random hex, new with every start of the daemon. */
  readonly session: string;
  readonly nowNs: () => bigint;
}

interface Position {
  readonly session: string | undefined;
  readonly after: number;
}

/** What a reader asked for; undefined when the line is no request. */
function parseRequest(line: string): Position | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("type" in value)) return undefined;
  if (value.type !== "resume") return undefined;
  const session =
    "session" in value && typeof value.session === "string" ? value.session : undefined;
  const after = "after" in value ? value.after : 0;
  if (typeof after !== "number" || !Number.isSafeInteger(after) || after < 0) return undefined;
  return { session, after };
}

class Reader {
  readonly #socket: Socket;
  readonly #options: TraceSocketOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  #next = 0;
  #gathering: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;
  #quiet = true;

  constructor(socket: Socket, options: TraceSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#close());
    const impatience = setTimeout(() => socket.destroy(), requestMs);
    this.#timers.push(impatience);
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      if (this.#unlisten !== undefined) return;
      text += chunk;
      const end = text.indexOf("\n");
      if (end < 0 && text.length <= traceStreamLineBytesMax) return;
      clearTimeout(impatience);
      const position = end < 0 ? undefined : parseRequest(text.slice(0, end));
      if (position === undefined) socket.destroy();
      else this.#begin(position);
    });
  }

  #begin(position: Position): void {
    const { ring, resource, session, nowNs } = this.#options;
    const known = position.session === session && position.after <= ring.last;
    this.#next = known ? position.after + 1 : ring.oldest;
    const hello: TraceStreamHello = {
      type: "hello",
      version: traceStreamVersion,
      session,
      resource: attributesToOtlp(resource.attributes),
      nextSeq: this.#next,
    };
    this.#socket.write(`${JSON.stringify(hello)}\n`);
    this.#unlisten = ring.listen(() => this.#gather());
    this.#socket.on("drain", () => this.#send());
    const beat = setInterval(() => {
      if (this.#quiet && this.#socket.writableLength === 0) {
        const line: TraceStreamBeat = {
          type: "beat",
          seq: ring.last,
          timeUnixNano: String(nowNs()),
        };
        this.#socket.write(`${JSON.stringify(line)}\n`);
      }
      this.#quiet = true;
    }, beatMs);
    this.#timers.push(beat);
    this.#send();
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#send();
    }, gatherMs);
  }

  #send(): void {
    const { ring } = this.#options;
    let text = "";
    for (let count = 0; count < burstMax && this.#next <= ring.last; count += 1) {
      if (this.#socket.writableLength + text.length > unsentBytesMax) break;
      text += this.#line();
    }
    if (text !== "") {
      this.#quiet = false;
      this.#socket.write(text);
    }
    // More events and room for them: go on after the runtime had its turn. Without room, "drain" goes on.
    if (this.#next <= ring.last && this.#socket.writableLength <= unsentBytesMax) this.#gather();
  }

  /** The next line for this reader, which may be a gap. */
  #line(): string {
    const { ring } = this.#options;
    if (this.#next < ring.oldest) {
      const gap: TraceStreamGap = { type: "gap", from: this.#next, to: ring.oldest - 1 };
      this.#next = ring.oldest;
      return `${JSON.stringify(gap)}\n`;
    }
    const line = ring.line(this.#next) ?? "";
    this.#next += 1;
    return line;
  }

  #close(): void {
    this.#unlisten?.();
    clearTimeout(this.#gathering);
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** The stream's server. Where its socket lies and who may open it is the composition root's business. */
export class TraceServer {
  /** Not listening yet. */
  readonly server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: TraceSocketOptions) {
    this.server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      new Reader(socket, options);
    });
    this.server.maxConnections = readersMax;
  }

  /** Stops listening and ends every connection; readers come back when there is a daemon again. */
  close(): void {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
