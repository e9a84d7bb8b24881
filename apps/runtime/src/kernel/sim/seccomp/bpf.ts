/** Classic BPF as seccomp filters use it: opcodes, and what the kernel accepts (linux/filter.h, seccomp(2)). */
import { refuse } from "../refusal.ts";

export const BPF_LD_W_ABS = 0x20;
export const BPF_LD_IMM = 0x00;
export const BPF_LDX_IMM = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_LD_MEM = 0x60;
export const BPF_LDX_MEM = 0x61;
export const BPF_LD_LEN = 0x80;
export const BPF_LDX_LEN = 0x81;
export const BPF_JA = 0x05;
export const BPF_JEQ = 0x15;
export const BPF_JGT = 0x25;
export const BPF_JGE = 0x35;
export const BPF_JSET = 0x45;
/** Added to an ALU or jump opcode: the operand is X. */
export const BPF_X = 0x08;
export const BPF_RET_K = 0x06;
export const BPF_RET_A = 0x16;
export const BPF_ALU_ADD = 0x04;
export const BPF_ALU_SUB = 0x14;
export const BPF_ALU_MUL = 0x24;
export const BPF_ALU_DIV = 0x34;
export const BPF_ALU_OR = 0x44;
export const BPF_ALU_AND = 0x54;
export const BPF_ALU_LSH = 0x64;
export const BPF_ALU_RSH = 0x74;
export const BPF_ALU_NEG = 0x84;
export const BPF_ALU_XOR = 0xa4;
export const BPF_TAX = 0x07;
export const BPF_TXA = 0x87;

/** BPF_MAXINSNS, and sizeof(struct seccomp_data). */
const instructionsMax = 4096;
export const dataBytes = 64;
const instructionBytes = 8;
const scratchWords = 16;

const jumps = [BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET];
const arithmetic = [
  ...[BPF_ALU_ADD, BPF_ALU_SUB, BPF_ALU_MUL, BPF_ALU_DIV, BPF_ALU_OR, BPF_ALU_AND],
  ...[BPF_ALU_LSH, BPF_ALU_RSH, BPF_ALU_XOR],
];
const stores = new Set([BPF_ST, BPF_STX]);
const memoryLoads = new Set([BPF_LD_MEM, BPF_LDX_MEM]);
const returns = new Set([BPF_RET_K, BPF_RET_A]);
const conditional = new Set([...jumps, ...jumps.map((code) => code | BPF_X)]);
const known = new Set([
  ...[BPF_LD_W_ABS, BPF_LD_IMM, BPF_LDX_IMM, BPF_LD_LEN, BPF_LDX_LEN, BPF_JA],
  ...[BPF_TAX, BPF_TXA, BPF_ALU_NEG],
  ...stores,
  ...memoryLoads,
  ...returns,
  ...conditional,
  ...arithmetic,
  ...arithmetic.map((code) => code | BPF_X),
]);

/** A decoded program: parallel arrays, one element an instruction. */
export interface BpfProgram {
  readonly codes: Uint16Array;
  readonly jt: Uint8Array;
  readonly jf: Uint8Array;
  readonly k: Uint32Array;
}

/** struct sock_filter[] in memory order; EINVAL for what is no whole number of instructions, for none, and for too many. */
export function decodeProgram(bytes: Uint8Array): BpfProgram {
  const length = bytes.length / instructionBytes;
  if (!Number.isInteger(length) || length === 0 || length > instructionsMax) refuse("EINVAL");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const program = {
    codes: new Uint16Array(length),
    jt: new Uint8Array(length),
    jf: new Uint8Array(length),
    k: new Uint32Array(length),
  };
  for (let pc = 0; pc < length; pc++) {
    program.codes[pc] = view.getUint16(8 * pc, true);
    program.jt[pc] = view.getUint8(8 * pc + 2);
    program.jf[pc] = view.getUint8(8 * pc + 3);
    program.k[pc] = view.getUint32(8 * pc + 4, true);
  }
  return program;
}

/** bpf_check_classic() and seccomp_check_filter(): EINVAL for what could leave the program or read what it may not. */
export function checkProgram({ codes, jt, jf, k }: BpfProgram): void {
  const length = codes.length;
  for (let pc = 0; pc < length; pc++) {
    const code = codes[pc] as number;
    const operand = k[pc] as number;
    if (!known.has(code)) refuse("EINVAL");
    if (code === BPF_LD_W_ABS && (operand % 4 !== 0 || operand >= dataBytes)) refuse("EINVAL");
    if (code === BPF_ALU_DIV && operand === 0) refuse("EINVAL");
    if ((code === BPF_ALU_LSH || code === BPF_ALU_RSH) && operand >= 32) refuse("EINVAL");
    if ((stores.has(code) || memoryLoads.has(code)) && operand >= scratchWords) refuse("EINVAL");
    if (code === BPF_JA && operand >= length - pc - 1) refuse("EINVAL");
    if (conditional.has(code)) {
      const furthest = Math.max(jt[pc] as number, jf[pc] as number);
      if (pc + furthest + 1 >= length) refuse("EINVAL");
    }
  }
  if (!returns.has(codes[length - 1] as number)) refuse("EINVAL");
  checkScratch({ codes, jt, jf, k });
}

/** check_load_and_stores(): no scratch word is read on a path that has not written it. */
function checkScratch({ codes, jt, jf, k }: BpfProgram): void {
  const masks = new Uint16Array(codes.length).fill(0xffff);
  const meet = (pc: number, valid: number) => {
    masks[pc] = (masks[pc] as number) & valid;
  };
  let valid = 0;
  for (let pc = 0; pc < codes.length; pc++) {
    const code = codes[pc] as number;
    valid &= masks[pc] as number;
    if (stores.has(code)) valid |= 1 << (k[pc] as number);
    else if (memoryLoads.has(code)) {
      if ((valid & (1 << (k[pc] as number))) === 0) refuse("EINVAL");
    } else if (code === BPF_JA) {
      meet(pc + 1 + (k[pc] as number), valid);
      valid = 0xffff;
    } else if (conditional.has(code)) {
      meet(pc + 1 + (jt[pc] as number), valid);
      meet(pc + 1 + (jf[pc] as number), valid);
      valid = 0xffff;
    }
  }
}

/** Instructions of eBPF that one classic instruction becomes (bpf_convert_filter()). */
function convertedCost(code: number, jt: number, jf: number, k: number): number {
  if (code === BPF_RET_K) return 2;
  if (code === (BPF_ALU_DIV | BPF_X)) return 5;
  if (!conditional.has(code)) return 1;
  // An operand that looks negative is loaded first; a condition jumps one way, so two ways are two.
  const wide = (code & BPF_X) === 0 && k > 0x7fff_ffff ? 1 : 0;
  const twoWays = jf !== 0 && (jt !== 0 || (code & ~BPF_X) === BPF_JSET);
  return wide + (twoWays ? 2 : 1);
}

/** How long the program is for the kernel's bookkeeping: it keeps it as eBPF, with three instructions before it. */
export function convertedLength({ codes, jt, jf, k }: BpfProgram): number {
  let length = 3;
  for (let pc = 0; pc < codes.length; pc++) {
    const [yes, no] = [jt[pc] as number, jf[pc] as number];
    length += convertedCost(codes[pc] as number, yes, no, k[pc] as number);
  }
  return length;
}
