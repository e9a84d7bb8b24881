/** Predicates find each break when it is there, and none in a well-formed trace. */
import { describe, expect, test } from "vitest";
import { attribute } from "./attribute.ts";
import { toldPod } from "./fixture/told-pod.ts";
import {
  breaksOf,
  breaksOfStream,
  callsInLifecycleOrder,
  childrenInsideParents,
  everySpanEndsOnce,
  execveAfterPivotRoot,
  opsInPlanOrder,
  type Predicate,
  parentsArePresent,
  stepsAreCatalogued,
} from "./predicates.ts";
import type { SpanRecord } from "./span-record.ts";

const good = toldPod({ failing: true, stopped: true });

function stepOf(span: SpanRecord): unknown {
  return span.attributes.get(attribute.step);
}

/** The trace with the first span of a step changed. */
function broken(step: string, change: (span: SpanRecord) => Partial<SpanRecord>): SpanRecord[] {
  const index = good.findIndex((span) => stepOf(span) === step);
  return good.map((span, at) => (at === index ? { ...span, ...change(span) } : span));
}

test("a told pod is well formed", () => {
  expect(breaksOf(good)).toEqual([]);
});

describe("each predicate finds its break", () => {
  const cases: readonly (readonly [string, Predicate, readonly SpanRecord[]])[] = [
    [
      "a child that ends late",
      childrenInsideParents(),
      broken("cni.plugin", (span) => ({ endNs: (span.endNs ?? 0n) + 10n ** 12n })),
    ],
    [
      "a child that starts early",
      childrenInsideParents(),
      broken("cni.plugin", () => ({ startNs: 1n })),
    ],
    ["a span without end", everySpanEndsOnce, broken("pod.shim", () => ({ endNs: undefined }))],
    ["a span that is there twice", everySpanEndsOnce, [...good, good[3] as SpanRecord]],
    [
      "a parent that is missing",
      parentsArePresent,
      good.filter((span) => stepOf(span) !== "network.attach"),
    ],
    [
      "a step nobody knows",
      stepsAreCatalogued,
      broken("pod.shim", (span) => ({
        attributes: new Map([...span.attributes, [attribute.step, "pod.shin"]]),
      })),
    ],
    [
      "a failure without its type",
      stepsAreCatalogued,
      broken("pod.shim", () => ({ status: "error" })),
    ],
    ["execve before pivot_root", execveAfterPivotRoot, withExecveBeforePivot()],
    [
      "ops out of order",
      opsInPlanOrder,
      broken("op.setns", (span) => ({
        attributes: new Map([...span.attributes, [attribute.opIndex, 99]]),
      })),
    ],
    [
      "a start before its create",
      callsInLifecycleOrder,
      broken("cri.StartContainer", () => ({ startNs: 1n })),
    ],
  ];
  test.each(cases)("%s", (_, predicate, spans) => {
    expect(predicate(good)).toEqual([]);
    expect(predicate(spans).length).toBeGreaterThan(0);
  });
});

function withExecveBeforePivot(): SpanRecord[] {
  const pivot = good.find((span) => stepOf(span) === "op.pivotRoot") as SpanRecord;
  const early = {
    ...pivot,
    spanId: "ffffffffffffffff",
    startNs: pivot.startNs - 1n,
    attributes: new Map([...pivot.attributes, [attribute.step, "op.execve"]]),
  };
  return [...good, early];
}

describe("the stream", () => {
  const span = { traceId: "a", spanId: "1", name: "x", startTimeUnixNano: "1" };
  const other = { ...span, spanId: "2" };

  test("one end for each start, and no unexplained hole", () => {
    expect(
      breaksOfStream([
        { type: "start", seq: 1, span },
        { type: "gap", from: 2, to: 4 },
        { type: "end", seq: 5, span },
      ]),
    ).toEqual([]);
  });

  test.each([
    [
      "a hole",
      [
        { type: "start", seq: 1, span },
        { type: "end", seq: 3, span },
      ],
    ],
    [
      "a number twice",
      [
        { type: "start", seq: 1, span },
        { type: "start", seq: 1, span: other },
      ],
    ],
    [
      "a second end",
      [
        { type: "end", seq: 1, span },
        { type: "end", seq: 2, span },
      ],
    ],
    [
      "a start after the end",
      [
        { type: "end", seq: 1, span },
        { type: "start", seq: 2, span },
      ],
    ],
  ] as const)("%s is a break", (_, messages) => {
    expect(breaksOfStream(messages).length).toBeGreaterThan(0);
  });
});
