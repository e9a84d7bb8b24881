/**
 * The daemon's trace socket, read for ever: connects, asks for what follows the last event it has,
 * and comes back with a growing pause when the daemon goes away. Filling the ring never waits for browsers.
 */
import { connect, type Socket } from "node:net";
import {
  parseStreamLine,
  type TraceStreamHello,
  type TraceStreamMessage,
  traceStreamLineBytesMax,
} from "@vitrine/runtime/trace";
import { EventRing } from "./event-ring.ts";

export interface SourceState {
  readonly connected: boolean;
  /** Why not, in words for the page. */
  readonly problem: string | undefined;
  readonly session: string;
  readonly resource: TraceStreamHello["resource"];
  /** Last number the daemon said it gave out, and last one that arrived here. */
  readonly announcedSeq: number;
  readonly lastSeq: number;
}

const pauseFirstMs = 250;
const pauseMaxMs = 4_000;
/** The daemon says something every 5 seconds; three missed beats are a dead connection. */
const silenceMsMax = 16_000;

function explain(error: NodeJS.ErrnoException, path: string): string {
  if (error.code === "ENOENT") return "vitrined is not running";
  if (error.code === "ECONNREFUSED") return "vitrined is not running";
  if (error.code === "EACCES") return `no permission to read ${path}`;
  return `the trace socket: ${error.message}`;
}

export class TraceSource {
  readonly ring = new EventRing(100_000, 96 << 20);
  readonly #path: string;
  readonly #changed: () => void;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = pauseFirstMs;
  #stopped = false;
  #connected = false;
  #problem: string | undefined = "connecting to vitrined";
  #hello: TraceStreamHello | undefined;
  #announced = 0;

  /** `changed` is called after new events and after changes of state; it must be cheap. */
  constructor(path: string, changed: () => void) {
    this.#path = path;
    this.#changed = changed;
  }

  get state(): SourceState {
    return {
      connected: this.#connected,
      problem: this.#problem,
      session: this.#hello?.session ?? "",
      resource: this.#hello?.resource ?? [],
      announcedSeq: Math.max(this.#announced, this.ring.lastSeq),
      lastSeq: this.ring.lastSeq,
    };
  }

  start(): void {
    if (this.#stopped) return;
    const socket = connect(this.#path);
    this.#socket = socket;
    let buffered: string[] = [];
    let bufferedChars = 0;
    let failure: string | undefined;
    socket.setEncoding("utf8");
    socket.setTimeout(silenceMsMax, () => socket.destroy(new Error("vitrined went silent")));
    socket.on("connect", () => {
      const request = { type: "resume", session: this.#hello?.session, after: this.ring.lastSeq };
      socket.write(`${JSON.stringify(request)}\n`);
    });
    socket.on("data", (chunk: string) => {
      const parts = chunk.split("\n");
      for (let index = 0; index < parts.length - 1; index++) {
        const line = buffered.join("") + (parts[index] ?? "");
        buffered = [];
        bufferedChars = 0;
        if (line !== "") this.#line(line);
      }
      const rest = parts.at(-1) ?? "";
      if (rest !== "") buffered.push(rest);
      bufferedChars += rest.length;
      if (bufferedChars > traceStreamLineBytesMax) {
        socket.destroy(new Error("a line of the trace stream is too long"));
      }
      this.#changed();
    });
    socket.on("error", (error) => {
      failure = explain(error, this.#path);
    });
    socket.on("close", () => {
      this.#connected = false;
      this.#problem = failure ?? "vitrined closed the trace stream";
      this.#changed();
      if (this.#stopped) return;
      this.#timer = setTimeout(() => this.start(), this.#pauseMs);
      this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMaxMs);
    });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #line(line: string): void {
    const message = parseStreamLine(line);
    if (typeof message === "string") {
      this.#socket?.destroy(new Error(message));
    } else if (message) {
      this.#take(message, line);
    }
  }

  #take(message: TraceStreamMessage, line: string): void {
    if (message.type === "hello") {
      // A new daemon counts from the beginning: what the old one said is another session's.
      if (this.#hello?.session !== message.session) this.ring.clear();
      this.#hello = message;
      this.#announced = message.nextSeq - 1;
      this.#connected = true;
      this.#problem = undefined;
      this.#pauseMs = pauseFirstMs;
    } else if (message.type === "beat") {
      this.#announced = message.seq;
    } else if (message.type === "start" || message.type === "end") {
      this.ring.push({ seq: message.seq, line });
    }
    // A gap needs no note of its own: the ring shows it by the missing numbers.
  }
}
