/**
 * Compiles an OCI seccomp profile to BPF, as libseccomp does for the real kernel: other bytes, the same answers
 * for calls of x86-64. Calls of architectures that the profile does not name are killed.
 */

import type { SeccompProfile } from "../../kernel.ts";
import { seccompArchitectures } from "../../seccomp-architecture.ts";
import { RET_KILL_THREAD } from "./actions.ts";
import { Assembler, type Label } from "./assembler.ts";
import { BPF_ALU_AND, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_LD_W_ABS } from "./bpf.ts";
import {
  actionOf,
  type CallRules,
  type Comparison,
  type Condition,
  lookUp,
  rulesOf,
} from "./profile-rules.ts";
import { auditArch } from "./run-filter.ts";

const offsetNr = 0;
const offsetArch = 4;
/** Numbers from here on are calls of the x32 ABI. */
const x32Bit = 0x4000_0000;
/** Binary search goes on down to so many calls in a row. */
const runLength = 4;

function low(value: bigint): number {
  return Number(value & 0xffff_ffffn);
}

function high(value: bigint): number {
  return Number(value >> 32n);
}

/** Goes on below when the condition holds, else to `fail`. Arguments are 64 bits: two words, little endian. */
function writeCondition(out: Assembler, condition: Condition, fail: Label): void {
  const { argument, comparison, value, second } = condition;
  const offset = 16 + 8 * argument;
  const masked = comparison === "MASKED_EQ";
  const wanted = masked ? second & value : value;
  const pass = out.label();
  out.add(BPF_LD_W_ABS, offset + 4);
  if (masked) out.add(BPF_ALU_AND, high(value));
  switch (comparison) {
    case "EQ":
    case "MASKED_EQ":
      out.jump(BPF_JEQ, high(wanted), undefined, fail);
      break;
    case "NE":
      out.jump(BPF_JEQ, high(wanted), undefined, pass);
      break;
    case "GT":
    case "GE":
      out.jump(BPF_JGT, high(wanted), pass, undefined);
      out.jump(BPF_JEQ, high(wanted), undefined, fail);
      break;
    case "LE":
    case "LT":
      out.jump(BPF_JGT, high(wanted), fail, undefined);
      out.jump(BPF_JEQ, high(wanted), undefined, pass);
  }
  out.add(BPF_LD_W_ABS, offset);
  if (masked) out.add(BPF_ALU_AND, low(value));
  writeLowWord(out, comparison, low(wanted), fail);
  out.place(pass);
}

const lowWord: Readonly<Record<Comparison, readonly [code: number, passes: boolean]>> = {
  EQ: [BPF_JEQ, true],
  MASKED_EQ: [BPF_JEQ, true],
  NE: [BPF_JEQ, false],
  GT: [BPF_JGT, true],
  LE: [BPF_JGT, false],
  GE: [BPF_JGE, true],
  LT: [BPF_JGE, false],
};

function writeLowWord(out: Assembler, comparison: Comparison, wanted: number, fail: Label): void {
  const [code, passes] = lowWord[comparison];
  if (passes) out.jump(code, wanted, undefined, fail);
  else out.jump(code, wanted, fail, undefined);
}

/** The number is in A; whatever happens, it returns. */
function writeCall(out: Assembler, call: CallRules, fallback: number): void {
  if ("always" in call) {
    out.ret(call.always);
    return;
  }
  for (const { conditions, action } of call.rules) {
    const fail = out.label();
    for (const condition of conditions) writeCondition(out, condition, fail);
    out.ret(action);
    out.place(fail);
  }
  out.ret(fallback);
}

type Calls = readonly (readonly [nr: number, call: CallRules])[];

/** Binary search over the numbers, which are sorted. */
function writeCalls(out: Assembler, calls: Calls, fallback: number): void {
  if (calls.length <= runLength) {
    for (const [nr, call] of calls) {
      const next = out.label();
      const here = out.label();
      out.jump(BPF_JEQ, nr, here, undefined);
      out.go(next);
      out.place(here);
      writeCall(out, call, fallback);
      out.place(next);
    }
    out.ret(fallback);
    return;
  }
  const middle = calls.length >> 1;
  const upper = out.label();
  const lower = out.label();
  out.jump(BPF_JGE, calls[middle]?.[0] ?? 0, undefined, lower);
  out.go(upper);
  out.place(lower);
  writeCalls(out, calls.slice(0, middle), fallback);
  out.place(upper);
  writeCalls(out, calls.slice(middle), fallback);
}

function compile(profile: SeccompProfile): Uint8Array {
  const fallback = actionOf(profile.defaultAction, profile.defaultErrnoRet, "defaultAction");
  const named = (profile.architectures ?? []).map((name) =>
    lookUp(seccompArchitectures, name, "architecture", "architectures"),
  );
  const calls = [...rulesOf(profile, fallback)].sort(([a], [b]) => a - b);
  const out = new Assembler();
  out.add(BPF_LD_W_ABS, offsetArch);
  const native = out.label();
  out.jump(BPF_JEQ, auditArch, native, undefined);
  for (const arch of named) {
    const next = out.label();
    out.jump(BPF_JEQ, arch, undefined, next);
    out.ret(fallback);
    out.place(next);
  }
  out.ret(RET_KILL_THREAD);
  out.place(native);
  out.add(BPF_LD_W_ABS, offsetNr);
  // -1 is what a tracer makes of a call it skips, and no x32 number.
  const ordinary = out.label();
  out.jump(BPF_JGE, x32Bit, undefined, ordinary);
  out.jump(BPF_JEQ, 0xffff_ffff, ordinary, undefined);
  out.ret(
    named.includes(seccompArchitectures["SCMP_ARCH_X32"] as number) ? fallback : RET_KILL_THREAD,
  );
  out.place(ordinary);
  writeCalls(out, calls, fallback);
  return out.bytes();
}

/** Compiled profiles: the same object at once, the same text soon. Nearly every container of a node has one profile. */
const byIdentity = new WeakMap<SeccompProfile, Uint8Array>();
const byText = new Map<string, Uint8Array>();
const compiledMax = 64;

/**
 * Compiles a profile in the shape of the OCI runtime specification's linux.seccomp.
 * @throws KernelError EINVAL naming the broken entry.
 */
export function compileProfile(profile: SeccompProfile): Uint8Array {
  const same = byIdentity.get(profile);
  if (same !== undefined) return same;
  const text = JSON.stringify(profile);
  let bytes = byText.get(text);
  if (bytes === undefined) {
    bytes = compile(profile);
    if (byText.size >= compiledMax) byText.clear();
    byText.set(text, bytes);
  }
  byIdentity.set(profile, bytes);
  return bytes;
}
