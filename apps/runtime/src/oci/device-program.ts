/**
 * Device rules as a program for cgroup v2, which has no devices controller: the kernel runs eBPF at
 * every open and mknod of a device and refuses what the program answers with 0 (cgroup-v2.rst,
 * "Device controller"). The last rule that matches decides, so the program asks them from the end.
 */
import type { OciDeviceRule } from "./spec.ts";

/** struct bpf_cgroup_dev_ctx: u32 access_type (access << 16 | type), u32 major, u32 minor (bpf.h). */
const offset = { access: 0, major: 4, minor: 8 } as const;
const typeNumber = { b: 1, c: 2 } as const;
const accessBit: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const everyAccess = 7;

/** Registers: r1 is the context, the result is in r0. */
const register = {
  result: 0,
  context: 1,
  access: 2,
  type: 3,
  major: 4,
  minor: 5,
  scratch: 6,
} as const;
type Register = (typeof register)[keyof typeof register];

/** Opcodes of the instruction set (bpf-docs, instruction-set.rst). */
const opcode = {
  loadWord: 0x61,
  moveNumber: 0xb7,
  moveRegister: 0xbf,
  and: 0x57,
  shiftRight: 0x77,
  jumpIfEqual: 0x15,
  jumpIfNotEqual: 0x55,
  exit: 0x95,
} as const;

interface Instruction {
  readonly code: number;
  readonly to: Register;
  readonly from?: Register;
  readonly offset?: number;
  readonly number?: number;
}

/** Jumps past the rule, written before it is known how long the rule is. */
interface Test {
  readonly code: typeof opcode.jumpIfEqual | typeof opcode.jumpIfNotEqual;
  readonly register: Register;
  readonly number: number;
}

/** Programs that were made: nearly every container has the same rules. */
const programs = new WeakMap<readonly OciDeviceRule[], Uint8Array>();

/** struct bpf_insn[] for these rules; undefined when they forbid nothing. */
export function deviceProgram(rules: readonly OciDeviceRule[]): Uint8Array | undefined {
  if (rules.every((rule) => rule.allow)) return undefined;
  let program = programs.get(rules);
  if (program === undefined) {
    program = compile(rules);
    programs.set(rules, program);
  }
  return program;
}

function compile(rules: readonly OciDeviceRule[]): Uint8Array {
  const instructions: Instruction[] = [
    { code: opcode.loadWord, to: register.access, from: register.context, offset: offset.access },
    { code: opcode.moveRegister, to: register.type, from: register.access },
    { code: opcode.and, to: register.type, number: 0xffff },
    { code: opcode.shiftRight, to: register.access, number: 16 },
    { code: opcode.loadWord, to: register.major, from: register.context, offset: offset.major },
    { code: opcode.loadWord, to: register.minor, from: register.context, offset: offset.minor },
  ];
  for (const rule of rules.toReversed()) {
    instructions.push(...ruleInstructions(rule));
    // What comes before a rule for everything has been overruled; the kernel takes no dead code.
    if (rule.type === "a" && accessOf(rule) === everyAccess) return encode(instructions);
  }
  return encode([...instructions, ...answer(false)]);
}

function ruleInstructions(rule: OciDeviceRule): readonly Instruction[] {
  const before: Instruction[] = [];
  const tests: Test[] = [];
  const unless = (register: Register, number: number) =>
    tests.push({ code: opcode.jumpIfNotEqual, register, number });
  if (rule.type !== "a") unless(register.type, typeNumber[rule.type]);
  if (rule.major !== undefined) unless(register.major, rule.major);
  if (rule.minor !== undefined) unless(register.minor, rule.minor);
  const access = accessOf(rule);
  if (access !== everyAccess) {
    // Allowing needs every access that is asked for, forbidding one of them.
    const number = rule.allow ? everyAccess & ~access : access;
    before.push({ code: opcode.moveRegister, to: register.scratch, from: register.access });
    before.push({ code: opcode.and, to: register.scratch, number });
    const code = rule.allow ? opcode.jumpIfNotEqual : opcode.jumpIfEqual;
    tests.push({ code, register: register.scratch, number: 0 });
  }
  const then = answer(rule.allow);
  const jumps = tests.map((test, index) => ({
    code: test.code,
    to: test.register,
    number: test.number,
    offset: tests.length - index - 1 + then.length,
  }));
  return [...before, ...jumps, ...then];
}

function answer(allow: boolean): readonly Instruction[] {
  return [
    { code: opcode.moveNumber, to: register.result, number: allow ? 1 : 0 },
    { code: opcode.exit, to: register.result },
  ];
}

function accessOf(rule: OciDeviceRule): number {
  return [...rule.access].reduce((bits, letter) => bits | (accessBit[letter] ?? 0), 0);
}

/** struct bpf_insn: u8 code, u4 destination, u4 source, s16 offset, s32 immediate, little-endian. */
function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [
    index,
    { code, to, from = 0, offset: jump = 0, number = 0 },
  ] of instructions.entries()) {
    view.setUint8(index * 8, code);
    view.setUint8(index * 8 + 1, (from << 4) | to);
    view.setInt16(index * 8 + 2, jump, true);
    view.setInt32(index * 8 + 4, number, true);
  }
  return bytes;
}
