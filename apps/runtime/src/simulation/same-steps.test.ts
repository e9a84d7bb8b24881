/**
 * The same pod on Linux and on the simulated kernel: the same steps. The recording in traces/real is compared with
 * a simulation of the same scenario, level by level, without what must differ: ids, times, pids.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Call, parseRecording, Sequence, type SpanRecord, viewCall } from "../trace/index.ts";
import { runScenario } from "./run-scenario.ts";

const recording = join(import.meta.dirname, "../../../../traces/real/demo-pod.jsonl");
const host = { turn: () => setImmediate() };

/** Arrows of every call at a level, in the order of the calls. */
function arrows(spans: readonly SpanRecord[], level: 0 | 1 | 2 | 3): string[] {
  const sequence = new Sequence();
  sequence.addAll(spans);
  const calls: readonly Call[] = sequence.calls().filter((call) => !call.poll);
  return calls.flatMap((call) =>
    viewCall(call, level)
      .rows.filter(({ kind }) => kind === "message")
      .map(({ from, to, label, key, error }) => {
        const step = sequence.steps.get(key);
        const id = step?.span.attributes.get("vitrine.step");
        return `${from} > ${to}: ${id}${error === undefined ? "" : ` ${error}`}${level < 3 ? "" : ` ${normal(label)}`}`;
      }),
  );
}

/** A label without what is different on every machine: ids, pids, addresses, directories of a daemon. */
function normal(label: string): string {
  return label
    .replace(/\b[0-9a-f]{12,64}\b/g, "ID")
    .replace(/\b(?:\d{1,3}\.){3}\d{1,3}(?:\/\d+)?\b/g, "ADDRESS")
    .replace(/pid \d+/g, "pid N")
    .replace(/\/[^ ]*/g, "PATH")
    .replace(/…[^ ]*/g, "PATH")
    .replace(/\d+ (?:bytes|instructions)/g, "N")
    .replace(/\bvt[0-9a-f]{8}\b/g, "NAME");
}

/** Lines that only one of the two has, as a reader wants them: "- real", "+ simulated". */
function differences(real: readonly string[], sim: readonly string[]): string[] {
  const found: string[] = [];
  const [a, b] = [[...real], [...sim]];
  while (a.length > 0 || b.length > 0) {
    if (a[0] === b[0]) {
      a.shift();
      b.shift();
      continue;
    }
    const inB = a[0] === undefined ? -1 : b.indexOf(a[0]);
    const inA = b[0] === undefined ? -1 : a.indexOf(b[0]);
    if (a[0] !== undefined && (inB < 0 || (inA >= 0 && inA <= inB))) found.push(`- ${a.shift()}`);
    else found.push(`+ ${b.shift()}`);
  }
  return found;
}

describe("the demo pod, real and simulated", async () => {
  const real = parseRecording(readFileSync(recording, "utf8")).spans;
  const { spans: sim } = await runScenario("demo-pod", {
    seed: 1,
    host,
    stage: { simulation: { cgroups: "v1-hybrid", apparmor: false } },
  });

  it.each([1, 2, 3] as const)("has the same arrows at level %i", (level) => {
    expect(differences(arrows(real, level), arrows(sim, level))).toEqual([]);
  });
});
