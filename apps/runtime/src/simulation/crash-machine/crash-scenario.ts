/**
 * The crash machine. A scenario is run with a fault in it by a client that does not give up; after every start
 * of a daemon, and at the end, what the runtime says is held against what the kernel holds; in the end
 * everything must have gone, whatever happened in between.
 */
import { imageSpec } from "../../actors/pod-messages.ts";
import { messageOf } from "../../kernel/errors.ts";
import {
  residueBetween,
  type Simulation,
  type SimulationHost,
  snapshot,
} from "../../kernel/sim/index.ts";
import type { Scenario } from "../scenario.ts";
import { Stage } from "../stage.ts";
import { contradictions } from "./contradictions.ts";
import { ExitWitness } from "./exit-witness.ts";

export interface CrashRun {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly faults: readonly string[];
}

export interface CrashOutcome {
  /** Every sentence is a bug; none is what a run should have. */
  readonly findings: readonly string[];
  /** Whether the scenario itself came to its end, which a fault may prevent. */
  readonly completed: boolean;
  readonly restarts: number;
  readonly repeated: number;
  /** How many ops and record writes the daemon made: the places at which it can be crashed. */
  readonly ops: number;
  readonly writes: number;
}

/** Virtual time after which a run that is not done hangs. */
const virtualDeadlineMs = 3_600_000;

/** Everything taken down, as a kubelet that drains its node does; what cannot be is a finding. */
async function takeDown(stage: Stage): Promise<string[]> {
  const findings: string[] = [];
  const { runtime, context } = stage;
  const { items } = await runtime.listPodSandbox(context, {});
  for (const { id } of items) {
    try {
      await runtime.stopPodSandbox(context, { podSandboxId: id });
      await runtime.removePodSandbox(context, { podSandboxId: id });
    } catch (error) {
      findings.push(`pod ${id.slice(0, 12)} cannot be removed: ${messageOf(error)}`);
    }
  }
  const { images } = await runtime.listImages(context, {});
  for (const { id, pinned } of images) {
    if (pinned) continue;
    const image = imageSpec(id);
    await runtime
      .removeImage(context, { image })
      .catch((error) => findings.push(`image ${id} cannot be removed: ${messageOf(error)}`));
  }
  const snapshots = stage.engine.parts.snapshots.keys();
  if (snapshots.length > 0) findings.push(`snapshots are left: ${snapshots.join(", ")}`);
  const left = await runtime.listContainers(context, {});
  for (const { id } of left.containers)
    findings.push(`container ${id.slice(0, 12)} is still listed`);
  return findings;
}

async function playOut(stage: Stage, scenario: Scenario): Promise<boolean> {
  const { clock } = stage.simulation;
  const late = clock.sleep(virtualDeadlineMs).then(() => "late" as const);
  const played = scenario.run(stage).then(
    () => true,
    () => false,
  );
  const outcome = await Promise.race([played, late]);
  return outcome === true;
}

/** Runs a scenario with its faults. Never rejects: what goes wrong is a finding. */
export async function crashScenario(run: CrashRun, host: SimulationHost): Promise<CrashOutcome> {
  const { scenario, seed } = run;
  const findings: string[] = [];
  let stage: Stage | undefined;
  let completed = false;
  let counts: Simulation["counts"] = { ops: 0, writes: 0 };
  try {
    stage = await Stage.open({
      seed,
      host,
      stubborn: true,
      forgetSpans: true,
      ...(scenario.engine === undefined ? {} : { engine: scenario.engine }),
      simulation: {
        scheduling: "drawn",
        ...(scenario.cgroups === undefined ? {} : { cgroups: scenario.cgroups }),
        faults: [...(scenario.faults ?? []), ...run.faults],
      },
    });
    const playing = stage;
    const { machine } = playing.simulation;
    const before = snapshot(machine);
    const witness = new ExitWitness(machine);
    const look = () => {
      findings.push(...contradictions(playing), ...witness.contradictions(playing));
    };
    playing.recovered = look;
    completed = await playing.play(playOut(playing, scenario));
    look();
    // What follows is without faults: there are no places to crash at.
    counts = playing.simulation.counts;
    playing.simulation.clearFaults();
    findings.push(...(await playing.play(takeDown(playing))));
    await playing.close();
    findings.push(...residueBetween(before, snapshot(machine)));
  } catch (error) {
    findings.push(`the run broke: ${messageOf(error)}`);
  }
  return {
    findings: [...new Set(findings)],
    completed,
    restarts: stage?.stubborn?.restarts ?? 0,
    repeated: stage?.stubborn?.repeated ?? 0,
    ops: counts.ops,
    writes: counts.writes,
  };
}
