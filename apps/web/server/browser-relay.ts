/**
 * From the ring to browsers. Each browser is served at its own pace: one batch is under way at a time
 * and the next one waits for its acknowledgement, so a slow or stopped tab costs one batch of memory
 * and meets a gap when the ring has moved on. Browsers send nothing but where they want to resume.
 */
import type { Server as HttpServer } from "node:http";
import { Server, type Socket } from "socket.io";
import type { AccessGuard } from "./access-guard.ts";
import type { TraceSource } from "./trace-source.ts";

const batchCountMax = 512;
const batchCharsMax = 512 << 10;
const browsersMax = 32;
/** A tab that does not acknowledge for this long is cut off; it comes back by itself. */
const acknowledgeMsMax = 30_000;
const stateEveryMs = 2_000;

/** What a browser may say when it connects: where it was. */
interface Place {
  readonly session: string;
  readonly after: number;
}

function placeOf(auth: unknown): Place {
  const value = (typeof auth === "object" && auth !== null ? auth : {}) as Record<string, unknown>;
  const session = typeof value["session"] === "string" ? value["session"].slice(0, 64) : "";
  const after = value["after"];
  return {
    session,
    after: typeof after === "number" && Number.isSafeInteger(after) && after >= 0 ? after : 0,
  };
}

class Browser {
  readonly #socket: Socket;
  readonly #source: TraceSource;
  #session: string;
  #after: number;
  #busy = false;

  constructor(socket: Socket, source: TraceSource, place: Place) {
    this.#socket = socket;
    this.#source = source;
    this.#session = place.session;
    this.#after = place.after;
  }

  greet(): void {
    this.#socket.emit("state", this.#source.state);
    this.pump();
  }

  sendState(): void {
    // Volatile: a state that cannot be sent now is stale by the time it could be.
    this.#socket.volatile.emit("state", this.#source.state);
  }

  /** Sends the next batch unless one is under way. */
  pump(): void {
    if (this.#busy || !this.#socket.connected) return;
    const { session } = this.#source.state;
    if (session !== this.#session) {
      this.#session = session;
      this.#after = 0;
    }
    const { entries, gap } = this.#source.ring.after(this.#after, batchCountMax, batchCharsMax);
    const last = entries.at(-1);
    if (!last) return;
    this.#busy = true;
    const batch = { session, gap, lines: entries.map((entry) => entry.line) };
    this.#socket.timeout(acknowledgeMsMax).emit("batch", batch, (late: Error | null) => {
      this.#busy = false;
      if (late) {
        this.#socket.disconnect(true);
        return;
      }
      this.#after = last.seq;
      this.pump();
    });
  }
}

export class BrowserRelay {
  readonly #server: Server;
  readonly #browsers = new Set<Browser>();
  readonly #timer: NodeJS.Timeout;
  #source: TraceSource | undefined;
  #pumping = false;

  constructor(http: HttpServer, guard: AccessGuard) {
    this.#server = new Server(http, {
      path: "/live",
      transports: ["websocket"],
      serveClient: false,
      maxHttpBufferSize: 64 << 10,
      perMessageDeflate: false,
      connectTimeout: 5_000,
      allowRequest: (request, decide) => {
        const { method = "", url = "", headers } = request;
        const verdict = guard.check({ method, url, headers }, true);
        const full = this.#browsers.size >= browsersMax;
        decide(full ? "too many browsers" : null, verdict.kind === "pass" && !full);
      },
    });
    this.#server.on("connection", (socket) => this.#greet(socket));
    this.#timer = setInterval(() => this.#each((browser) => browser.sendState()), stateEveryMs);
    this.#timer.unref();
  }

  attach(source: TraceSource): void {
    this.#source = source;
  }

  /** Tells browsers that there may be more to send; many calls in a row become one round. */
  wake(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#each((browser) => browser.pump());
    });
  }

  /** Tells browsers at once that the connection to the daemon changed. */
  announce(): void {
    this.#each((browser) => browser.sendState());
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#server.close();
  }

  #each(act: (browser: Browser) => void): void {
    for (const browser of this.#browsers) act(browser);
  }

  #greet(socket: Socket): void {
    const source = this.#source;
    if (!source) {
      socket.emit("state", undefined);
      return;
    }
    const browser = new Browser(socket, source, placeOf(socket.handshake.auth));
    this.#browsers.add(browser);
    socket.on("disconnect", () => this.#browsers.delete(browser));
    // Nothing else is expected from a browser; whoever talks anyway is no page of ours.
    socket.onAny(() => socket.disconnect(true));
    browser.greet();
  }
}
