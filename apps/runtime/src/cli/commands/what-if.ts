/** `vitrine what-if`: a container as the runtime makes it, beside one whose Plan has been edited. */
import type { ErrnoName } from "../../kernel/errno.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import type { OpName } from "../../kernel/op.ts";
import { opToText } from "../../kernel/plan-text.ts";
import { opNames } from "../../kernel/sim/index.ts";
import {
  classicMistakes,
  type Fact,
  mistakeNamed,
  type PlanEdit,
  type WhatIf,
  type WhatIfOptions,
  type WhatIfRun,
  whatIf,
} from "../../simulation/index.ts";
import { cellsOf, fitCells } from "../../trace/printable.ts";
import type { Command, CommandInput } from "../command.ts";
import { nearestName } from "../config/nearest-name.ts";
import { ProgramError } from "../program-error.ts";
import { seedOf } from "../seed.ts";
import { quickHost } from "../simulation-host.ts";

const columnMax = 58;

function wrong(message: string): never {
  throw new ProgramError(message, 2);
}

function listMistakes({ json, print }: CommandInput): void {
  if (json) {
    print(JSON.stringify(classicMistakes.map(({ id, title, why }) => ({ id, title, why }))));
    return;
  }
  const width = Math.max(...classicMistakes.map(({ id }) => id.length));
  for (const { id, title } of classicMistakes) print(`${id.padEnd(width)}  ${title}`);
}

/** The option's values, as often as it was given. */
function valuesOf({ options }: CommandInput, name: string): readonly string[] {
  return (options[name] as unknown as readonly string[] | undefined) ?? [];
}

/** "mount#2" is the second mount, "mount" the first one. */
function choiceOf(option: string, text: string): { readonly op: OpName; readonly nth?: number } {
  const [name = "", nth, ...rest] = text.split("#");
  if (!(opNames as readonly string[]).includes(name)) {
    const near = nearestName(name, opNames);
    wrong(`${option} ${text}: there is no op "${name}"${near ? `; did you mean ${near}?` : ""}`);
  }
  const op = name as OpName;
  if (nth === undefined) return { op };
  if (!/^[1-9]\d{0,5}$/.test(nth) || rest.length > 0) {
    wrong(`${option} ${text}: behind # stands which one it is, from 1 on`);
  }
  return { op, nth: Number(nth) };
}

function ownEdits(input: CommandInput): readonly PlanEdit[] {
  const drops = valuesOf(input, "drop").map((text): PlanEdit => {
    const choice = choiceOf("--drop", text);
    return { kind: "drop", choice, all: choice.nth === undefined };
  });
  const refusals = valuesOf(input, "refuse").map((text): PlanEdit => {
    const [left = "", errno, ...rest] = text.split("=");
    if (errno === undefined || errno === "" || rest.length > 0) {
      wrong(`--refuse ${text}: must be OP=ERRNO, as in pivotRoot=EPERM`);
    }
    return {
      kind: "refuse",
      choice: choiceOf("--refuse", left),
      errno: errno.toUpperCase() as ErrnoName,
    };
  });
  return [...drops, ...refusals];
}

function untilOf(text: string | undefined): { readonly untilOp?: number } {
  if (text === undefined) return {};
  if (!/^\d{1,6}$/.test(text)) wrong(`--until ${text}: must be the number of an op, from 0 on`);
  return { untilOp: Number(text) };
}

function requestOf(
  input: CommandInput,
): { readonly title: string; readonly why: string } & Pick<
  WhatIfOptions,
  "edits" | "subject" | "container" | "pod"
> {
  const [id] = input.words;
  const edits = ownEdits(input);
  if (id === undefined) {
    const subject = input.options["user-namespace"] === true ? "userNamespace" : "pod";
    return { title: "An edited Plan", why: "", edits, subject };
  }
  if (input.options["user-namespace"] === true) {
    wrong("--user-namespace is for edits of your own: a mistake knows where it is made");
  }
  const { exposes: _, id: __, ...mistake } = mistakeNamed(id);
  return { ...mistake, edits: [...mistake.edits, ...edits] };
}

/** A fact, marked when it is what an attacker hopes for. */
function factText({ exposed, sentence }: Fact): string {
  return `${exposed ? "!" : " "} ${sentence}`;
}

function runLines(run: WhatIfRun): readonly string[] {
  return run.failure === undefined ? run.facts.map(factText) : [`✕ no container: ${run.failure}`];
}

/** Two columns; what does not fit is cut, and stands whole among the differences. */
function printSides({ original, edited }: WhatIf, print: (line: string) => void): void {
  const left = ["  as the runtime makes it", ...runLines(original)];
  const right = ["  as it is edited", ...runLines(edited)];
  const width = Math.min(columnMax, Math.max(...left.map(cellsOf)));
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    print(`${fitCells(left[index] ?? "", width)}   ${right[index] ?? ""}`.trimEnd());
  }
}

function opAt(run: WhatIfRun, index: number): string {
  const step = run.plan?.steps[index];
  return step === undefined ? "the end" : `${step.process} ${opToText(step.op)}`;
}

function printResult(title: string, why: string, result: WhatIf, input: CommandInput): void {
  const { print } = input;
  const { original, edited, forkedAt, differences } = result;
  print(`SIMULATED  ${title}  (seed ${input.options["seed"] ?? "1"})`);
  if (why !== "") print(why);
  if (forkedAt !== undefined) {
    print(`The runs part at op ${forkedAt}: ${opAt(original, forkedAt)}`);
    const refused = edited.refusedAt === forkedAt ? ", which is refused" : "";
    print(`                   edited: ${opAt(edited, forkedAt)}${refused}`);
  }
  if (edited.stoppedAt !== undefined) {
    print(`Stopped after op ${edited.stoppedAt.index}: ${opAt(edited, edited.stoppedAt.index)}`);
  }
  print("");
  printSides(result, print);
  print("");
  print(differences.length === 0 ? "Nothing is otherwise." : "What is otherwise:");
  for (const sentence of differences) print(`  ${sentence}`);
}

function sideOf({ plan, failure, facts, stoppedAt }: WhatIfRun): object {
  return {
    failure: failure ?? null,
    stoppedAt: stoppedAt?.index ?? null,
    facts,
    plan: plan?.steps.map(({ process, op }) => ({ process, op: op.op, text: opToText(op) })) ?? [],
  };
}

async function run(input: CommandInput): Promise<void> {
  const { words, options, json, print } = input;
  const own = ownEdits(input).length > 0 || options["until"] !== undefined;
  if (options["list"] === true || (words.length === 0 && !own)) return listMistakes(input);
  const { title, why, ...request } = requestOf(input);
  const result = await whatIf({
    ...request,
    ...untilOf(options["until"] as string | undefined),
    seed: seedOf(String(options["seed"] ?? "1")),
    host: quickHost,
  });
  if (!json) return printResult(title, why, result, input);
  const { original, edited, forkedAt, differences } = result;
  const sides = { original: sideOf(original), edited: sideOf(edited) };
  print(JSON.stringify({ title, forkedAt: forkedAt ?? null, differences, ...sides }));
}

export const whatIfCommand: Command = {
  usage: "what-if [MISTAKE]",
  summary:
    "break a container's Plan on the simulated kernel; without a name, list classic mistakes",
  help: [
    "--list            the classic mistakes",
    "--drop OP         leave every OP out; mount#2 is the second one alone. As often as you like",
    "--refuse OP=ERRNO the kernel refuses it: pivotRoot=EPERM. As often as you like",
    "--until N         stop both runs after op N, as the Plan's listing counts, and look there",
    "--user-namespace  own edits in a container with a user namespace, alone; otherwise one of a pod",
    "--seed N          same seed, same run (default 1)",
    "--json            both runs with their facts and Plans",
    "",
    "Needs no daemon, no root and no Linux. ! marks what an attacker hopes for.",
  ],
  options: {
    list: { type: "boolean" },
    drop: { type: "string", multiple: true },
    refuse: { type: "string", multiple: true },
    until: { type: "string" },
    "user-namespace": { type: "boolean" },
    seed: { type: "string" },
  },
  wordsMin: 0,
  wordsMax: 1,
  async run(input) {
    try {
      await run(input);
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      const ids = classicMistakes.map(({ id }) => id);
      const near = error.code === "NOT_FOUND" ? nearestName(input.words[0] ?? "", ids) : undefined;
      wrong(`${error.message}${near === undefined ? "" : `\ndid you mean ${near}?`}`);
    }
  },
};
