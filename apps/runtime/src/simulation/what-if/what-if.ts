/**
 * What if? The same pod twice, from the same seed: once as the runtime makes it, once with its container's Plan
 * edited; and what that changes, in facts of the kernel's state. Because runs of one seed are equal up to the
 * first edited op, the edited one is a fork of the other at exactly that op.
 */
import type { ContainerDescription, PodDescription } from "../../actors/pod-description.ts";
import type { ErrnoName } from "../../kernel/errno.ts";
import { messageOf, RuntimeError } from "../../kernel/errors.ts";
import type { Plan } from "../../kernel/plan.ts";
import { planToText } from "../../kernel/plan-text.ts";
import type { Process, SimulationHost } from "../../kernel/sim/index.ts";
import { idle, podOf } from "../pods.ts";
import { Stage } from "../stage.ts";
import { type EditedPlan, editPlan, type PlanEdit } from "./edit-plan.ts";
import { exposureOf, type Fact } from "./exposure.ts";

export interface WhatIfOptions {
  readonly seed: number;
  readonly host: SimulationHost;
  readonly edits: readonly PlanEdit[];
  /** The container whose Plan is edited; an idle one with a shell when unset. */
  readonly container?: Partial<ContainerDescription>;
  readonly pod?: Partial<PodDescription>;
  /** A shell command to run inside, in both runs. */
  readonly command?: string;
}

/** One of the two runs. */
export interface WhatIfRun {
  readonly plan: Plan | undefined;
  /** Why there is no container; undefined when it runs. */
  readonly failure: string | undefined;
  readonly facts: readonly Fact[];
  /** What the command printed, both streams; empty without one, or without a container. */
  readonly output: string;
}

export interface WhatIf {
  readonly original: WhatIfRun;
  readonly edited: WhatIfRun;
  /** Index of the first op that differs; undefined when the edits changed nothing. */
  readonly forkedAt: number | undefined;
  /** In sentences: what is otherwise in the edited run. */
  readonly differences: readonly string[];
}

const planName = "create container";

/** Hooks of the simulation that edit the one Plan, and keep it. */
class Editing {
  readonly #edits: readonly PlanEdit[];
  plan: Plan | undefined;
  #refusals: ReadonlyMap<number, ErrnoName> = new Map();
  failure: unknown;

  constructor(edits: readonly PlanEdit[]) {
    this.#edits = edits;
  }

  readonly editPlan = (plan: Plan): Plan => {
    if (plan.name !== planName || this.plan !== undefined) return plan;
    try {
      const edited: EditedPlan = editPlan(plan, this.#edits);
      this.plan = edited.plan;
      this.#refusals = edited.refusals;
      return edited.plan;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  };

  readonly refuse = (plan: Plan, index: number): ErrnoName | undefined =>
    plan === this.plan ? this.#refusals.get(index) : undefined;
}

function initOf(stage: Stage, containerId: string): Process | undefined {
  const record = stage.engine.parts.containers.get(containerId);
  const process = record === undefined ? undefined : stage.simulation.machine.process(record.pid);
  return process?.state === "alive" ? process : undefined;
}

async function runOnce(options: WhatIfOptions, edits: readonly PlanEdit[]): Promise<WhatIfRun> {
  const editing = new Editing(edits);
  const { editPlan: edit, refuse } = editing;
  const stage = await Stage.open({
    seed: options.seed,
    host: options.host,
    simulation: { editPlan: edit, refuse },
  });
  const pod = podOf("what-if", [idle("inside", options.container)], options.pod);
  try {
    const { containers } = await stage.play(stage.pods().runPod(stage.context, pod));
    const id = containers[0]?.id ?? "";
    const init = initOf(stage, id);
    if (init === undefined) throw new RuntimeError("INTERNAL", "its process has ended at once");
    const facts = exposureOf(stage.simulation.machine, init);
    const output = await outputOf(stage, id, options.command);
    return { plan: editing.plan, failure: undefined, facts, output };
  } catch (error) {
    // An edit that makes no sense is the caller's mistake, not a finding.
    if (editing.failure !== undefined) throw editing.failure;
    return { plan: editing.plan, failure: messageOf(error), facts: [], output: "" };
  }
}

async function outputOf(stage: Stage, containerId: string, command?: string): Promise<string> {
  if (command === undefined) return "";
  const request = { containerId, cmd: ["sh", "-c", command], timeout: 60 };
  const { stdout, stderr } = await stage.play(stage.cri.execSync(stage.context, request));
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return text(stdout) + text(stderr);
}

function forkOf(a: Plan | undefined, b: Plan | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  const [left, right] = [planToText(a), planToText(b)].map((text) =>
    text
      .split("\n")
      .slice(1)
      .map((line) =>
        line
          .trim()
          .replace(/^\d+\s+/, "")
          .replace(/\s+/g, " "),
      ),
  );
  const length = Math.max(left?.length ?? 0, right?.length ?? 0);
  for (let index = 0; index < length; index++) if (left?.[index] !== right?.[index]) return index;
  return undefined;
}

function differencesOf(original: WhatIfRun, edited: WhatIfRun): string[] {
  const sentences: string[] = [];
  if (original.failure === undefined && edited.failure !== undefined) {
    return [`no container comes of it: ${edited.failure}`];
  }
  for (const fact of edited.facts) {
    const before = original.facts.find(({ id }) => id === fact.id);
    if (before !== undefined && before.value !== fact.value) sentences.push(fact.sentence);
  }
  if (original.output !== edited.output) {
    const line = edited.output.trim().split("\n")[0] ?? "";
    sentences.push(`the command says otherwise: ${line}`);
  }
  return sentences;
}

/**
 * Runs both.
 * @throws RuntimeError INVALID_ARGUMENT when an edit names what the Plan has not
 */
export async function whatIf(options: WhatIfOptions): Promise<WhatIf> {
  const original = await runOnce(options, []);
  const edited = await runOnce(options, options.edits);
  return {
    original,
    edited,
    forkedAt: forkOf(original.plan, edited.plan),
    differences: differencesOf(original, edited),
  };
}
