/** Runs one case in a bed and gives its transcript. Whatever it made is taken away again. */
import type { ContractBed } from "./contract-bed.ts";
import { CaseRun, type Scenario } from "./contract-case.ts";

export function transcriptOf(bed: ContractBed, scenario: Scenario): Promise<readonly string[]> {
  return bed.place.drive(runScenario(bed, scenario));
}

async function runScenario(bed: ContractBed, scenario: Scenario): Promise<readonly string[]> {
  const run = new CaseRun(bed);
  try {
    await scenario(run);
  } finally {
    await run.end();
  }
  return run.transcript;
}
