/**
 * Golden traces: recordings of simulations that are kept beside the code (traces/golden) and made again by a test.
 * Whatever changes in what the runtime does, or in what the model answers, is seen there, line by line.
 */
import type { SimulationHost } from "../kernel/sim/index.ts";
import { recordingOf, runScenario } from "./run-scenario.ts";

export interface GoldenTrace {
  /** Name of its file, without ".jsonl". */
  readonly name: string;
  readonly scenario: string;
  readonly faults: readonly string[];
}

function plain(scenario: string): GoldenTrace {
  return { name: scenario, scenario, faults: [] };
}

/** Few, so that the folder stays small: each shows a part of the runtime that the others do not. */
export const goldenTraces: readonly GoldenTrace[] = [
  plain("demo-pod"),
  plain("kubectl-apply"),
  plain("daemon-restart"),
  plain("oom-kill"),
  plain("cni-chain"),
  { name: "demo-pod-without-network", scenario: "demo-pod", faults: ["cni:ADD=fail"] },
];

const seed = 1;

/** The recording as it is now: OTLP JSON Lines. */
export async function recordGolden(
  { scenario, faults }: GoldenTrace,
  host: SimulationHost,
): Promise<string> {
  return recordingOf(await runScenario(scenario, { seed, host, faults }));
}
