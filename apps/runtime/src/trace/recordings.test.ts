/** Every recording that lies in traces/ is well formed and tells a whole story. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { resourceAttribute } from "./attribute.ts";
import { parseRecording, serialiseRecording } from "./otlp.ts";
import { breaksOf } from "./predicates.ts";
import { Sequence } from "./sequence.ts";
import { viewCall } from "./sequence-view.ts";
import { viewStory } from "./story.ts";

const traces = join(import.meta.dirname, "../../../../traces");
const recordings = globSync("**/*.jsonl", { cwd: traces }).sort();

test("the demo pod is there, recorded on Linux", () => {
  expect(recordings).toContain("real/demo-pod.jsonl");
});

describe.each(recordings)("%s", (name) => {
  const text = readFileSync(join(traces, name), "utf8");
  const recording = parseRecording(text);

  test("is read without a problem, and every predicate holds", () => {
    expect(recording.problems).toEqual([]);
    expect(breaksOf(recording.spans)).toEqual([]);
  });

  test("says in which mode and on which kernel it was made", () => {
    for (const { attributes } of recording.resources) {
      expect(attributes.get(resourceAttribute.mode)).toBe(
        name.startsWith("real/") ? "real" : "sim",
      );
      if (name.startsWith("real/")) {
        expect(String(attributes.get(resourceAttribute.kernelRelease))).toMatch(/^\d+\.\d+/);
      }
    }
  });

  test("has system calls under its calls", () => {
    const sequence = new Sequence();
    sequence.addAll(recording.spans);
    const ops = sequence
      .calls()
      .map((call) => viewCall(call, 3).rows.filter((row) => row.level === 3));
    expect(ops.flat().length).toBeGreaterThan(100);
  });

  test("survives being written again", () => {
    const again = parseRecording(serialiseRecording(recording.spans));
    expect(again.spans.map((span) => span.spanId)).toEqual(
      recording.spans.map((span) => span.spanId),
    );
  });
});

test("the demo pod is born in five arrows", () => {
  const { spans } = parseRecording(readFileSync(join(traces, "real/demo-pod.jsonl"), "utf8"));
  const sequence = new Sequence();
  sequence.addAll(spans);
  const [pod] = sequence.pods.list();
  if (!pod) throw new Error("no pod");
  const calls = sequence.calls().filter((call) => call.podId === pod.id);
  const born = viewStory(pod, calls).rows.slice(0, 5);
  expect(born.map(({ from, to, state }) => `${from} ${to} ${state}`)).toEqual([
    "client runtime done",
    "runtime cni done",
    "runtime shim done",
    "shim container done",
    "runtime client done",
  ]);
});
