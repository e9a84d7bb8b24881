/**
 * Prints how far the simulated kernel agrees with the real one; needs no root.
 *
 *     node test/contract/print-agreement.ts [word in a case's name or group]
 *
 * Exit status 1 when a difference is not explained or fewer than 98 % agree.
 */
import { agreementOf, agreementText } from "./agreement.ts";
import { simulatedPlace } from "./bed-simulated.ts";
import { caseGroups } from "./cases/all.ts";
import { ContractBed } from "./contract-bed.ts";

const wanted = process.argv[2] ?? "";
const groups = caseGroups
  .map(({ name, cases }) => ({
    name,
    cases: cases.filter((one) => `${name} ${one.name}`.includes(wanted)),
  }))
  .filter(({ cases }) => cases.length > 0);
if (groups.length === 0) {
  console.error(`no case has "${wanted}" in its name; groups are:`);
  for (const { name } of caseGroups) console.error(`  ${name}`);
  process.exit(2);
}
const agreement = await agreementOf(groups, () => ContractBed.open(simulatedPlace()));
console.log(agreementText(agreement));
const cases = groups.reduce((sum, group) => sum + group.cases.length, 0);
const unexplained = agreement.differences.some(({ reason }) => reason === undefined);
const enough = agreement.differences.length <= cases * 0.02;
process.exit(unexplained || !enough ? 1 : 0);
