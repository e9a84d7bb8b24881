/** The page's end of the simulation: a worker a run, whose spans fill a store like a live stream does. */
import { type ResourceRecord, spanFromOtlp } from "@vitrine/runtime/trace";
import type { ScenarioWords, SimulationMessage, SimulationRequest } from "./simulation.worker.ts";
import { originOf, type TraceStore } from "./trace-store.ts";

export type { ScenarioWords, SimulationRequest } from "./simulation.worker.ts";

export interface SimulationState {
  readonly phase: "loading" | "ready" | "running" | "done" | "failed";
  readonly scenarios: readonly ScenarioWords[];
  /** How the run ended, in one sentence; empty before that. */
  readonly outcome: string;
}

export const noSimulation: SimulationState = { phase: "loading", scenarios: [], outcome: "" };

type Attribute = string | number | boolean;

export class SimulationRun {
  readonly #store: TraceStore;
  readonly #changed: (state: SimulationState) => void;
  #worker: Worker;
  #state: SimulationState = noSimulation;
  #resource: ResourceRecord = { attributes: new Map() };
  #request: SimulationRequest | undefined;

  constructor(store: TraceStore, changed: (state: SimulationState) => void) {
    this.#store = store;
    this.#changed = changed;
    this.#worker = this.#load();
  }

  /** Runs a scenario; a run that is under way is given up. */
  run(request: SimulationRequest): void {
    if (this.#state.phase === "running") {
      this.#worker.terminate();
      this.#worker = this.#load();
    }
    this.#store.reset();
    this.#store.origin = { provenance: "simulated", name: request.scenario, facts: [] };
    this.#request = request;
    if (this.#state.phase === "loading") return;
    this.#begin();
  }

  close(): void {
    this.#worker.terminate();
  }

  #begin(): void {
    const request = this.#request;
    this.#request = undefined;
    if (request === undefined) return;
    this.#worker.postMessage(request);
    this.#tell({ phase: "running", outcome: "" });
  }

  #load(): Worker {
    this.#tell({ phase: "loading" });
    const worker = new Worker(new URL("./simulation.worker.ts", import.meta.url), {
      type: "module",
    });
    worker.addEventListener("message", (event: MessageEvent<SimulationMessage>) =>
      this.#take(event.data),
    );
    worker.addEventListener("error", (event) => {
      const why = event.message === "" ? "it could not be loaded" : event.message;
      this.#tell({ phase: "failed", outcome: `The simulation stopped: ${why}` });
    });
    return worker;
  }

  #tell(state: Partial<SimulationState>): void {
    this.#state = { ...this.#state, ...state };
    this.#changed(this.#state);
  }

  #take(message: SimulationMessage): void {
    if (message.type === "ready") {
      this.#tell({ phase: "ready", scenarios: message.scenarios });
      this.#begin();
    } else if (message.type === "spans") {
      if (message.resource !== undefined) this.#describe(message.resource);
      for (const one of message.spans) {
        const span = spanFromOtlp(one, this.#resource);
        if (typeof span !== "string") this.#store.sequence.add(span);
      }
      this.#store.changed();
    } else if (message.type === "done") {
      const left = message.residue.length === 0 ? "nothing was left behind" : "";
      const outcome =
        message.failure === undefined
          ? `Done; ${left || `left behind: ${message.residue.join(", ")}`}.`
          : `It ended with ${message.failure}.`;
      this.#tell({ phase: "done", outcome });
    } else {
      this.#tell({ phase: "failed", outcome: message.reason });
    }
  }

  #describe(attributes: readonly (readonly [string, unknown])[]): void {
    this.#resource = {
      attributes: new Map(attributes as readonly (readonly [string, Attribute])[]),
    };
    const { facts } = originOf([this.#resource], "");
    this.#store.origin = { ...this.#store.origin, facts };
  }
}
