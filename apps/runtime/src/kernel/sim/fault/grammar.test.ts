import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawFaults } from "./draw-faults.ts";
import { FaultSchedule } from "./fault-schedule.ts";
import { faultText, parseFault } from "./grammar.ts";

describe("faults as text", () => {
  test.each([
    "crash@37",
    "op@37=EIO",
    "mount#2=ENOSPC",
    "cni:ADD=hang",
    "cni:DEL#2=garbage",
    "registry=drop@4096",
    "registry=503",
    "registry=hang",
    "shim=kill@12",
    "oom@40",
    "record@5=crash",
    "record@5=full",
  ])("%s is read and written the same", (text) => {
    expect(faultText(parseFault(text))).toBe(text);
  });

  test.each([
    ["crash@0", 'has "0" for the op; that must be a whole number from 1 on'],
    ["crash@x", 'has "x" for the op'],
    ["crsh@3=EIO", 'is of no known form; did you mean "crash"?'],
    ["moveMout#1=EIO", 'names no op: "moveMout"; did you mean "moveMount"?'],
    ["mount#1=ENOSP", 'names no errno: "ENOSP"; did you mean "ENOSPC"?'],
    ["mount#=EIO", 'has "" for which of them'],
    ["cni:AD=hang", 'names no CNI command: "AD" (there are: ADD, DEL, CHECK, STATUS, VERSION)'],
    [
      "cni:ADD=hangs",
      'names no way for a plugin to fail: "hangs" (there are: hang, fail, garbage)',
    ],
    ["registry=200", "names no way for a registry to fail"],
    ["shim=12", "must be shim=kill@N"],
    ["nonsense", 'has no "="; the forms are: crash@N'],
    ["", 'has no "="'],
  ])("%s is refused in words", (text, words) => {
    expect(() => parseFault(text)).toThrow(words);
    expect(() => parseFault(text)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });

  test("no text breaks the reader", () => {
    const piece = fc.constantFrom("crash", "@", "#", "=", ":", "cni", "mount", "7", "EIO", "ADD");
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (given) => {
        try {
          expect(faultText(parseFault(given))).toBe(given);
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
        }
      }),
    );
  });

  test("what is drawn can be read, and the same bits draw the same", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff_ffff), { minLength: 30, maxLength: 30 }), (bits) => {
        const draw = () => {
          let at = 0;
          return drawFaults(() => bits[at++ % bits.length] ?? 0, { ops: 300, writes: 20 });
        };
        const drawn = draw();
        expect(drawn.map((text) => faultText(parseFault(text)))).toEqual(drawn);
        expect(draw()).toEqual(drawn);
      }),
    );
  });
});

describe("the schedule", () => {
  const chdir = { op: "chdir", path: "/" } as const;
  const umask = { op: "umask", mask: 0 } as const;

  test("counts ops over all names, and each name by itself", () => {
    const schedule = new FaultSchedule(["op@2=EIO", "chdir#2=EPERM"]);
    expect(schedule.beforeOp(chdir)).toBeUndefined();
    expect(schedule.beforeOp(umask)).toBe("EIO");
    expect(schedule.beforeOp(chdir)).toBe("EPERM");
    expect(schedule.beforeOp(chdir)).toBeUndefined();
    expect(schedule.ops).toBe(4);
  });

  test("says what happens after an op, and nothing once it is cleared", () => {
    const schedule = new FaultSchedule(["crash@3", "shim=kill@3", "oom@4"]);
    expect(schedule.afterOp(2)).toEqual([]);
    expect(schedule.afterOp(3)).toEqual(["crash", "kill shim"]);
    expect(schedule.afterOp(4)).toEqual(["oom"]);
    schedule.clear();
    expect(schedule.afterOp(3)).toEqual([]);
  });

  test("counts record writes and CNI calls", () => {
    const schedule = new FaultSchedule(["record@2=crash", "record@3=full", "cni:ADD#2=hang"]);
    expect([schedule.beforeWrite(), schedule.afterWrite()]).toEqual([false, false]);
    expect([schedule.beforeWrite(), schedule.afterWrite()]).toEqual([false, true]);
    expect(schedule.beforeWrite()).toBe(true);
    expect([schedule.cni("ADD"), schedule.cni("DEL"), schedule.cni("ADD")]).toEqual([
      undefined,
      undefined,
      "hang",
    ]);
  });
});
