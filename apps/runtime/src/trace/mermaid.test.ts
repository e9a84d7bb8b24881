/** Mermaid text: the grammar of what is written, whatever the names are. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Teller, toldPod } from "./fixture/told-pod.ts";
import { mermaidLabel, mermaidLabelMax, renderMermaid, sliceView } from "./mermaid.ts";
import { Sequence } from "./sequence.ts";
import { viewCall } from "./sequence-view.ts";

/** Payloads that have broken Mermaid or its escapes, and names that read as its syntax. */
const payloads = [
  '"]',
  '%%{init:{"securityLevel":"loose"}}%%',
  "$$<img src=x onerror=alert(1)>$$",
  "</style><img src=x onerror=alert(1)>",
  "click n1 call alert()",
  "\u202egnp.exe",
  "line\nend\nparticipant evil",
  "end",
  "End of story",
  "a;b",
  "a#b",
  "#60;img#62;",
  "---\ntitle: x\n---",
  "wrap: no",
  ":nowrap: no",
  "note over p0: hi",
  "style x:#fff;",
  "classDef evil:#f;",
  "p0->>p1: forged",
  "<br/>",
  "ﬂ°°60¶ß",
  "a\u0000b\u001b[31m",
  "\ud800",
  "javascript:alert(1)",
  "`code`",
  "\\u003cscript\\u003e",
];

/** Only plain characters and complete escapes. */
const label = String.raw`(?:[\p{L}\p{N}\p{M} \u00a0._:/,()=+@…→·µ✕×-]|#\d{1,7};)+`;
const statement = new RegExp(
  `^(?:sequenceDiagram|  accTitle: ${label}|  participant p\\d+ as ${label}|  Note over p\\d+: ${label}|  (?:de)?activate p\\d+|  p\\d+(?:->>|-->>|-x|--x)p\\d+:(?:nowrap:)? ${label})$`,
  "u",
);

function textOf(name: string): string {
  const teller = new Teller(1_000n);
  teller.step(
    "cri.RunPodSandbox",
    undefined,
    { "k8s.pod.name": name, "k8s.namespace.name": name },
    10,
    (run) => {
      teller.step(name, run, { [name || "x"]: name }, 10, undefined, [name, name]);
    },
  );
  const sequence = new Sequence();
  sequence.addAll(
    teller.spans.map((span) => ({
      ...span,
      resource: { attributes: new Map([["service.name", name]]) },
    })),
  );
  return sequence
    .calls()
    .map((call) => renderMermaid(viewCall(call, 3), { title: name, mark: name }))
    .join("");
}

function expectWellFormed(text: string): void {
  for (const line of text.trimEnd().split("\n")) expect(line).toMatch(statement);
  expect(text).not.toMatch(/\bend\b/i);
  expect(text).not.toMatch(/style|classdef/i);
  // Mermaid takes the word for its own only where a text begins.
  expect(text).not.toMatch(/(?:^ {2}\S+p\d+:|accTitle:| as ) *:? *(?:no)?wrap:/im);
}

describe("hostile names", () => {
  test.each(payloads)("%j is only a label", (payload) => {
    expectWellFormed(textOf(payload));
    expect([...mermaidLabel(payload)].length).toBeGreaterThan(0);
  });

  test("no string at all changes the grammar", () => {
    const name = fc.oneof(
      fc.string({ unit: "binary", maxLength: 120 }),
      fc.string({ unit: fc.constantFrom(..."#;:%${}<>\"'`\n end-wrapstyle"), maxLength: 60 }),
      fc
        .tuple(fc.constantFrom(...payloads), fc.constantFrom(...payloads))
        .map((pair) => pair.join("")),
    );
    fc.assert(
      fc.property(name, (text) => expectWellFormed(textOf(text))),
      { numRuns: 400 },
    );
  });

  test("labels are at most 80 characters and keep errno and duration", () => {
    const shown = (text: string) => text.replace(/#\d+;/g, "x");
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        expect([...shown(mermaidLabel(text))].length).toBeLessThanOrEqual(mermaidLabelMax);
      }),
    );
    const long = textOf("n".repeat(300));
    expect(long).toMatch(/… · [^·\n]+\n/);
  });
});

describe("windows", () => {
  const sequence = new Sequence();
  sequence.addAll(toldPod());
  const [call] = sequence.calls();
  if (!call) throw new Error("no call");
  const view = viewCall(call, 3);

  test("every window opens and closes as many activations", () => {
    for (const size of [1, 2, 3, 7, 40]) {
      for (let from = 0; from < view.rows.length; from += size) {
        const { view: part, active } = sliceView(view, from, from + size);
        const text = renderMermaid(part, { lifelines: view.lifelines, active });
        const depth = new Map<string, number>();
        for (const [, verb, id = ""] of text.matchAll(/^ {2}(activate|deactivate) (p\d+)$/gm)) {
          const now = (depth.get(id) ?? 0) + (verb === "activate" ? 1 : -1);
          expect(now).toBeGreaterThanOrEqual(0);
          depth.set(id, now);
        }
        expect([...depth.values()].every((value) => value === 0)).toBe(true);
      }
    }
  });

  test("the n-th message line is the n-th row", () => {
    const lines = renderMermaid(view)
      .split("\n")
      .filter((line) => /^ {2}p\d+-/.test(line));
    expect(lines).toHaveLength(view.rows.length);
    for (const [index, line] of lines.entries()) {
      expect(line.includes("--")).toBe(view.rows[index]?.kind === "reply");
    }
  });
});
