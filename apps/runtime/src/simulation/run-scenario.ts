/** Runs a scenario from its first op to the taking down of everything, and says what came of it. */
import { messageOf, RuntimeError } from "../kernel/errors.ts";
import {
  isRefusal,
  type Residue,
  residueBetween,
  type SimulationHost,
  snapshot,
} from "../kernel/sim/index.ts";
import type { ListSpan } from "../trace/list-tracer.ts";
import { serialiseRecording } from "../trace/otlp.ts";
import type { Scenario } from "./scenario.ts";
import { scenarioNamed } from "./scenarios.ts";
import { Stage, type StageOptions } from "./stage.ts";

export interface ScenarioOptions {
  readonly seed: number;
  readonly host: SimulationHost;
  /** Faults on top of the scenario's own, in the grammar of kernel/sim/fault. */
  readonly faults?: readonly string[];
  readonly changed?: (span: ListSpan) => void;
  readonly stage?: Pick<StageOptions, "engine" | "simulation" | "forgetSpans" | "stubborn">;
  /** Called with the stage before the scenario plays. */
  readonly prepared?: (stage: Stage) => void;
}

export interface ScenarioRun {
  readonly scenario: Scenario;
  readonly stage: Stage;
  /** In order of their start. */
  readonly spans: readonly ListSpan[];
  /** What went wrong in the scenario's own view; undefined when it ran through. */
  readonly failure: string | undefined;
  /** What is there now and was not there before. */
  readonly residue: Residue;
}

function failureOf(error: unknown): string {
  if (error instanceof RuntimeError) return `${error.code}: ${error.message}`;
  if (isRefusal(error)) return `${error.errno}, refused to the scenario itself: ${error.detail}`;
  return messageOf(error);
}

/** Runs the scenario of this id. RuntimeError NOT_FOUND for an unknown id, INVALID_ARGUMENT for a bad fault. */
export async function runScenario(id: string, options: ScenarioOptions): Promise<ScenarioRun> {
  const scenario = scenarioNamed(id);
  const stage = await Stage.open({
    ...options.stage,
    seed: options.seed,
    host: options.host,
    scenario: scenario.id,
    ...(scenario.cast === undefined ? {} : { cast: scenario.cast }),
    ...(options.changed === undefined ? {} : { changed: options.changed }),
    engine: { ...scenario.engine, ...options.stage?.engine },
    simulation: {
      ...(scenario.cgroups === undefined ? {} : { cgroups: scenario.cgroups }),
      ...options.stage?.simulation,
      faults: [...(scenario.faults ?? []), ...(options.faults ?? [])],
    },
  });
  options.prepared?.(stage);
  const before = snapshot(stage.simulation.machine);
  let failure: string | undefined;
  try {
    await stage.play(scenario.run(stage));
  } catch (error) {
    failure = failureOf(error);
  }
  await stage.close();
  const residue = residueBetween(before, snapshot(stage.simulation.machine));
  return { scenario, stage, spans: stage.tracer.spans, failure, residue };
}

/** The run as a recording: OTLP JSON Lines. */
export function recordingOf(run: ScenarioRun): string {
  return serialiseRecording(run.spans);
}
