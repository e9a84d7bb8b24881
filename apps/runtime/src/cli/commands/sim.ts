/** `vitrine sim`: a scenario on the simulated kernel. Needs no daemon, no root and no Linux. */
import type { EngineOptions } from "../../engine/engine-options.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import { recordingOf, runScenario, type ScenarioRun, scenarios } from "../../simulation/index.ts";
import type { Level } from "../../trace/catalogue.ts";
import { renderMermaid } from "../../trace/mermaid.ts";
import { Sequence } from "../../trace/sequence.ts";
import { orderLifelines, type SequenceView, viewCall } from "../../trace/sequence-view.ts";
import { renderText } from "../../trace/text.ts";
import type { Command, CommandInput } from "../command.ts";
import { nearestName } from "../config/nearest-name.ts";
import { engineOptions } from "../engine-settings.ts";
import { ProgramError } from "../program-error.ts";
import { readConfig } from "../read-config.ts";
import { seedOf } from "../seed.ts";
import { quickHost } from "../simulation-host.ts";
import { programVersion } from "../version.ts";

const widthDefault = 120;

function listScenarios({ json, print }: CommandInput): void {
  if (json) {
    print(JSON.stringify(scenarios.map(({ id, title, summary }) => ({ id, title, summary }))));
    return;
  }
  const width = Math.max(...scenarios.map(({ id }) => id.length));
  for (const { id, title } of scenarios) print(`${id.padEnd(width)}  ${title}`);
}

function levelOf(text: string): Level {
  if (/^[1-4]$/.test(text)) return Number(text) as Level;
  throw new ProgramError(`--level ${text}: must be 1, 2, 3 or 4`, 2);
}

/** All calls of a run below each other on common lifelines. */
function viewOf(run: ScenarioRun, level: Level): SequenceView {
  const sequence = new Sequence();
  sequence.addAll(run.spans);
  const views = sequence
    .calls()
    .filter((call) => !call.poll)
    .map((call) => viewCall(call, level));
  return {
    lifelines: orderLifelines(views.flatMap((view) => view.lifelines)),
    rows: views.flatMap((view) => view.rows),
  };
}

function widthOf(text: string | undefined): number {
  if (text === undefined) return process.stdout.columns ?? widthDefault;
  if (/^\d{2,3}$/.test(text)) return Number(text);
  throw new ProgramError(`--width ${text}: must be a number of columns from 10 to 999`, 2);
}

function printText(run: ScenarioRun, view: SequenceView, input: CommandInput): void {
  const { print } = input;
  const { scenario, stage } = run;
  print(`SIMULATED  ${scenario.title}  (seed ${stage.options.seed})`);
  const width = widthOf(input.options["width"] as string | undefined);
  const colour = process.stdout.isTTY === true;
  for (const line of renderText(view, { width, colour })) print(line);
}

/** What a configuration file says of pods and containers; paths and sockets of the real daemon mean nothing here. */
function configured(path: string): Partial<EngineOptions> {
  const settings = readConfig(path);
  const { sandboxImage, runtimes, cgroupParentDefault, unsetSeccompProfile, pidsLimit, shmBytes } =
    engineOptions(settings, programVersion(), "", undefined);
  const defaultRuntime = settings.defaultRuntimeName;
  return {
    sandboxImage,
    runtimes,
    defaultRuntime,
    cgroupParentDefault,
    unsetSeccompProfile,
    pidsLimit,
    shmBytes,
  };
}

async function simulate(input: CommandInput, id: string): Promise<ScenarioRun> {
  const { options } = input;
  const faults = options["fault"] as unknown as readonly string[] | undefined;
  const config = options["config"] as string | undefined;
  try {
    return await runScenario(id, {
      seed: seedOf(String(options["seed"] ?? "1")),
      faults: faults ?? [],
      host: quickHost,
      ...(config === undefined ? {} : { stage: { engine: configured(config) } }),
    });
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    const meant =
      error.code === "NOT_FOUND"
        ? nearestName(
            id,
            scenarios.map((one) => one.id),
          )
        : undefined;
    const hint = meant === undefined ? "" : `\ndid you mean ${meant}?`;
    throw new ProgramError(`${error.message}${hint}`, 2);
  }
}

export const sim: Command = {
  usage: "sim [SCENARIO]",
  summary: "run a scenario on the simulated kernel; without a name, list them",
  help: [
    "--seed N      same seed, same run, byte for byte (default 1)",
    "--fault F     something that goes wrong, as often as you like: mount#2=ENOSPC, crash@37,",
    "              op@37=EIO, cni:ADD=hang, registry=drop@4096, shim=kill@12",
    "--config FILE a config.toml, Vitrine's or containerd's, for what it says of pods",
    "--level N     1 calls, 2 steps (default), 3 system calls, 4 what the kernel saw",
    "--text        a sequence diagram of characters (default)",
    "--width N     columns of that diagram (default: the terminal's, or 120)",
    "--mermaid     a sequence diagram in Mermaid's language",
    "--json        the recording, as OTLP JSON Lines",
    "",
    "Needs no daemon, no root and no Linux.",
  ],
  options: {
    seed: { type: "string" },
    fault: { type: "string", multiple: true },
    config: { type: "string" },
    level: { type: "string" },
    text: { type: "boolean" },
    width: { type: "string" },
    mermaid: { type: "boolean" },
  },
  wordsMin: 0,
  wordsMax: 1,
  async run(input) {
    const { words, options, json, print } = input;
    const [id] = words;
    if (id === undefined) return listScenarios(input);
    const level = levelOf(String(options["level"] ?? "2"));
    const run = await simulate(input, id);
    const view = viewOf(run, level);
    if (json) print(recordingOf(run).trimEnd());
    else if (options["mermaid"] === true) {
      print(renderMermaid(view, { title: run.scenario.title, mark: "SIMULATED" }).trimEnd());
    } else printText(run, view, input);
    if (run.failure !== undefined) throw new ProgramError(run.failure);
    if (run.residue.length > 0) {
      throw new ProgramError(`left behind: ${run.residue.join(", ")}`);
    }
  },
};
