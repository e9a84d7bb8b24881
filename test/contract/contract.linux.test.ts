/** Every contract case on the real kernel: what the cases expect is what Linux does. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linuxPlace } from "./bed-linux.ts";
import { caseGroups } from "./cases/all.ts";
import { ContractBed } from "./contract-bed.ts";
import { transcriptOf } from "./run-case.ts";

let bed: ContractBed;

beforeAll(async () => {
  bed = await ContractBed.open(linuxPlace());
});

afterAll(() => bed.close());

test("case names are unique", () => {
  const names = caseGroups.flatMap(({ cases }) => cases.map(({ name }) => name));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

for (const { name, cases } of caseGroups) {
  describe(name, () => {
    test.each(cases)("$name", async ({ run, expect: expected }) => {
      expect(await transcriptOf(bed, run)).toEqual(expected);
    });
  });
}
