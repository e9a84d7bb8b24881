/** Programs the kernel takes and does not take (kernel/seccomp.c, net/core/filter.c), as seccomp(2) answers. */
import { describe, expect, test } from "vitest";
import { outcome } from "../process/process-bed.ts";
import { checkProgram, decodeProgram } from "./bpf.ts";
import { runFilter } from "./run-filter.ts";

type Instruction = readonly [code: number, k?: number, jt?: number, jf?: number];

function assembled(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8);
  const view = new DataView(bytes.buffer);
  instructions.forEach(([code, k = 0, jt = 0, jf = 0], index) => {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jt);
    view.setUint8(8 * index + 3, jf);
    view.setUint32(8 * index + 4, k, true);
  });
  return bytes;
}

const allow: Instruction = [0x06, 0x7fff0000];
const accepts = (bytes: Uint8Array) => outcome(() => checkProgram(decodeProgram(bytes)));

const programs: readonly (readonly [
  what: string,
  program: readonly Instruction[],
  answer: string,
])[] = [
  ["one RET", [allow], "ok"],
  ["RET A", [[0x00, 5], [0x16]], "ok"],
  ["nothing", [], "EINVAL"],
  ["no RET at the end", [allow, [0x20, 0]], "EINVAL"],
  ["load beyond seccomp_data", [[0x20, 64], allow], "EINVAL"],
  ["load between words", [[0x20, 2], allow], "EINVAL"],
  ["half a word", [[0x28, 0], allow], "EINVAL"],
  ["a packet's header", [[0x30, 0], allow], "EINVAL"],
  ["modulo", [[0x94, 3], allow], "EINVAL"],
  ["division by 0", [[0x34, 0], allow], "EINVAL"],
  ["shift by 32", [[0x64, 32], allow], "EINVAL"],
  ["jump beyond the end", [[0x05, 1], allow], "EINVAL"],
  ["jump to the end", [[0x05, 0], allow], "ok"],
  ["condition beyond the end", [[0x15, 0, 0, 1], allow], "EINVAL"],
  ["scratch that was not written", [[0x60, 0], allow], "EINVAL"],
  ["scratch written before", [[0x02, 0], [0x60, 0], allow], "ok"],
  ["scratch written on one path only", [[0x15, 0, 0, 1], [0x02, 3], [0x60, 3], allow], "EINVAL"],
  ["scratch 16", [[0x02, 16], allow], "EINVAL"],
  ["4096 instructions", Array.from({ length: 4096 }, () => allow), "ok"],
  ["4097 instructions", Array.from({ length: 4097 }, () => allow), "EINVAL"],
];

describe("checking", () => {
  for (const [what, program, answer] of programs) {
    test(`${what}: ${answer}`, () => expect(accepts(assembled(program))).toBe(answer));
  }
  test("half an instruction: EINVAL", () => expect(accepts(new Uint8Array(12))).toBe("EINVAL"));
});

describe("running", () => {
  const run = (program: readonly Instruction[], nr = 0, args: readonly number[] = []) =>
    runFilter(decodeProgram(assembled(program)), nr, args);
  const ret: Instruction = [0x16];
  const table: readonly (readonly [
    what: string,
    program: readonly Instruction[],
    result: number,
  ])[] = [
    ["number", [[0x20, 0], ret], 42],
    ["architecture", [[0x20, 4], ret], 0xc000003e],
    ["low word", [[0x20, 16], ret], 0xffffffff],
    ["high word of -1", [[0x20, 20], ret], 0xffffffff],
    ["high word of 2^32 + 5", [[0x20, 28], ret], 1],
    ["low word of 2^32 + 5", [[0x20, 24], ret], 5],
    ["missing argument", [[0x20, 56], ret], 0],
    ["length", [[0x80], ret], 64],
    ["overflow", [[0x00, 0xffffffff], [0x04, 2], ret], 1],
    ["underflow", [[0x00, 1], [0x14, 2], ret], 0xffffffff],
    ["product", [[0x00, 0x10001], [0x24, 0x10001], ret], 0x20001],
    ["quotient by X", [[0x01, 4], [0x00, 9], [0x3c], ret], 2],
    ["division by an X of 0 ends with 0", [[0x00, 9], [0x3c], ret], 0],
    ["negation", [[0x00, 1], [0x84], ret], 0xffffffff],
    ["and, or, xor", [[0x00, 0xf0], [0x54, 0x3c], [0x44, 1], [0xa4, 0x11], ret], 0x20],
    ["shifts", [[0x00, 1], [0x64, 31], [0x74, 30], ret], 2],
    ["X and scratch", [[0x00, 7], [0x07], [0x03, 2], [0x00, 0], [0x60, 2], ret], 7],
    ["TXA", [[0x01, 9], [0x87], ret], 9],
    [
      "jset",
      [
        [0x00, 6],
        [0x45, 2, 0, 1],
        [0x06, 1],
        [0x06, 2],
      ],
      1,
    ],
    [
      "jgt is unsigned",
      [
        [0x00, 0xffffffff],
        [0x25, 1, 0, 1],
        [0x06, 1],
        [0x06, 2],
      ],
      1,
    ],
    [
      "jge by X",
      [
        [0x01, 6],
        [0x00, 6],
        [0x3d, 0, 0, 1],
        [0x06, 1],
        [0x06, 2],
      ],
      1,
    ],
  ];
  for (const [what, program, result] of table) {
    test(what, () => expect(run(program, 42, [-1, 2 ** 32 + 5]).action).toBe(result));
  }

  test("a verdict that looked at no argument is said to be plain", () => {
    expect(run([[0x20, 0], allow]).plain).toBe(true);
    expect(run([[0x20, 16], allow]).plain).toBe(false);
  });
});
