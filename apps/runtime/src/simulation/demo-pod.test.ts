/** The demo pod on the simulated kernel, from the start of the daemon to the last trace of it. */
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { parseRecording } from "../trace/index.ts";
import { recordingOf, runScenario, type ScenarioOptions } from "./run-scenario.ts";

const host = { turn: () => setImmediate() };
const run = (more: Partial<ScenarioOptions> = {}) =>
  runScenario("demo-pod", { seed: 1, host, ...more });

describe.each(["v1-hybrid", "v2"] as const)("with cgroups %s", (cgroups) => {
  const stage = { simulation: { cgroups } };

  test("it runs from end to end and leaves nothing", async () => {
    const { failure, residue, spans } = await run({ stage });
    expect(failure).toBeUndefined();
    expect(residue).toEqual([]);
    expect(spans.filter(({ status }) => status === "error")).toEqual([]);
  });

  test("two runs of a seed are equal byte for byte, another seed is another run", async () => {
    const [first, again, other] = [
      recordingOf(await run({ stage })),
      recordingOf(await run({ stage })),
      recordingOf(await run({ stage, seed: 2 })),
    ];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });
});

test("its recording is read again with every span, none of them open", async () => {
  const played = await run();
  const { spans } = parseRecording(recordingOf(played));
  expect(spans.length).toBe(played.spans.length);
  expect(spans.every(({ endNs, startNs }) => endNs !== undefined && endNs >= startNs)).toBe(true);
});

test("every span that is no call of a client lies inside its parent", async () => {
  const { spans } = await run();
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const outside = spans.filter((span) => {
    const parent = byId.get(span.parentSpanId);
    return parent?.endNs !== undefined && (span.endNs ?? 0n) > parent.endNs;
  });
  expect(outside.map(({ name }) => name)).toEqual([]);
});
