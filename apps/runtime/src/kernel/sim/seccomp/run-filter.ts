/** Runs a checked filter on one call: struct seccomp_data in, action out (seccomp(2), bpf_prog_run()). */
import {
  BPF_ALU_ADD,
  BPF_ALU_AND,
  BPF_ALU_DIV,
  BPF_ALU_LSH,
  BPF_ALU_MUL,
  BPF_ALU_NEG,
  BPF_ALU_OR,
  BPF_ALU_RSH,
  BPF_ALU_SUB,
  BPF_ALU_XOR,
  BPF_JA,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JSET,
  BPF_LD_IMM,
  BPF_LD_LEN,
  BPF_LD_MEM,
  BPF_LD_W_ABS,
  BPF_LDX_IMM,
  BPF_LDX_LEN,
  BPF_LDX_MEM,
  BPF_RET_A,
  BPF_RET_K,
  BPF_ST,
  BPF_STX,
  BPF_TAX,
  BPF_TXA,
  BPF_X,
  type BpfProgram,
  dataBytes,
} from "./bpf.ts";

/** AUDIT_ARCH_X86_64. */
export const auditArch = 0xc000_003e;
const offsetNr = 0;
const offsetArch = 4;
const offsetArguments = 16;
const two32 = 0x1_0000_0000;
const scratch = new Uint32Array(16);

/** A 32-bit word of an argument; negative numbers are sign-extended, as registers hold them. */
function wordOf(args: readonly number[], offset: number): number {
  if (offset < offsetArguments) return 0;
  const value = args[(offset - offsetArguments) >> 3] ?? 0;
  return (offset & 4) === 0 ? value >>> 0 : Math.floor(value / two32) >>> 0;
}

function compute(code: number, a: number, operand: number): number {
  switch (code) {
    case BPF_ALU_ADD:
      return (a + operand) >>> 0;
    case BPF_ALU_SUB:
      return (a - operand) >>> 0;
    case BPF_ALU_MUL:
      return Math.imul(a, operand) >>> 0;
    case BPF_ALU_DIV:
      return Math.floor(a / operand);
    case BPF_ALU_OR:
      return (a | operand) >>> 0;
    case BPF_ALU_AND:
      return (a & operand) >>> 0;
    case BPF_ALU_XOR:
      return (a ^ operand) >>> 0;
    case BPF_ALU_LSH:
      return (a << (operand & 31)) >>> 0;
    case BPF_ALU_RSH:
      return a >>> (operand & 31);
    default:
      return (-a | 0) >>> 0;
  }
}

function holds(code: number, a: number, operand: number): boolean {
  switch (code) {
    case BPF_JEQ:
      return a === operand;
    case BPF_JGT:
      return a > operand;
    case BPF_JGE:
      return a >= operand;
    default:
      return (a & operand) !== 0;
  }
}

/** `action`: SECCOMP_RET_*, with its data. `plain`: it depends on nothing but number and architecture. */
export interface Verdict {
  readonly action: number;
  readonly plain: boolean;
}

/** What `program` says of call `nr` with `args`. Division by an X of 0 ends it with 0, as in the kernel. */
export function runFilter(program: BpfProgram, nr: number, args: readonly number[]): Verdict {
  const { codes, jt, jf, k } = program;
  let a = 0;
  let x = 0;
  let plain = true;
  for (let pc = 0; ; pc++) {
    const code = codes[pc] as number;
    const value = k[pc] as number;
    switch (code) {
      case BPF_LD_W_ABS:
        if (value === offsetNr) a = nr >>> 0;
        else if (value === offsetArch) a = auditArch;
        else {
          plain = false;
          a = wordOf(args, value);
        }
        break;
      case BPF_JEQ:
        pc += a === value ? (jt[pc] as number) : (jf[pc] as number);
        break;
      case BPF_RET_K:
        return { action: value, plain };
      case BPF_RET_A:
        return { action: a, plain };
      case BPF_JA:
        pc += value;
        break;
      case BPF_LD_IMM:
        a = value;
        break;
      case BPF_LDX_IMM:
        x = value;
        break;
      case BPF_LD_LEN:
        a = dataBytes;
        break;
      case BPF_LDX_LEN:
        x = dataBytes;
        break;
      case BPF_LD_MEM:
        a = scratch[value] as number;
        break;
      case BPF_LDX_MEM:
        x = scratch[value] as number;
        break;
      case BPF_ST:
        scratch[value] = a;
        break;
      case BPF_STX:
        scratch[value] = x;
        break;
      case BPF_TAX:
        x = a;
        break;
      case BPF_TXA:
        a = x;
        break;
      default: {
        const operand = (code & BPF_X) === 0 ? value : x;
        const plainCode = code & ~BPF_X;
        if ((code & 7) === (BPF_JSET & 7)) {
          pc += holds(plainCode, a, operand) ? (jt[pc] as number) : (jf[pc] as number);
        } else {
          if (plainCode === BPF_ALU_DIV && operand === 0) return { action: 0, plain };
          a = compute(code === BPF_ALU_NEG ? code : plainCode, a, operand);
        }
      }
    }
  }
}
