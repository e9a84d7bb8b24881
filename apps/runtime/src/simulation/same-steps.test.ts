/**
 * The same pod on Linux and on the simulated kernel: the same steps. The recording in traces/real is compared with
 * a simulation of the same scenario, level by level, without what must differ: ids, times, pids.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  endsOf,
  errorOf,
  labelOf,
  parseRecording,
  Sequence,
  type SpanRecord,
  type Step,
  stepId,
  viewStory,
} from "../trace/index.ts";
import { runScenario } from "./run-scenario.ts";

const recording = join(import.meta.dirname, "../../../../traces/real/demo-pod.jsonl");
const host = { turn: () => setImmediate() };

/** One arrow, and what lies inside of it at the level that is looked at. */
interface Arrow {
  readonly words: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly inside: readonly Arrow[];
}

function arrowOf(step: Step, level: number): Arrow {
  const { from, to } = endsOf(step);
  const error = errorOf(step.span);
  const label = level < 3 ? "" : ` ${normal(labelOf(step))}`;
  const inside = step.children.filter((child) => (child.entry?.level ?? 9) <= level);
  return {
    words: `${from} > ${to}: ${stepId(step)}${error === undefined ? "" : ` ${error}`}${label}`,
    startNs: step.span.startNs,
    endNs: step.span.endNs ?? step.span.startNs,
    inside: inside.map((child) => arrowOf(child, level)),
  };
}

/** Every call of a recording, polls left out. */
function calls(spans: readonly SpanRecord[], level: number): readonly Arrow[] {
  const sequence = new Sequence();
  sequence.addAll(spans);
  return sequence
    .calls()
    .filter((call) => !call.poll)
    .map((call) => arrowOf(call.root, level));
}

/** Level 0: the arrows of the pod's story. */
function story(spans: readonly SpanRecord[]): readonly string[] {
  const sequence = new Sequence();
  sequence.addAll(spans);
  return sequence.pods.list().flatMap((pod) => {
    const ofPod = sequence.calls().filter((call) => call.podId === pod.id);
    return viewStory(pod, ofPod).rows.map(
      ({ from, to, kind, label, error }) =>
        `${from} ${kind} ${to}: ${normal(label)} ${error ?? ""}`,
    );
  });
}

/** A label without what is different on every machine: ids, pids, addresses, directories of a daemon. */
function normal(label: string): string {
  return label
    .replace(/\b[0-9a-f]{12,64}\b/g, "ID")
    .replace(/\b(?:\d{1,3}\.){3}\d{1,3}(?:\/\d+)?\b/g, "ADDRESS")
    .replace(/(pid|pidfd_open) \d+/g, "$1 N")
    .replace(/\/[^ ]*/g, "PATH")
    .replace(/…[^ ]*/g, "PATH")
    .replace(/\d+ (?:bytes|instructions)/g, "N")
    .replace(/\bvt[0-9a-f]{8}\b/g, "NAME");
}

/** Arrows with the same words are told apart by which of them it is. */
function numbered(arrows: readonly Arrow[]): ReadonlyMap<string, Arrow> {
  const counts = new Map<string, number>();
  return new Map(
    arrows.map((arrow) => {
      const count = (counts.get(arrow.words) ?? 0) + 1;
      counts.set(arrow.words, count);
      return [`${arrow.words} #${count}`, arrow];
    }),
  );
}

/**
 * What differs: arrows that only one of the two has ("- real", "+ simulated"), and arrows that stand the other way
 * round although on Linux one had ended when the other began. Steps that ran at once have no order to keep.
 */
function differences(real: readonly Arrow[], sim: readonly Arrow[], where = ""): string[] {
  const [a, b] = [numbered(real), numbered(sim)];
  const found = [
    ...[...a.keys()].filter((key) => !b.has(key)).map((key) => `- ${where}${key}`),
    ...[...b.keys()].filter((key) => !a.has(key)).map((key) => `+ ${where}${key}`),
  ];
  const order = [...b.keys()];
  const place = new Map(order.map((key, index) => [key, index]));
  const keys = [...a.keys()].filter((key) => b.has(key));
  for (const [index, key] of keys.entries()) {
    for (const later of keys.slice(index + 1)) {
      const waited = (a.get(key)?.endNs ?? 0n) <= (a.get(later)?.startNs ?? 0n);
      if (waited && (place.get(later) ?? 0) < (place.get(key) ?? 0)) {
        found.push(`~ ${where}${later} came before ${key}`);
      }
    }
    found.push(...differences(a.get(key)?.inside ?? [], b.get(key)?.inside ?? [], `${key} / `));
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

  it("tells the same story", () => {
    const told = story(sim);
    expect(told.length).toBeGreaterThan(5);
    expect(told).toEqual(story(real));
  });

  it.each([1, 2, 3] as const)("has the same arrows at level %i", (level) => {
    expect(differences(calls(real, level), calls(sim, level))).toEqual([]);
  });
});
