/** One seed, one run: byte for byte, also in two processes that know nothing of each other. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const program = join(import.meta.dirname, "vitrine.mjs");

/** Recordings of the runs, all different. */
const seen = new Set<string>();

/** What `vitrine sim` prints in a process of its own. */
function simulate(...more: readonly string[]): string {
  const argv = [program, "sim", "demo-pod", "--json", ...more];
  const { stdout } = spawnSync(process.execPath, argv, { encoding: "utf8", maxBuffer: 1 << 26 });
  return stdout;
}

const runs: readonly (readonly [string, readonly string[]])[] = [
  ["nothing goes wrong", []],
  ["a plugin fails", ["--fault", "cni:ADD=fail"]],
  ["ops fail and a shim dies", ["--fault", "mount#2=ENOSPC", "--fault", "shim=kill@150"]],
];

const patienceMs = 60_000;

describe("the same seed in two processes", { timeout: patienceMs }, () => {
  it.each(runs)("is the same recording when %s", (_, faults) => {
    const first = simulate("--seed", "7", ...faults);
    expect(first.length).toBeGreaterThan(10_000);
    expect(simulate("--seed", "7", ...faults) === first).toBe(true);
    seen.add(first);
  });

  it("is another one for other faults and for another seed", () => {
    expect(seen.add(simulate("--seed", "8")).size).toBe(runs.length + 1);
  });
});
