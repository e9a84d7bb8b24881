import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { classicMistakes } from "./classic-mistakes.ts";
import { whatIf } from "./what-if.ts";

const host = { turn: () => setImmediate() };

describe("what if", () => {
  it.each(classicMistakes)("$id: $title", async ({ edits, container, pod, subject, exposes }) => {
    const { original, edited, differences, forkedAt } = await whatIf({
      seed: 1,
      host,
      edits,
      ...(container === undefined ? {} : { container }),
      ...(pod === undefined ? {} : { pod }),
      ...(subject === undefined ? {} : { subject }),
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
    const { edited, differences, forkedAt } = await whatIf({
      seed: 1,
      host,
      edits: [{ kind: "refuse", choice: { op: "pivotRoot" }, errno: "EPERM" }],
    });
    expect(edited.failure).toMatch(/EPERM|not permitted/);
    expect(differences[0]).toMatch(/^no container comes of it/);
    expect(edited.plan?.steps[forkedAt ?? -1]?.op.op).toBe("pivotRoot");
  });

  it("the ties to the host cannot just be left: the kernel refuses to change the root then", async () => {
    const edits = [{ kind: "drop", choice: { op: "propagate" }, all: true }] as const;
    const { edited } = await whatIf({ seed: 1, host, edits });
    expect(edited.failure).toMatch(/pivotRoot .*EINVAL/);
  });

  it("stops a run at any op and tells how things stand there", async () => {
    const { original } = await whatIf({ seed: 1, host, edits: [] });
    const steps = original.plan?.steps ?? [];
    const at = (name: string) => steps.findIndex(({ op }) => op.op === name);
    const stopAt = async (untilOp: number, id: string) => {
      const { original: run } = await whatIf({ seed: 1, host, edits: [], untilOp });
      expect(run.stoppedAt?.index).toBe(untilOp);
      return run.facts.find((fact) => fact.id === id)?.sentence;
    };
    expect(await stopAt(at("clone3"), "processes")).toMatch(/^sees \d+ host processes$/);
    expect(await stopAt(at("pivotRoot") - 1, "root")).toBe("the host's / is visible at /");
    expect(await stopAt(at("pivotRoot"), "root")).toMatch(/^nothing of the host's \//);
    expect(await stopAt(at("capset"), "seccomp")).toMatch(/every system call/);
    expect(await stopAt(at("seccomp"), "seccomp")).toMatch(/are filtered/);
  });

  it("an op to stop at that is not there is refused in words", async () => {
    const run = whatIf({ seed: 1, host, edits: [], untilOp: 1000 });
    await expect(run).rejects.toThrow(/has no op 1000; its ops are 0 to \d+/);
  });

  it("what a command inside sees is compared, too", async () => {
    const [mistake] = classicMistakes.filter(({ id }) => id === "no-pivot-root");
    const { original, edited, differences } = await whatIf({
      seed: 1,
      host,
      edits: mistake?.edits ?? [],
      command: "ls /var/lib/vitrine",
    });
    expect(original.output).toMatch(/No such file/);
    expect(edited.output).toMatch(/snapshots/);
    expect(differences.at(-1)).toMatch(/^the command says otherwise/);
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
