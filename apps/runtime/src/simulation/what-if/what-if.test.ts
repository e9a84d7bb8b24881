import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { classicMistakes } from "./classic-mistakes.ts";
import { whatIf } from "./what-if.ts";

const host = { turn: () => setImmediate() };

describe("what if", () => {
  it.each(classicMistakes)("$id: $title", async ({ edits, container, pod, exposes }) => {
    const { original, edited, differences, forkedAt } = await whatIf({
      seed: 1,
      host,
      edits,
      ...(container === undefined ? {} : { container }),
      ...(pod === undefined ? {} : { pod }),
    });
    expect(original.failure).toBeUndefined();
    expect(edited.failure).toBeUndefined();
    const fact = (run: typeof edited) => run.facts.find(({ id }) => id === exposes);
    expect(fact(original)).toMatchObject({ exposed: false });
    expect(fact(edited)).toMatchObject({ exposed: true });
    expect(differences).toContain(fact(edited)?.sentence);
    expect(forkedAt).toBeGreaterThanOrEqual(0);
  });

  it("is the same run when nothing is edited", async () => {
    const { original, edited, differences, forkedAt } = await whatIf({ seed: 1, host, edits: [] });
    expect(edited).toEqual(original);
    expect([differences, forkedAt]).toEqual([[], undefined]);
  });

  it("a forced errno ends the making of the container, and says so", async () => {
    const { edited, differences } = await whatIf({
      seed: 1,
      host,
      edits: [{ kind: "refuse", choice: { op: "pivotRoot" }, errno: "EPERM" }],
    });
    expect(edited.failure).toMatch(/EPERM|not permitted/);
    expect(differences[0]).toMatch(/^no container comes of it/);
  });

  it.each([
    ["names no op", [{ kind: "drop", choice: { op: "umount" } }], /has no op umount; it has: /],
    ["counts from 0", [{ kind: "drop", choice: { op: "mkdir", nth: 0 } }], /counted from 1/],
    [
      "names no field",
      [{ kind: "change", choice: { op: "chdir" }, to: { pth: "/" } }],
      /has no "pth"; it has: path/,
    ],
    [
      "names no errno",
      [{ kind: "refuse", choice: { op: "chdir" }, errno: "ENOWAY" }],
      /no errno ENOWAY/,
    ],
    [
      "changes a type",
      [{ kind: "change", choice: { op: "chdir" }, to: { path: 7 } }],
      /is a string, not a number/,
    ],
  ] as const)("an edit that %s is refused in words", async (_what, edits, message) => {
    await expect(whatIf({ seed: 1, host, edits: edits as never })).rejects.toThrow(message);
  });
});
