/**
 * What if? The same container twice, from the same seed: once as the runtime makes it, once with its Plan
 * edited; and what that changes, in facts of the kernel's state. Because runs of one seed are equal up to the
 * first edited op, the edited one is a fork of the other at exactly that op. Either can be stopped at an op.
 */
import type { ContainerDescription, PodDescription } from "../../actors/pod-description.ts";
import { messageOf, RuntimeError } from "../../kernel/errors.ts";
import { type OpReport, type Plan, PlanBuilder } from "../../kernel/plan.ts";
import type { Process, SimulationHost } from "../../kernel/sim/index.ts";
import { idle, podOf } from "../pods.ts";
import { idMappings, makeShared, shellContainer } from "../stacks/user-namespace.ts";
import { Stage } from "../stage.ts";
import type { PlanEdit } from "./edit-plan.ts";
import { exposureOf, type Fact } from "./exposure.ts";
import { firstDifference, PlanFork } from "./plan-fork.ts";

/** Which container it is: one of a pod, as a kubelet has it made, or one alone with a user namespace of its own. */
export type WhatIfSubject = "pod" | "userNamespace";

export interface WhatIfOptions {
  readonly seed: number;
  readonly host: SimulationHost;
  readonly edits: readonly PlanEdit[];
  /** Unset is "pod". */
  readonly subject?: WhatIfSubject;
  /** Settings of the container whose Plan is edited; it is an idle one with a shell. */
  readonly container?: Partial<ContainerDescription>;
  readonly pod?: Partial<PodDescription>;
  /** A shell command to run inside, in both runs. Only in pods. */
  readonly command?: string;
  /** Stops both runs after this op, from 0 as the listing of the Plan counts; the facts are those of that moment. */
  readonly untilOp?: number;
}

/** One of the two runs. */
export interface WhatIfRun {
  readonly plan: Plan | undefined;
  /** Why there is no container; undefined when it runs, or when the run was stopped before. */
  readonly failure: string | undefined;
  readonly facts: readonly Fact[];
  /** What the command printed, both streams; empty without one, or without a container. */
  readonly output: string;
  /** What the op answered at which the run was stopped. */
  readonly stoppedAt: OpReport | undefined;
  /** Index of the first op that is refused because an edit says so. */
  readonly refusedAt: number | undefined;
}

export interface WhatIf {
  readonly original: WhatIfRun;
  readonly edited: WhatIfRun;
  /** Index of the first op that differs or is refused; undefined when the edits changed nothing. */
  readonly forkedAt: number | undefined;
  /** In sentences: what is otherwise in the edited run. */
  readonly differences: readonly string[];
}

interface Looked {
  readonly facts: readonly Fact[];
  readonly output: string;
}

function aliveProcess(stage: Stage, pid: number): Process {
  const process = stage.simulation.machine.process(pid);
  if (process?.state === "alive") return process;
  throw new RuntimeError("INTERNAL", "its process has ended at once");
}

async function outputOf(stage: Stage, containerId: string, command?: string): Promise<string> {
  if (command === undefined) return "";
  const request = { containerId, cmd: ["sh", "-c", command], timeout: 60 };
  const { stdout, stderr } = await stage.cri.execSync(stage.context, request);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return text(stdout) + text(stderr);
}

async function lookIntoPod(stage: Stage, options: WhatIfOptions): Promise<Looked> {
  const pod = podOf("what-if", [idle("inside", options.container)], options.pod);
  const { containers } = await stage.pods().runPod(stage.context, pod);
  const id = containers[0]?.id ?? "";
  const init = aliveProcess(stage, stage.engine.parts.containers.get(id)?.pid ?? 0);
  const facts = exposureOf(stage.simulation.machine, init);
  return { facts, output: await outputOf(stage, id, options.command) };
}

async function lookIntoLone(stage: Stage, options: WhatIfOptions): Promise<Looked> {
  await makeShared(stage, stage.context);
  const container = await shellContainer(stage, stage.context, {
    args: ["sleep", "3600"],
    idMappings,
    ...(options.container === undefined ? {} : { container: options.container }),
  });
  await container.create(stage.context);
  await container.start(stage.context);
  const init = aliveProcess(stage, container.pid);
  return { facts: exposureOf(stage.simulation.machine, init), output: "" };
}

/** As systemd leaves a host: what is mounted anywhere is mounted in every copy of the tree. */
const shareMounts = new PlanBuilder("share mounts")
  .add("host", { op: "propagate", path: "/", propagation: "shared", recursive: true })
  .build();

async function runOnce(options: WhatIfOptions, edits: readonly PlanEdit[]): Promise<WhatIfRun> {
  const fork = new PlanFork(edits, options.untilOp);
  const { editPlan, refuse, onOp } = fork;
  const { seed, host, subject } = options;
  const stage = await Stage.open({ seed, host, simulation: { editPlan, refuse, onOp } });
  fork.machine = stage.simulation.machine;
  const look = subject === "userNamespace" ? lookIntoLone : lookIntoPod;
  const nothing = { facts: [], output: "", failure: undefined, stoppedAt: undefined } as const;
  try {
    const halted = fork.halted.then(({ facts, report }) => ({ facts, stoppedAt: report }));
    await stage.play(stage.world.kernel.run(stage.context, shareMounts));
    const looked = await stage.play(Promise.race([look(stage, options), halted]));
    return { ...nothing, plan: fork.plan, refusedAt: fork.refusedAt, ...looked };
  } catch (error) {
    // An edit that makes no sense is the caller's mistake, not a finding.
    if (fork.mistake !== undefined) throw fork.mistake;
    const { plan, refusedAt } = fork;
    return { ...nothing, plan, refusedAt, failure: messageOf(error) };
  }
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

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
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
    forkedAt: earlier(firstDifference(original.plan, edited.plan), edited.refusedAt),
    differences: differencesOf(original, edited),
  };
}
