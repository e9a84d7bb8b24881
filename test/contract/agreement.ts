/**
 * How far the simulated kernel agrees with the real one: every case's transcript against what it expects, which
 * contract.linux.test.ts holds against Linux. A difference is explained by the case's `differs`, or it is a fault.
 */

import type { CaseGroup } from "./cases/all.ts";
import type { ContractBed } from "./contract-bed.ts";
import type { ContractCase } from "./contract-case.ts";
import { transcriptOf } from "./run-case.ts";

export interface Difference {
  readonly group: string;
  readonly name: string;
  /** The case's explanation; undefined: nobody knows why. */
  readonly reason: string | undefined;
  readonly expected: readonly string[];
  readonly got: readonly string[];
}

export interface GroupAgreement {
  readonly name: string;
  readonly cases: number;
  readonly agree: number;
}

export interface Agreement {
  readonly groups: readonly GroupAgreement[];
  readonly differences: readonly Difference[];
  /** Cases that say they differ and do not: their explanation is out of date. */
  readonly outdated: readonly string[];
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}

/** The transcript of a case; whatever it threw is its last line. */
export async function transcriptOrError(
  bed: ContractBed,
  { run }: ContractCase,
): Promise<readonly string[]> {
  try {
    return await transcriptOf(bed, run);
  } catch (error) {
    return [`threw ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** Runs every case in the bed. `fresh` makes a new bed after a case that threw: it may have left anything behind. */
export async function agreementOf(
  groups: readonly CaseGroup[],
  fresh: () => Promise<ContractBed>,
): Promise<Agreement> {
  let bed = await fresh();
  const differences: Difference[] = [];
  const outdated: string[] = [];
  const counted: GroupAgreement[] = [];
  for (const { name: group, cases } of groups) {
    let agree = 0;
    for (const one of cases) {
      const got = await transcriptOrError(bed, one);
      if (got.at(-1)?.startsWith("threw ")) bed = await fresh();
      if (same(got, one.expect)) {
        agree++;
        if (one.differs !== undefined) outdated.push(one.name);
      } else {
        const { name, expect: expected } = one;
        differences.push({ group, name, reason: one.differs?.reason, expected, got });
      }
    }
    counted.push({ name: group, cases: cases.length, agree });
  }
  return { groups: counted, differences, outdated };
}

/** Lines of one side that the other has not, in order. */
function changed(expected: readonly string[], got: readonly string[]): readonly string[] {
  const missing = expected.filter((line) => !got.includes(line)).map((line) => `    real  ${line}`);
  const added = got.filter((line) => !expected.includes(line)).map((line) => `    sim   ${line}`);
  return missing.length + added.length > 0 ? [...missing, ...added] : ["    another order"];
}

/** The report: a table of groups, then every difference with its reason. */
export function agreementText({ groups, differences, outdated }: Agreement): string {
  const cases = groups.reduce((sum, group) => sum + group.cases, 0);
  const agree = groups.reduce((sum, group) => sum + group.agree, 0);
  const width = Math.max(...groups.map(({ name }) => name.length));
  const lines = groups.map(
    (group) => `${group.name.padEnd(width)}  ${group.agree} of ${group.cases}`,
  );
  lines.push("", `${agree} of ${cases} cases agree (${percent(agree, cases)})`);
  for (const { group, name, reason, expected, got } of differences) {
    lines.push("", `${group}: ${name}`, `  ${reason ?? "NOT EXPLAINED"}`);
    lines.push(...changed(expected, got));
  }
  for (const name of outdated) lines.push("", `${name}: agrees, its explanation is out of date`);
  return lines.join("\n");
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}
