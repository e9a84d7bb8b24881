/**
 * The whole runtime on its simulated kernel, in a worker of the browser: no server, no Linux, no root. Runs one
 * scenario after another; spans go to the page as they start and end, in the form recordings have.
 */
import { messageOf } from "@vitrine/runtime/kernel";
import { runScenario, type SimulationHost, scenarios } from "@vitrine/runtime/simulation";
import {
  type ListSpan,
  type OtlpSpan,
  type ResourceRecord,
  spanToOtlp,
} from "@vitrine/runtime/trace";

export interface SimulationRequest {
  readonly scenario: string;
  readonly seed: number;
  readonly faults: readonly string[];
  /** Virtual nanoseconds a real millisecond shows; 0 runs as fast as possible. */
  readonly nsPerMs: number;
}

/** What the page tells: runs are numbered, so that nothing of a former one gets into the picture of the next. */
export type SimulationOrder =
  | { readonly type: "run"; readonly run: number; readonly request: SimulationRequest }
  | { readonly type: "stop" };

export interface ScenarioWords {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  /** What is said to learners, by step id. */
  readonly narration: Readonly<Record<string, string>>;
}

/** Attributes of an OTLP resource. A run with a guest has two: the guest's steps are drawn with its own cast. */
export type ResourceWords = readonly (readonly [string, unknown])[];

export type RunMessage =
  | {
      readonly type: "spans";
      /** Resources that spans name for the first time; they are numbered in the order in which they come. */
      readonly resources: readonly ResourceWords[];
      readonly spans: readonly (readonly [resource: number, span: OtlpSpan])[];
    }
  | {
      readonly type: "done";
      readonly failure: string | undefined;
      readonly residue: readonly string[];
    }
  | { readonly type: "stopped" }
  | { readonly type: "failed"; readonly reason: string };

export type SimulationMessage =
  | { readonly type: "ready"; readonly scenarios: readonly ScenarioWords[] }
  | (RunMessage & { readonly run: number });

/** Often enough for a picture that grows, seldom enough to cost nothing. */
const flushEveryMs = 60;
/** Timers of a browser are no finer than some milliseconds: shorter waits are added up. */
const restMsMin = 12;
/** Nobody watches a clock: a longer wait of the simulated machine is shown as this long. */
const restMsMax = 1_500;

function post(message: SimulationMessage): void {
  postMessage(message);
}

const channel = new MessageChannel();
const turns: (() => void)[] = [];
channel.port1.onmessage = () => turns.shift()?.();

/** One run on its way to the page. */
class Show {
  readonly run: number;
  readonly #nsPerMs: number;
  /** Spans that started or ended since the last batch; the later word of a span wins. */
  readonly #waiting = new Map<string, ListSpan>();
  readonly #numbers = new Map<ResourceRecord, number>();
  #flushedMs = performance.now();
  #owedMs = 0;
  #over = false;

  constructor(run: number, nsPerMs: number) {
    this.run = run;
    this.#nsPerMs = nsPerMs;
  }

  /** Given up: the run waits for a turn that never comes, and is forgotten with everything it holds. */
  end(message: RunMessage): void {
    if (this.#over) return;
    this.#flush();
    this.#over = true;
    post({ ...message, run: this.run });
  }

  changed(span: ListSpan): void {
    if (!this.#over) this.#waiting.set(span.spanId, span);
  }

  host(): SimulationHost {
    const turn = () => this.#turn();
    return this.#nsPerMs <= 0 ? { turn } : { turn, pace: (ns) => this.#pace(ns) };
  }

  #turn(): Promise<void> {
    if (!this.#over && performance.now() - this.#flushedMs > flushEveryMs) this.#flush();
    return new Promise<void>((resolve) => {
      if (this.#over) return;
      turns.push(resolve);
      channel.port2.postMessage(0);
    });
  }

  async #pace(ns: bigint): Promise<void> {
    this.#owedMs += Number(ns) / this.#nsPerMs;
    if (this.#owedMs < restMsMin) return;
    const restMs = Math.min(this.#owedMs, restMsMax);
    this.#owedMs = 0;
    this.#flush();
    await new Promise((resolve) => setTimeout(resolve, restMs));
  }

  #flush(): void {
    this.#flushedMs = performance.now();
    if (this.#waiting.size === 0 || this.#over) return;
    const resources: ResourceWords[] = [];
    const spans = [...this.#waiting.values()].map(
      (span) => [this.#numberOf(span.resource, resources), spanToOtlp(span)] as const,
    );
    this.#waiting.clear();
    post({ type: "spans", run: this.run, resources, spans });
  }

  #numberOf(resource: ResourceRecord, fresh: ResourceWords[]): number {
    const known = this.#numbers.get(resource);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(resource, number);
    fresh.push([...resource.attributes]);
    return number;
  }
}

/** After a crash somebody has to start the daemon again and ask again, as systemd and a kubelet do. */
function crashes(faults: readonly string[]): boolean {
  return faults.some((fault) => /^(?:crash@|record@.*=crash$)/.test(fault));
}

async function play(request: SimulationRequest, show: Show): Promise<void> {
  const { failure, residue } = await runScenario(request.scenario, {
    seed: request.seed,
    faults: request.faults,
    host: show.host(),
    changed: (span) => show.changed(span),
    ...(crashes(request.faults) ? { stage: { stubborn: true } } : {}),
  });
  show.end({ type: "done", failure, residue });
}

let current: Show | undefined;

addEventListener("message", ({ data }: MessageEvent<SimulationOrder>) => {
  current?.end({ type: "stopped" });
  current = undefined;
  if (data.type === "stop") return;
  const show = new Show(data.run, data.request.nsPerMs);
  current = show;
  play(data.request, show).catch((error: unknown) => {
    show.end({ type: "failed", reason: messageOf(error) });
  });
});

post({
  type: "ready",
  scenarios: scenarios.map(({ id, title, summary, narration }) => ({
    id,
    title,
    summary,
    narration,
  })),
});
