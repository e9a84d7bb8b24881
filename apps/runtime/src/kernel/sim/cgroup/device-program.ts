/**
 * Device programs of cgroup v2: eBPF of type BPF_PROG_TYPE_CGROUP_DEVICE, run at every open and mknod of a
 * device (cgroup-v2.rst, "Device controller"). The interpreter has what such programs need: loads from the
 * context, 64 bit arithmetic with numbers and registers, jumps, exit (bpf-docs, instruction-set.rst).
 */
import { refuse } from "../refusal.ts";
import type { CgroupNode } from "./hierarchy.ts";

const instructionBytes = 8;
const instructionsMax = 4096;
/** Of one program; somebody may ask about every device there could be. */
const answersMax = 256;
const typeNumber = { block: 1, char: 2 } as const;
const accessBit: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };

interface Registers {
  readonly values: bigint[];
  at: number;
}

/** BPF_PROG_ATTACH: this program decides from now on; another one of the same node is replaced. EINVAL for no program. */
export function attachDeviceProgram(node: CgroupNode, program: Uint8Array): void {
  if (program.length === 0 || program.length % instructionBytes !== 0) refuse("EINVAL");
  if (program.length > instructionsMax * instructionBytes) refuse("E2BIG");
  node.devicePrograms = [program];
}

/** Whether every program of `node` and above answers other than 0. */
export function programsAllow(
  node: CgroupNode,
  type: "char" | "block",
  major: number,
  minor: number,
  access: string,
): boolean {
  let bits = 0;
  for (const letter of access) bits |= accessBit[letter] ?? 0;
  const context = [(bits << 16) | typeNumber[type], major, minor];
  for (let at: CgroupNode | undefined = node; at !== undefined; at = at.parent)
    for (const program of at.devicePrograms ?? []) if (!answerOf(program, context)) return false;
  return true;
}

/** Answers of programs, by what was asked: programs keep no state, and most containers have the same one. */
const answers = new WeakMap<Uint8Array, Map<string, boolean>>();

function answerOf(program: Uint8Array, context: readonly number[]): boolean {
  let known = answers.get(program);
  if (known === undefined) {
    known = new Map();
    answers.set(program, known);
  }
  const asked = context.join();
  let answer = known.get(asked);
  if (answer === undefined) {
    answer = runDeviceProgram(program, context) !== 0n;
    if (known.size < answersMax) known.set(asked, answer);
  }
  return answer;
}

/** r0 at the exit; `context` is struct bpf_cgroup_dev_ctx as words. A broken program allows nothing. */
export function runDeviceProgram(program: Uint8Array, context: readonly number[]): bigint {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const count = program.length / instructionBytes;
  const state: Registers = { values: Array.from({ length: 11 }, () => 0n), at: 0 };
  // Jumps lead forward in what the verifier takes: as many steps as instructions are enough.
  for (let steps = 0; steps <= count && state.at < count; steps++) {
    const code = view.getUint8(state.at * instructionBytes);
    if (code === 0x95) return state.values[0] ?? 0n;
    if (!step(view, code, state, context)) return 0n;
  }
  return 0n;
}

function step(view: DataView, code: number, state: Registers, context: readonly number[]): boolean {
  const base = state.at * instructionBytes;
  const registers = view.getUint8(base + 1);
  const [to, from] = [registers & 15, registers >> 4];
  const offset = view.getInt16(base + 2, true);
  const number = BigInt(view.getInt32(base + 4, true));
  const left = state.values[to] ?? 0n;
  const operand = (code & 8) === 0 ? number : (state.values[from] ?? 0n);
  state.at++;
  const kind = code & 7;
  // ldx of a word from the context, which is what register 1 points at.
  if (code === 0x61) {
    state.values[to] = BigInt.asUintN(32, BigInt(context[offset >> 2] ?? 0));
    return true;
  }
  if (kind === 7 || kind === 4) {
    const result = arithmetic(code & 0xf0, left, operand);
    if (result === undefined) return false;
    state.values[to] = BigInt.asUintN(kind === 7 ? 64 : 32, result);
    return true;
  }
  if (kind !== 5) return false;
  const taken = jumps(code & 0xf0, left, BigInt.asUintN(64, operand));
  if (taken === undefined) return false;
  if (taken) state.at += offset;
  return true;
}

function arithmetic(operation: number, left: bigint, right: bigint): bigint | undefined {
  switch (operation) {
    case 0x00:
      return left + right;
    case 0x10:
      return left - right;
    case 0x40:
      return left | right;
    case 0x50:
      return left & right;
    case 0x60:
      return left << (right & 63n);
    case 0x70:
      return left >> (right & 63n);
    case 0xa0:
      return left ^ right;
    case 0xb0:
      return right;
    default:
      return undefined;
  }
}

function jumps(operation: number, left: bigint, right: bigint): boolean | undefined {
  switch (operation) {
    case 0x00:
      return true;
    case 0x10:
      return left === right;
    case 0x20:
      return left > right;
    case 0x30:
      return left >= right;
    case 0x40:
      return (left & right) !== 0n;
    case 0x50:
      return left !== right;
    case 0xa0:
      return left < right;
    case 0xb0:
      return left <= right;
    default:
      return undefined;
  }
}
