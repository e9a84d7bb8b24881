/** The sequence model: folding, order, late and lying parents, pods. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attribute } from "./attribute.ts";
import { Teller, toldPod } from "./fixture/told-pod.ts";
import { Sequence } from "./sequence.ts";
import { viewCall } from "./sequence-view.ts";
import type { SpanRecord } from "./span-record.ts";
import { stepId } from "./step.ts";
import { viewStory } from "./story.ts";

function told(spans: readonly SpanRecord[]): Sequence {
  const sequence = new Sequence();
  sequence.addAll(spans);
  return sequence;
}

function callNamed(sequence: Sequence, id: string) {
  const call = sequence.calls().find((candidate) => stepId(candidate.root) === id);
  if (!call) throw new Error(`no call ${id}`);
  return call;
}

describe("levels", () => {
  const call = callNamed(told(toldPod()), "cri.RunPodSandbox");

  test("level 1 shows the call and folds the rest into it", () => {
    const { rows, lifelines } = viewCall(call, 1);
    expect(rows.map(({ kind, from, to }) => [kind, from, to])).toEqual([
      ["message", "client", "runtime"],
      ["reply", "runtime", "client"],
    ]);
    expect(rows[0]?.foldedCount).toBe(call.stepCount - 1);
    expect(lifelines).toEqual(["client", "runtime"]);
  });

  test("every level shows the steps of its level and below, and counts the others", () => {
    for (const level of [1, 2, 3] as const) {
      const rows = viewCall(call, level).rows.filter((row) => row.kind === "message");
      expect(rows.every((row) => row.level <= level)).toBe(true);
      const folded = rows.reduce((sum, row) => sum + row.foldedCount, 0);
      expect(rows.length + folded).toBe(call.stepCount);
    }
  });

  test("level 3 draws an op from the process that ran it", () => {
    const rows = viewCall(call, 3).rows;
    const first = (name: string) =>
      rows.find((row) => row.kind === "message" && row.key === keyOf(call.root, name))?.from;
    expect(first("op.clone3")).toBe("oci");
    expect(first("op.pivotRoot")).toBe("container");
  });
});

function keyOf(root: ReturnType<typeof callNamed>["root"], id: string): string | undefined {
  const stack = [root];
  for (let step = stack.pop(); step; step = stack.pop()) {
    if (stepId(step) === id) return step.key;
    stack.push(...step.children);
  }
  return undefined;
}

describe("time", () => {
  test("rows are in the order in which they happened, replies included", () => {
    const sequence = told(toldPod());
    for (const call of sequence.calls()) {
      const times = viewCall(call, 3).rows.map((row) => row.atNs);
      expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    }
  });

  test("steps that overlap are interleaved, not nested", () => {
    const teller = new Teller(1_000n);
    const call = teller.step("cri.RunPodSandbox", undefined, {}, 10_000);
    const child = (spanId: string, startNs: bigint, endNs: bigint): SpanRecord => ({
      ...call,
      spanId,
      parentSpanId: call.spanId,
      attributes: new Map([[attribute.step, "cni.plugin"]]),
      startNs: call.startNs + startNs,
      endNs: call.startNs + endNs,
    });
    const sequence = told([
      call,
      child("a", 10n, 100n),
      child("b", 20n, 50n),
      child("c", 60n, 200n),
    ]);
    const order = viewCall(callNamed(sequence, "cri.RunPodSandbox"), 2)
      .rows.slice(1, -1)
      .map((row) => `${row.kind === "message" ? "" : "/"}${row.key.at(-1)}`);
    expect(order).toEqual(["a", "b", "/b", "c", "/a", "/c"]);
  });

  test("a child that starts before its parent by another clock is drawn inside it", () => {
    const teller = new Teller(1_000_000n);
    const call = teller.step("cri.RunPodSandbox", undefined, {}, 100);
    const early = {
      ...call,
      spanId: "c",
      parentSpanId: call.spanId,
      startNs: 5n,
      attributes: new Map([[attribute.step, "pod.shim"]]),
    };
    const rows = viewCall(callNamed(told([early, call]), "cri.RunPodSandbox"), 2).rows;
    expect(rows[0]?.key).toMatch(new RegExp(`${call.spanId}$`));
  });
});

describe("live", () => {
  /** Starts and ends in the order of time, as the stream tells them. */
  function events(spans: readonly SpanRecord[]): SpanRecord[] {
    return spans
      .flatMap((span, index) => [
        {
          at: span.startNs,
          order: index,
          span: { ...span, endNs: undefined, status: "unset" as const },
        },
        { at: span.endNs ?? 0n, order: spans.length * 2 - index, span },
      ])
      .sort((a, b) => (a.at === b.at ? a.order - b.order : a.at < b.at ? -1 : 1))
      .map((event) => event.span);
  }

  test("live equals replay, at every level", () => {
    const spans = toldPod({ failing: true, stopped: true });
    const live = new Sequence();
    for (const span of events(spans)) live.add(span);
    const replay = told(spans);
    expect(live.calls().map((call) => call.key)).toEqual(replay.calls().map((call) => call.key));
    for (const [index, call] of live.calls().entries()) {
      const other = replay.calls()[index];
      if (!other) throw new Error("no such call");
      for (const level of [1, 2, 3] as const) {
        expect(viewCall(call, level)).toEqual(viewCall(other, level));
      }
      expect(call.openCount).toBe(0);
    }
    expect(live.pods.list()).toEqual(replay.pods.list());
  });

  test("an event changes its own call and no other", () => {
    const live = new Sequence();
    const before = new Map<string, number>();
    for (const span of events(toldPod())) {
      const call = live.call(live.add(span));
      for (const other of live.calls()) {
        if (other !== call) expect(other.version).toBe(before.get(other.key));
        before.set(other.key, other.version);
      }
    }
  });

  test("a start that arrives after its end changes nothing", () => {
    const spans = toldPod();
    const sequence = told(spans);
    const root = spans[0] as SpanRecord;
    sequence.add({ ...root, endNs: undefined });
    expect(callNamed(sequence, "cri.RunPodSandbox").root.span.endNs).toBe(root.endNs);
  });
});

describe("parents", () => {
  test("any order of arrival gives the same tree", () => {
    const spans = toldPod({ containers: ["one"] });
    const wanted = told(spans);
    fc.assert(
      fc.property(fc.shuffledSubarray(spans, { minLength: spans.length }), (shuffled) => {
        const sequence = new Sequence();
        for (const span of shuffled) sequence.add(span);
        expect(sequence.calls().map(({ key, stepCount }) => [key, stepCount])).toEqual(
          wanted.calls().map(({ key, stepCount }) => [key, stepCount]),
        );
        for (const [index, call] of sequence.calls().entries()) {
          const other = wanted.calls()[index];
          if (other) expect(viewCall(call, 3)).toEqual(viewCall(other, 3));
        }
      }),
      { numRuns: 30 },
    );
  });

  test("whatever spans say of their parents, each is in one call and drawing ends", () => {
    const id = fc.integer({ min: 1, max: 12 }).map((n) => n.toString(16).padStart(16, "0"));
    const template = toldPod()[0] as SpanRecord;
    const span = fc.record({ spanId: id, parentSpanId: id, start: fc.nat(50), own: fc.boolean() });
    fc.assert(
      fc.property(fc.array(span, { maxLength: 30 }), (list) => {
        const sequence = new Sequence();
        for (const { spanId, parentSpanId, start, own } of list) {
          const attributes = own ? template.attributes : new Map();
          sequence.add({ ...template, spanId, parentSpanId, startNs: BigInt(start), attributes });
        }
        const unique = new Set(list.map(({ spanId }) => spanId)).size;
        const counted = sequence.calls().reduce((sum, call) => sum + call.stepCount, 0);
        expect(counted).toBe(unique);
        for (const call of sequence.calls()) {
          const messages = viewCall(call, 3).rows.filter((row) => row.kind === "message");
          const folded = messages.reduce((sum, row) => sum + row.foldedCount, 0);
          expect(messages.length + folded).toBe(call.stepCount);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("a chain of ten thousand parents is drawn without running out of stack", () => {
    const template = toldPod()[0] as SpanRecord;
    const chain = Array.from({ length: 10_000 }, (_, n) => ({
      ...template,
      attributes: new Map(),
      spanId: (n + 1).toString(16).padStart(16, "0"),
      parentSpanId: n === 0 ? "" : n.toString(16).padStart(16, "0"),
      startNs: BigInt(n),
    }));
    const [call] = told(chain).calls();
    expect(call?.stepCount).toBe(10_000);
    if (call) expect(viewCall(call, 3).rows.length).toBeGreaterThanOrEqual(10_000);
  });
});

describe("pods", () => {
  test("states follow the calls", () => {
    const spans = toldPod({ failing: true, stopped: true });
    const sequence = new Sequence();
    const states: string[] = [];
    for (const span of spans) {
      sequence.add({ ...span, endNs: undefined, status: "unset" });
      sequence.add(span);
      const pod = sequence.pods.list()[0];
      const now = [
        pod?.state,
        ...(pod?.containers.map(({ name, state }) => `${name} ${state}`) ?? []),
      ].join(", ");
      if (states.at(-1) !== now) states.push(now);
    }
    expect(states).toEqual([
      "ready",
      "ready, server created",
      "ready, server running",
      "ready, server running, fetcher created",
      "ready, server running, fetcher failed",
      "stopped, server exited, fetcher failed",
    ]);
    expect(sequence.pods.list()[0]).toMatchObject({
      name: "web",
      namespace: "default",
      ip: "10.88.0.7",
    });
  });

  test("a stop that fails leaves the pod as it was", () => {
    const spans = toldPod({ stopped: true });
    const sequence = new Sequence();
    for (const span of spans) {
      const stop = span.attributes.get(attribute.step) === "cri.StopPodSandbox";
      if (stop) sequence.add({ ...span, endNs: undefined });
      sequence.add(stop ? { ...span, status: "error" } : span);
    }
    expect(sequence.pods.list()[0]?.state).toBe("ready");
  });

  test("a container's exit is known by its code", () => {
    const spans = toldPod({ containers: ["one"] });
    const sequence = told(spans);
    const id = sequence.pods.list()[0]?.containers[0]?.id ?? "";
    const teller = new Teller(1_795_475_100_000_000_000n, "e");
    sequence.add(
      teller.step(
        "container.exited",
        undefined,
        { [attribute.containerId]: id, [attribute.exitCode]: 3 },
        5,
      ),
    );
    expect(sequence.pods.list()[0]?.containers[0]).toMatchObject({ state: "exited", exitCode: 3 });
  });
});

describe("the story", () => {
  const storyOf = (spans: readonly SpanRecord[]) => {
    const sequence = told(spans);
    const pod = sequence.pods.list()[0];
    if (!pod) throw new Error("no pod");
    return viewStory(
      pod,
      sequence.calls().filter((call) => call.podId === pod.id),
    );
  };

  test("a birth is five arrows", () => {
    expect(
      storyOf(toldPod()).rows.map(
        ({ from, to, label, state }) => `${from} ${to}: ${label} (${state})`,
      ),
    ).toMatchInlineSnapshot(`
      [
        "client runtime: asks for pod default/web (done)",
        "runtime cni: wires the network: 10.88.0.7 (done)",
        "runtime shim: creates 2 containers: server, fetcher (done)",
        "shim container: runs 2 processes: server, fetcher (done)",
        "runtime client: ready (done)",
      ]
    `);
  });

  test("what failed is not told as ready", () => {
    const rows = storyOf(toldPod({ failing: true })).rows;
    expect(rows.at(-1)).toMatchObject({ state: "failed", error: "NOT_FOUND" });
    expect(rows.some((row) => row.label === "ready")).toBe(false);
  });

  test("what has not happened is not drawn", () => {
    const spans = toldPod();
    const upTo = spans.filter((span) => span.name.endsWith("RunPodSandbox"));
    expect(storyOf(upTo).rows.map((row) => row.label)).toEqual(["asks for pod default/web"]);
  });
});

test("anybody's spans draw as a sequence between their services", () => {
  const template = toldPod()[0] as SpanRecord;
  const span = (spanId: string, parentSpanId: string, service: string, startNs: bigint) => ({
    ...template,
    spanId,
    parentSpanId,
    name: `work of ${service}`,
    attributes: new Map(),
    startNs,
    endNs: startNs + 10n,
    resource: { attributes: new Map([["service.name", service]]) },
  });
  const [call] = told([
    span("1", "", "shop", 1n),
    span("2", "1", "stock", 2n),
    span("3", "2", "stock", 3n),
  ]).calls();
  if (!call) throw new Error("no call");
  const { lifelines, rows } = viewCall(call, 3);
  expect(lifelines).toEqual(["client", "x:shop", "x:stock"]);
  expect(
    rows.filter(({ kind }) => kind === "message").map(({ from, to }) => `${from} ${to}`),
  ).toEqual(["client x:shop", "x:shop x:stock", "x:stock x:stock"]);
});
