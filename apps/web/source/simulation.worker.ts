/**
 * The whole runtime on its simulated kernel, in a worker of the browser: no server, no Linux, no root. Runs one
 * scenario after another; spans go to the page as they start and end, in the form recordings have.
 */
import { messageOf } from "@vitrine/runtime/kernel";
import {
  recordingOf,
  runScenario,
  type SimulationHost,
  scenarios,
} from "@vitrine/runtime/simulation";
import { type ListSpan, type OtlpSpan, spanToOtlp } from "@vitrine/runtime/trace";

export interface SimulationRequest {
  readonly scenario: string;
  readonly seed: number;
  readonly faults: readonly string[];
  /** Virtual nanoseconds a real millisecond shows; 0 runs as fast as possible. */
  readonly nsPerMs: number;
}

export interface ScenarioWords {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
}

export type SimulationMessage =
  | { readonly type: "ready"; readonly scenarios: readonly ScenarioWords[] }
  | {
      readonly type: "spans";
      /** Attributes of the OTLP resource, once, with the first batch. */
      readonly resource?: readonly (readonly [string, unknown])[];
      readonly spans: readonly OtlpSpan[];
    }
  | {
      readonly type: "done";
      readonly failure: string | undefined;
      readonly residue: readonly string[];
      readonly recording: string;
    }
  | { readonly type: "failed"; readonly reason: string };

/** Spans that started or ended since the last batch; the later word of a span wins. */
const waiting = new Map<string, ListSpan>();
let told = false;

function post(message: SimulationMessage): void {
  postMessage(message);
}

function flush(): void {
  if (waiting.size === 0) return;
  const list = [...waiting.values()];
  waiting.clear();
  const first = list[0];
  const resource = told || first === undefined ? undefined : [...first.resource.attributes];
  told = true;
  post({
    type: "spans",
    spans: list.map(spanToOtlp),
    ...(resource === undefined ? {} : { resource }),
  });
}

const channel = new MessageChannel();
const turns: (() => void)[] = [];
channel.port1.onmessage = () => turns.shift()?.();

function hostOf(nsPerMs: number): SimulationHost {
  const turn = () =>
    new Promise<void>((resolve) => {
      turns.push(resolve);
      channel.port2.postMessage(0);
    });
  if (nsPerMs <= 0) return { turn };
  return {
    turn,
    pace: (ns) => {
      flush();
      return new Promise((resolve) => setTimeout(resolve, Number(ns) / nsPerMs));
    },
  };
}

async function run(request: SimulationRequest): Promise<void> {
  told = false;
  const done = await runScenario(request.scenario, {
    seed: request.seed,
    faults: request.faults,
    host: hostOf(request.nsPerMs),
    changed: (span) => void waiting.set(span.spanId, span),
  });
  flush();
  post({
    type: "done",
    failure: done.failure,
    residue: done.residue,
    recording: recordingOf(done),
  });
}

addEventListener("message", (event: MessageEvent<SimulationRequest>) => {
  run(event.data).catch((error: unknown) => post({ type: "failed", reason: messageOf(error) }));
});

post({
  type: "ready",
  scenarios: scenarios.map(({ id, title, summary }) => ({ id, title, summary })),
});
