/** Sequences as text: widths, alignment, hostile names. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Teller, toldPod } from "./fixture/told-pod.ts";
import { cellsOf } from "./printable.ts";
import { Sequence } from "./sequence.ts";
import { viewCall } from "./sequence-view.ts";
import { viewStory } from "./story.ts";
import { renderText } from "./text.ts";

function viewsOf(spans = toldPod({ failing: true })) {
  const sequence = new Sequence();
  sequence.addAll(spans);
  return sequence;
}

test("the story reads as a picture", () => {
  const sequence = viewsOf(toldPod());
  const [pod] = sequence.pods.list();
  if (!pod) throw new Error("no pod");
  const lines = renderText(viewStory(pod, sequence.calls()), { width: 96 });
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "  client    runtime     CNI      shim    container
         ├────────▶│         │         │         │      asks for pod default/web             31.2 ms
         │         ├────────▶│         │         │      wires the network: 10.88.0.7         25.5 ms
         │         ├──────────────────▶│         │      creates 2 containers: server, fet…   9.55 ms
         │         │         │         ├────────▶│      runs 2 processes: server, fetcher    6.99 ms
         │◀╌╌╌╌╌╌╌╌┤         │         │         │      ready                                43.6 ms"
  `);
});

test("no line is wider than the terminal, at any width", () => {
  const calls = viewsOf().calls();
  for (let width = 20; width <= 200; width += 3) {
    for (const call of calls) {
      for (const line of renderText(viewCall(call, 3), { width })) {
        expect(cellsOf(line)).toBeLessThanOrEqual(width);
      }
    }
  }
});

test("colours add nothing but escape sequences", () => {
  const call = viewsOf().calls().at(-1);
  if (!call) throw new Error("no call");
  const plain = renderText(viewCall(call, 3), { width: 120 });
  const colour = renderText(viewCall(call, 3), { width: 120, colour: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI sequences begin with ESC
  const stripped = colour.map((line) => line.replace(/\u001b\[\d+m/g, "").trimEnd());
  expect(stripped).toEqual(plain);
  expect(colour.join("")).toContain("\u001b[31m");
});

test("names cannot reach the terminal's controls or break lines", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 80 }), (name) => {
      const teller = new Teller(1_000n);
      teller.step("cri.RunPodSandbox", undefined, { "k8s.pod.name": name }, 10, (run) => {
        teller.step(name, run, {}, 10, undefined, [name, name]);
      });
      for (const call of viewsOf(teller.spans).calls()) {
        for (const line of renderText(viewCall(call, 3), { width: 100 })) {
          expect(line).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
          expect(cellsOf(line)).toBeLessThanOrEqual(100);
        }
      }
    }),
    { numRuns: 200 },
  );
});
