/**
 * Generated cases on both kernels: results, errnos and what the probe sees at the end are the same. The seed is fixed;
 * VITRINE_CONTRACT_RUNS asks for more runs, VITRINE_CONTRACT_SEED and VITRINE_CONTRACT_PATH replay one.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { opToText } from "../../apps/runtime/src/kernel/plan-text.ts";
import { linuxPlace } from "./bed-linux.ts";
import { simulatedPlace } from "./bed-simulated.ts";
import { ContractBed } from "./contract-bed.ts";
import { themes } from "./generated-cases.ts";
import type { Theme } from "./generated-theme.ts";
import { transcriptOf } from "./run-case.ts";

const runs = Number(process.env["VITRINE_CONTRACT_RUNS"] ?? 150);
const seed = Number(process.env["VITRINE_CONTRACT_SEED"] ?? 20261124);
const path = process.env["VITRINE_CONTRACT_PATH"];

let real: ContractBed;
let simulated: ContractBed;

beforeAll(async () => {
  real = await ContractBed.open(linuxPlace());
  simulated = await ContractBed.open(simulatedPlace());
});

afterAll(async () => {
  await real.close();
  await simulated.close();
});

/** What to do with a disagreement: read the ops, replay it, keep it. */
function counterexample(
  theme: Theme,
  draws: readonly (readonly Parameters<typeof opToText>[0][])[],
  details: { seed: number; counterexamplePath: string | null; numRuns: number; numShrinks: number },
): string {
  const replay = [
    `VITRINE_CONTRACT_SEED=${details.seed} VITRINE_CONTRACT_PATH=${details.counterexamplePath}`,
    `npx vitest run --project linux test/contract/generated.linux.test.ts -t "${theme.name}"`,
  ].join(" ");
  return [
    `the kernels disagree after ${details.numRuns} runs and ${details.numShrinks} shrinks on:`,
    ...draws.flat().map((op) => `  ${opToText(op)}`),
    `replay: ${replay}`,
    `then it belongs into test/contract/cases/found.ts: ${JSON.stringify(draws.flat())}`,
  ].join("\n");
}

test.each(themes)(
  "generated: $name",
  async (theme) => {
    const property = fc.asyncProperty(theme.draws, async (draws) => {
      const scenario = theme.scenario(draws.flat());
      const expected = await transcriptOf(real, scenario);
      const got = await transcriptOf(simulated, scenario);
      expect(got).toEqual(expected);
    });
    const details = await fc.check(property, {
      seed,
      numRuns: runs,
      endOnFailure: false,
      ...(path === undefined ? {} : { path }),
    });
    if (!details.failed) return;
    const draws = details.counterexample?.[0] ?? [];
    const cause = details.errorInstance;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${counterexample(theme, draws, details)}\n${said}`);
  },
  600_000,
);
