import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { drawFaults, Machine } from "../../kernel/sim/index.ts";
import { crashable, scenarioNamed } from "../scenarios.ts";
import { crashScenario } from "./crash-scenario.ts";

const host = { turn: () => setImmediate() };
const demo = scenarioNamed("demo-pod");

/** In CI a sample; `npm run sim -- --crash all` and `--seeds 1000` do the rest. */
const everyOp = 9;
const seeds = 40;

describe("crash machine", () => {
  it("a daemon may die after any op of the demo pod, and nothing is lost, doubled or left", async () => {
    const whole = await crashScenario({ scenario: demo, seed: 1, faults: [] }, host);
    expect(whole).toMatchObject({ findings: [], completed: true, restarts: 0 });
    expect(whole.ops).toBeGreaterThan(200);
    const found: string[] = [];
    let died = 0;
    for (let op = 1; op <= whole.ops; op += everyOp) {
      const faults = [`crash@${op}`];
      const { findings, completed, restarts } = await crashScenario(
        { scenario: demo, seed: 1, faults },
        host,
      );
      found.push(...findings.map((finding) => `${faults[0]}: ${finding}`));
      if (!completed) found.push(`${faults[0]}: the pod was not run to its end`);
      died += restarts;
    }
    // But for those that die in their first start, which is no restart.
    expect(died).toBeGreaterThan((0.8 * whole.ops) / everyOp);
    expect(found).toEqual([]);
  }, 120_000);

  it("a daemon may die after any record it writes", async () => {
    const { writes } = await crashScenario({ scenario: demo, seed: 1, faults: [] }, host);
    const found: string[] = [];
    for (let write = 1; write <= writes; write++) {
      const faults = [`record@${write}=crash`];
      const { findings } = await crashScenario({ scenario: demo, seed: 1, faults }, host);
      found.push(...findings.map((finding) => `${faults[0]}: ${finding}`));
    }
    expect(found).toEqual([]);
  }, 120_000);

  it("a daemon may die while two calls are under way: both clients see it, and start one new daemon", async () => {
    const scenario = scenarioNamed("pause");
    const { writes } = await crashScenario({ scenario, seed: 1, faults: [] }, host);
    const found: string[] = [];
    for (let write = 2; write <= writes; write += 4) {
      const faults = [`record@${write}=crash`];
      const { findings, restarts } = await crashScenario({ scenario, seed: 1, faults }, host);
      found.push(...findings.map((finding) => `${faults[0]}: ${finding}`));
      expect(restarts).toBeLessThanOrEqual(1);
    }
    expect(found).toEqual([]);
  }, 120_000);

  it("a shim may die after any op: what it leaves is killed before it is said to have ended", async () => {
    const { ops } = await crashScenario({ scenario: demo, seed: 1, faults: [] }, host);
    const found: string[] = [];
    for (let op = 3; op <= ops; op += everyOp) {
      const faults = [`shim=kill@${op}`];
      const { findings } = await crashScenario({ scenario: demo, seed: 1, faults }, host);
      found.push(...findings.map((finding) => `${faults[0]}: ${finding}`));
    }
    expect(found).toEqual([]);
  }, 120_000);

  it("random faults in random scenarios leave no contradiction and no residue", async () => {
    const found: string[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const options = { seed, hostname: "", release: "", cpuCount: 1, memoryTotalBytes: 0 };
      const dice = new Machine(options);
      const scenario = crashable[dice.random() % crashable.length] ?? demo;
      const faults = drawFaults(() => dice.random(), { ops: 400, writes: 20 });
      const { findings } = await crashScenario({ scenario, seed, faults }, host);
      const words = faults.map((fault) => ` --fault '${fault}'`).join("");
      const replay = `npm run sim -- --scenario ${scenario.id} --seed ${seed}${words}`;
      found.push(...findings.map((finding) => `${finding}\n  ${replay}`));
    }
    expect(found).toEqual([]);
  }, 120_000);
});
