/** The page's end of the simulation: a worker, whose spans fill a store like a live stream does. */
import { type ResourceRecord, spanFromOtlp } from "@vitrine/runtime/trace";
import type {
  ResourceWords,
  RunMessage,
  ScenarioWords,
  SimulationMessage,
  SimulationOrder,
  SimulationRequest,
} from "./simulation.worker.ts";
import { originOf, type TraceStore } from "./trace-store.ts";

export type { ScenarioWords, SimulationRequest } from "./simulation.worker.ts";

export interface SimulationState {
  readonly phase: "loading" | "ready" | "running" | "done" | "stopped" | "failed";
  readonly scenarios: readonly ScenarioWords[];
  /** How the run ended, in one sentence; empty before that. */
  readonly outcome: string;
  /** Whether it ended as the scenario wants it, with nothing left behind. */
  readonly good: boolean;
  /** What the run left on the simulated machine. */
  readonly residue: readonly string[];
  /** Number of the run that is shown; the page has had so many. */
  readonly run: number;
  /** Its scenario, its spans so far, and how long they took on the simulated machine's clock. */
  readonly scenario: string;
  readonly paced: boolean;
  readonly steps: number;
  readonly elapsedNs: bigint;
}

const noRun = {
  outcome: "",
  good: true,
  residue: [],
  scenario: "",
  paced: false,
  steps: 0,
  elapsedNs: 0n,
};

export const noSimulation: SimulationState = { phase: "loading", scenarios: [], run: 0, ...noRun };

/** A worker that does not stop in this time when it is told is ended. */
const stopMsMax = 1_000;

type Attribute = string | number | boolean;

export class SimulationRun {
  readonly #store: TraceStore;
  readonly #changed: (state: SimulationState) => void;
  #worker: Worker;
  #state: SimulationState = noSimulation;
  #resources: ResourceRecord[] = [];
  #steps = new Set<string>();
  #firstNs: bigint | undefined;
  #request: SimulationRequest | undefined;
  /** Whether the worker is beyond use: it could not be loaded, or it threw where nobody catches. */
  #broken = false;

  constructor(store: TraceStore, changed: (state: SimulationState) => void) {
    this.#store = store;
    this.#changed = changed;
    this.#worker = this.#load();
  }

  /** Runs a scenario; a run that is under way is given up. */
  run(request: SimulationRequest): void {
    this.#store.reset();
    this.#store.origin = { provenance: "simulated", name: request.scenario, facts: [] };
    this.#resources = [];
    this.#steps = new Set();
    this.#firstNs = undefined;
    this.#request = request;
    const paced = request.nsPerMs > 0;
    this.#tell({ ...noRun, scenario: request.scenario, paced, run: this.#state.run + 1 });
    if (this.#broken) this.#loadAnew();
    if (this.#state.phase !== "loading") this.#begin();
  }

  /** Gives the run up; what is drawn stays. */
  stop(): void {
    if (this.#state.phase !== "running") return;
    this.#order({ type: "stop" });
    const { run } = this.#state;
    setTimeout(() => {
      if (this.#state.run !== run || this.#state.phase !== "running") return;
      this.#loadAnew();
      this.#take({ type: "stopped" });
    }, stopMsMax);
  }

  close(): void {
    this.#worker.terminate();
  }

  #begin(): void {
    const request = this.#request;
    this.#request = undefined;
    if (request === undefined) return;
    this.#order({ type: "run", run: this.#state.run, request });
    this.#tell({ phase: "running" });
  }

  #order(order: SimulationOrder): void {
    this.#worker.postMessage(order);
  }

  #loadAnew(): void {
    this.#worker.terminate();
    this.#worker = this.#load();
  }

  #load(): Worker {
    this.#broken = false;
    this.#tell({ phase: "loading" });
    const worker = new Worker(new URL("./simulation.worker.ts", import.meta.url), {
      type: "module",
    });
    worker.addEventListener("message", (event: MessageEvent<SimulationMessage>) =>
      this.#hear(event.data),
    );
    worker.addEventListener("error", (event) => {
      const why = event.message ? event.message : "it could not be loaded";
      this.#broken = true;
      this.#tell({ phase: "failed", good: false, outcome: `The simulation stopped: ${why}` });
    });
    return worker;
  }

  #tell(state: Partial<SimulationState>): void {
    this.#state = { ...this.#state, ...state };
    this.#changed(this.#state);
  }

  #hear(message: SimulationMessage): void {
    if (message.type === "ready") {
      const phase = this.#state.phase === "loading" ? "ready" : this.#state.phase;
      this.#tell({ phase, scenarios: message.scenarios });
      this.#begin();
    } else if (message.run === this.#state.run) {
      this.#take(message);
    }
  }

  #take(message: RunMessage): void {
    if (message.type === "spans") {
      this.#draw(message);
    } else if (message.type === "done") {
      const { failure, residue } = message;
      const left =
        residue.length === 0 ? "nothing was left behind" : `left behind: ${residue.length}`;
      const outcome =
        failure === undefined ? `Done; ${left}.` : `It ended with ${failure}; ${left}.`;
      const good = failure === undefined && residue.length === 0;
      this.#tell({ phase: "done", outcome, residue, good });
    } else if (message.type === "stopped") {
      const outcome = "Stopped; the picture shows what had happened until then.";
      this.#tell({ phase: "stopped", outcome });
    } else {
      this.#tell({ phase: "failed", good: false, outcome: message.reason });
    }
  }

  #draw({ resources, spans }: Extract<RunMessage, { type: "spans" }>): void {
    for (const words of resources) this.#describe(words);
    let { elapsedNs } = this.#state;
    for (const [number, one] of spans) {
      const span = spanFromOtlp(one, this.#resources[number] ?? { attributes: new Map() });
      if (typeof span === "string") continue;
      this.#store.sequence.add(span);
      this.#steps.add(span.spanId);
      this.#firstNs ??= span.startNs;
      const untilNs = (span.endNs ?? span.startNs) - this.#firstNs;
      if (untilNs > elapsedNs) elapsedNs = untilNs;
    }
    this.#store.changed();
    this.#tell({ steps: this.#steps.size, elapsedNs });
  }

  #describe(words: ResourceWords): void {
    this.#resources.push({
      attributes: new Map(words as readonly (readonly [string, Attribute])[]),
    });
    const { facts, cast } = originOf(this.#resources, "");
    this.#store.origin = { ...this.#store.origin, facts, cast };
  }
}
