/** What the crash machine has found in the engine and what was mended: each with the run that showed it. */
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { scenarioNamed } from "../scenarios.ts";
import { crashScenario } from "./crash-scenario.ts";

const host = { turn: () => setImmediate() };

/** Scenario, seed, faults, and what used to go wrong. */
const mended: readonly (readonly [string, number, readonly string[], string])[] = [
  [
    "liveness-restart",
    223,
    ["removeTree#4=ENOSPC", "oom@322", "shim=kill@55"],
    "a pod that failed, and whose files could not be removed, was in no list: its name stayed taken",
  ],
];

for (const [id, seed, faults, story] of mended) {
  it(`mended: ${story}`, async () => {
    const outcome = await crashScenario({ scenario: scenarioNamed(id), seed, faults }, host);
    expect(outcome.findings).toEqual([]);
  });
}
