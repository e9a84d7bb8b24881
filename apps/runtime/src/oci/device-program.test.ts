import { describe, expect, it } from "vitest";
import { deviceProgram } from "./device-program.ts";
import { deviceRules } from "./device-rules.ts";
import type { OciDeviceRule } from "./spec.ts";

/** Runs the few instructions that the programs are made of, as the kernel would. */
function ask(
  program: Uint8Array,
  type: "b" | "c",
  major: number,
  minor: number,
  access: string,
): boolean {
  const view = new DataView(program.buffer);
  const bits = [...access].reduce((sum, letter) => sum | { m: 1, r: 2, w: 4 }[letter as "m"], 0);
  const context = [(bits << 16) | (type === "b" ? 1 : 2), major, minor];
  const registers = new Array<number>(11).fill(Number.NaN);
  for (let at = 0; at < program.length / 8; at += 1) {
    const to = view.getUint8(at * 8 + 1) & 15;
    const from = view.getUint8(at * 8 + 1) >> 4;
    const offset = view.getInt16(at * 8 + 2, true);
    const number = view.getInt32(at * 8 + 4, true);
    const value = registers[to] ?? Number.NaN;
    switch (view.getUint8(at * 8)) {
      case 0x61:
        registers[to] = context[offset / 4] ?? Number.NaN;
        break;
      case 0xbf:
        registers[to] = registers[from] ?? Number.NaN;
        break;
      case 0xb7:
        registers[to] = number;
        break;
      case 0x57:
        registers[to] = value & number;
        break;
      case 0x77:
        registers[to] = value >>> number;
        break;
      case 0x15:
        if (value === number) at += offset;
        break;
      case 0x55:
        if (value !== number) at += offset;
        break;
      case 0x95:
        return registers[0] === 1;
      default:
        throw new Error(`unknown instruction ${view.getUint8(at * 8)}`);
    }
  }
  throw new Error("ran off the end");
}

/** The rules read as they are meant: the last that matches decides, nothing is allowed otherwise. */
function meant(
  rules: readonly OciDeviceRule[],
  type: "b" | "c",
  major: number,
  minor: number,
  access: string,
) {
  let allowed = false;
  for (const rule of rules) {
    if (rule.type !== "a" && rule.type !== type) continue;
    if (rule.major !== undefined && rule.major !== major) continue;
    if (rule.minor !== undefined && rule.minor !== minor) continue;
    const letters = [...access];
    const hit = rule.allow
      ? letters.every((letter) => rule.access.includes(letter))
      : letters.some((letter) => rule.access.includes(letter));
    if (hit) allowed = rule.allow;
  }
  return allowed;
}

describe("deviceProgram", () => {
  const disk = { path: "/dev/sda", type: "block", major: 8, minor: 0 } as const;
  const owner = { mode: 0o600, uid: 0, gid: 0, permissions: "r" };
  const odd: OciDeviceRule[] = [
    { allow: true, type: "a", access: "rwm" },
    { allow: false, type: "b", access: "w" },
    { allow: true, type: "b", major: 8, access: "rw" },
    { allow: false, type: "c", major: 5, minor: 1, access: "rm" },
  ];

  it.each([
    ["ordinary", deviceRules(false, [])],
    ["with a disk to read", deviceRules(false, [{ ...disk, ...owner }])],
    ["of every kind", odd],
  ])("answers as the rules %s mean", (_, rules) => {
    const program = deviceProgram(rules);
    if (program === undefined) throw new Error("no program");
    for (const type of ["b", "c"] as const) {
      for (const [major, minor] of [
        [1, 3],
        [1, 4],
        [5, 1],
        [8, 0],
        [8, 1],
        [10, 229],
        [136, 9],
      ] as const) {
        for (const access of ["r", "w", "m", "rw", "rwm"]) {
          const question = [type, major, minor, access] as const;
          expect([...question, ask(program, ...question)]).toEqual([
            ...question,
            meant(rules, ...question),
          ]);
        }
      }
    }
  });

  it("is not needed where nothing is forbidden", () => {
    expect(deviceProgram(deviceRules(true, []))).toBeUndefined();
  });
});
