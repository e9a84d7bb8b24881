/** The WebSocket to the dashboard's server: batches in, acknowledgements out, state for the indicator. */
import {
  attributesFromOtlp,
  parseStreamLine,
  type ResourceRecord,
  spanFromOtlp,
} from "@vitrine/runtime/trace";
import { io, type Socket } from "socket.io-client";
import { originOf, type TraceStore } from "./trace-store.ts";

export interface LiveState {
  readonly link: "connecting" | "live" | "lost";
  /** Why there is nothing to see, in words. */
  readonly problem: string | undefined;
  /** Events the daemon has given out and this page has not seen yet. */
  readonly behind: number;
  readonly missed: number;
}

interface Batch {
  readonly session: string;
  readonly gap: { readonly from: number; readonly to: number } | undefined;
  readonly lines: readonly string[];
}

interface SourceState {
  readonly connected: boolean;
  readonly problem?: string;
  readonly session: string;
  readonly resource: unknown;
  readonly announcedSeq: number;
}

export class LiveConnection {
  readonly #store: TraceStore;
  readonly #changed: (state: LiveState) => void;
  readonly #socket: Socket;
  #session = "";
  #after = 0;
  #announced = 0;
  #resource: ResourceRecord = { attributes: new Map() };
  #link: LiveState["link"] = "connecting";
  #problem: string | undefined;

  constructor(store: TraceStore, changed: (state: LiveState) => void) {
    this.#store = store;
    this.#changed = changed;
    this.#socket = io({
      path: "/live",
      transports: ["websocket"],
      auth: (give) => give({ session: this.#session, after: this.#after }),
      reconnectionDelay: 300,
      reconnectionDelayMax: 3_000,
    });
    this.#socket.on("batch", (batch: Batch, acknowledge: () => void) => {
      this.#take(batch);
      acknowledge();
    });
    this.#socket.on("state", (state: SourceState | undefined) => this.#state(state));
    this.#socket.on("disconnect", () => this.#lost("the dashboard's server is gone; trying again"));
    this.#socket.on("connect_error", () =>
      this.#lost("the dashboard's server does not answer; trying again"),
    );
  }

  close(): void {
    this.#socket.close();
  }

  #lost(problem: string): void {
    this.#link = "lost";
    this.#problem = problem;
    this.#tell();
  }

  #state(state: SourceState | undefined): void {
    if (!state) return;
    this.#link = state.connected ? "live" : "lost";
    this.#problem = state.problem;
    this.#resource = { attributes: attributesFromOtlp(state.resource) };
    if (state.connected) {
      const { provenance, facts } = originOf([this.#resource], "");
      this.#store.origin = {
        provenance: provenance === "simulated" ? provenance : "live",
        name: "",
        facts,
      };
    }
    if (state.session !== this.#session && state.session !== "") this.#begin(state.session);
    this.#announced = state.announcedSeq;
    this.#tell();
  }

  #begin(session: string): void {
    const first = this.#session === "";
    this.#session = session;
    this.#after = 0;
    if (!first) this.#store.reset();
  }

  #take(batch: Batch): void {
    if (batch.session !== this.#session) this.#begin(batch.session);
    if (batch.gap) this.#store.missed += batch.gap.to - batch.gap.from + 1;
    for (const line of batch.lines) {
      const message = parseStreamLine(line);
      if (typeof message !== "object" || (message.type !== "start" && message.type !== "end"))
        continue;
      this.#after = Math.max(this.#after, message.seq);
      const span = spanFromOtlp(message.span, this.#resource);
      if (typeof span !== "string") this.#store.sequence.add(span);
    }
    this.#announced = Math.max(this.#announced, this.#after);
    this.#store.changed();
    this.#tell();
  }

  #tell(): void {
    this.#changed({
      link: this.#link,
      problem: this.#problem,
      behind: Math.max(0, this.#announced - this.#after),
      missed: this.#store.missed,
    });
  }
}
