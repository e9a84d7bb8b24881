/**
 * `npm run sim`: the crash machine. Scenarios on the simulated kernel, crashed after every op, or with faults
 * drawn from seeds; a finding prints the one command that replays it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { parseArgs } from "node:util";
import { optionError } from "../apps/runtime/src/cli/option-error.ts";
import { ProgramError, runProgram } from "../apps/runtime/src/cli/program-error.ts";
import { RuntimeError } from "../apps/runtime/src/kernel/errors.ts";
import { drawFaults, Machine } from "../apps/runtime/src/kernel/sim/index.ts";
import {
  type CrashOutcome,
  crashable,
  crashScenario,
  goldenTraces,
  recordGolden,
  type Scenario,
  scenarioNamed,
} from "../apps/runtime/src/simulation/index.ts";

const help = `npm run sim -- [options]     crash the runtime on the simulated kernel and look what it says

  --seeds N        N runs, each with a scenario and faults drawn from its seed (default 200)
  --from S         first seed (default 1)
  --crash ID       crash the daemon after every op and every record write of a scenario, or of "all"
  --every K        with --crash: only every Kth of them
  --scenario ID    one run of a scenario ...
  --seed S         ... with this seed (default 1)
  --fault F        ... and these faults: crash@37, mount#2=ENOSPC, cni:ADD=hang, registry=drop@4096
  --golden         make the recordings in traces/golden anew, after a change that is meant
  --json           one line a run, for programs
  --help
`;

const goldenFolder = join(import.meta.dirname, "../traces/golden");
const host = { turn: () => setImmediate() };

interface Tally {
  runs: number;
  completed: number;
  restarts: number;
  repeated: number;
  findings: number;
}

const tallies = new Map<string, Tally>();
let failed = 0;

function tally(id: string): Tally {
  const known = tallies.get(id);
  if (known !== undefined) return known;
  const fresh = { runs: 0, completed: 0, restarts: 0, repeated: 0, findings: 0 };
  tallies.set(id, fresh);
  return fresh;
}

function replay(scenario: Scenario, seed: number, faults: readonly string[]): string {
  const words = faults.map((fault) => ` --fault '${fault}'`).join("");
  return `npm run sim -- --scenario ${scenario.id} --seed ${seed}${words}`;
}

function note(
  scenario: Scenario,
  seed: number,
  faults: readonly string[],
  outcome: CrashOutcome,
  json: boolean,
): void {
  const row = tally(scenario.id);
  row.runs++;
  row.completed += outcome.completed ? 1 : 0;
  row.restarts += outcome.restarts;
  row.repeated += outcome.repeated;
  row.findings += outcome.findings.length;
  if (json) console.log(JSON.stringify({ scenario: scenario.id, seed, faults, ...outcome }));
  if (outcome.findings.length === 0) return;
  failed++;
  if (json) return;
  console.log(`\n${scenario.id}, seed ${seed}, ${faults.join(" ") || "no fault"}:`);
  for (const finding of outcome.findings.slice(0, 8)) console.log(`  ${finding}`);
  console.log(`  replay: ${replay(scenario, seed, faults)}`);
}

/** How long a scenario is without faults: the places it can be crashed at. */
async function measure(scenario: Scenario, seed: number): Promise<CrashOutcome> {
  return crashScenario({ scenario, seed, faults: [] }, host);
}

async function crashEverywhere(scenario: Scenario, every: number, json: boolean): Promise<void> {
  const whole = await measure(scenario, 1);
  note(scenario, 1, [], whole, json);
  const places = [
    ...Array.from({ length: whole.ops }, (_, index) => `crash@${index + 1}`),
    ...Array.from({ length: whole.writes }, (_, index) => `record@${index + 1}=crash`),
  ];
  for (const [index, fault] of places.entries()) {
    if (index % every !== 0) continue;
    note(
      scenario,
      1,
      [fault],
      await crashScenario({ scenario, seed: 1, faults: [fault] }, host),
      json,
    );
  }
  if (!json) {
    const { runs, findings } = tally(scenario.id);
    console.log(`${scenario.id.padEnd(22)} ${runs} runs, ${findings} findings`);
  }
}

/** One seed: which scenario, and which faults, follows from it alone. */
async function runSeed(
  seed: number,
  lengths: Map<string, CrashOutcome>,
  json: boolean,
): Promise<void> {
  const dice = new Machine({
    seed,
    hostname: "",
    release: "",
    cpuCount: 1,
    memoryTotalBytes: 0,
  });
  const scenario = crashable[dice.random() % crashable.length] as Scenario;
  const length = lengths.get(scenario.id) ?? (await measure(scenario, 1));
  lengths.set(scenario.id, length);
  const faults = drawFaults(() => dice.random(), { ops: length.ops, writes: length.writes });
  note(scenario, seed, faults, await crashScenario({ scenario, seed, faults }, host), json);
}

function table(): void {
  console.log("\nscenario                 runs  came through  restarts  repeated calls  findings");
  for (const [id, row] of tallies) {
    const cells = [row.runs, row.completed, row.restarts, row.repeated, row.findings];
    const widths = [5, 13, 9, 15, 9];
    console.log(
      id.padEnd(23) + cells.map((cell, at) => String(cell).padStart(widths[at] ?? 9)).join(" "),
    );
  }
}

function whole(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value <= 0xffff_ffff) return value;
  throw new ProgramError(`--${name} ${text}: must be a whole number from 0 to 4294967295`, 2);
}

const options = {
  seeds: { type: "string" },
  from: { type: "string" },
  crash: { type: "string" },
  every: { type: "string" },
  scenario: { type: "string" },
  seed: { type: "string" },
  fault: { type: "string", multiple: true },
  golden: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

async function renewGolden(): Promise<void> {
  mkdirSync(goldenFolder, { recursive: true });
  for (const trace of goldenTraces) {
    const file = join(goldenFolder, `${trace.name}.jsonl`);
    const before = existsSync(file) ? readFileSync(file, "utf8") : "";
    const now = await recordGolden(trace, host);
    writeFileSync(file, now);
    console.log(`${now === before ? "as it was" : "changed  "}  traces/golden/${trace.name}.jsonl`);
  }
}

function readOptions() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    const next = "npm run sim -- --help lists the options";
    throw optionError(error, process.argv.slice(2), Object.keys(options), next);
  }
}

function named(id: string): Scenario {
  try {
    return scenarioNamed(id);
  } catch (error) {
    if (error instanceof RuntimeError) throw new ProgramError(error.message, 2);
    throw error;
  }
}

async function main(): Promise<void> {
  const values = readOptions();
  if (values.help === true) {
    process.stdout.write(help);
    return;
  }
  if (values.golden === true) return renewGolden();
  const json = values.json === true;
  const began = performance.now();
  if (values.scenario !== undefined) {
    const scenario = named(values.scenario);
    const seed = whole("seed", values.seed, 1);
    const faults = values.fault ?? [];
    note(scenario, seed, faults, await crashScenario({ scenario, seed, faults }, host), json);
  } else if (values.crash !== undefined) {
    const every = Math.max(1, whole("every", values.every, 1));
    const list = values.crash === "all" ? crashable : [named(values.crash)];
    for (const scenario of list) await crashEverywhere(scenario, every, json);
  } else {
    const from = whole("from", values.from, 1);
    const count = whole("seeds", values.seeds, 200);
    const lengths = new Map<string, CrashOutcome>();
    for (let seed = from; seed < from + count; seed++) {
      await runSeed(seed, lengths, json);
      const done = seed - from + 1;
      if (process.stderr.isTTY && done % 20 === 0) process.stderr.write(`\r${done} of ${count}`);
    }
  }
  if (json) {
    if (failed > 0) process.exitCode = 1;
    return;
  }
  table();
  const runs = [...tallies.values()].reduce((sum, row) => sum + row.runs, 0);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`\n${runs} runs in ${seconds} s; ${failed} of them found something`);
  if (failed > 0) process.exitCode = 1;
}

await runProgram("npm run sim", main);
