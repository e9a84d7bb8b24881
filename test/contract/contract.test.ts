/**
 * Every contract case on the simulated kernel, without root: at least 98 % answer as Linux does, and no difference is
 * unexplained. `node test/contract/print-agreement.ts` prints the whole agreement.
 */
import { expect, test } from "vitest";
import { agreementOf, agreementText } from "./agreement.ts";
import { simulatedPlace } from "./bed-simulated.ts";
import { caseGroups } from "./cases/all.ts";
import { ContractBed } from "./contract-bed.ts";

const agreementMin = 0.98;

test("the simulated kernel answers as the real one", { timeout: 120_000 }, async () => {
  const agreement = await agreementOf(caseGroups, () => ContractBed.open(simulatedPlace()));
  const cases = caseGroups.reduce((sum, group) => sum + group.cases.length, 0);
  const unexplained = agreement.differences.filter(({ reason }) => reason === undefined);
  const names = unexplained.map(({ name }) => name);
  expect(names, agreementText(agreement)).toEqual([]);
  expect(agreement.outdated).toEqual([]);
  expect(1 - agreement.differences.length / cases).toBeGreaterThanOrEqual(agreementMin);
});

test("two runs of a case on the same seed say the same", async () => {
  const cases = caseGroups.flatMap((group) => group.cases.slice(0, 3));
  const once = async () => {
    const bed = await ContractBed.open(simulatedPlace({ seed: 7 }));
    const said = await agreementOf([{ name: "all", cases }], async () => bed);
    return agreementText(said);
  };
  expect(await once()).toBe(await once());
});
