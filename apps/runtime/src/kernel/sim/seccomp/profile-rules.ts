/** An OCI seccomp profile, read as libseccomp and runc read it (seccomp_rule_add(3), runtime-spec config-linux.md). */
import { KernelError } from "../../errors.ts";
import type { SeccompProfile } from "../../kernel.ts";
import {
  RET_ALLOW,
  RET_ERRNO,
  RET_KILL_PROCESS,
  RET_KILL_THREAD,
  RET_LOG,
  RET_TRACE,
  RET_TRAP,
} from "./actions.ts";
import { syscallNumbers } from "./syscall-numbers.ts";

const actions: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: RET_KILL_THREAD,
  SCMP_ACT_KILL_THREAD: RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: RET_KILL_PROCESS,
  SCMP_ACT_TRAP: RET_TRAP,
  SCMP_ACT_ERRNO: RET_ERRNO,
  SCMP_ACT_TRACE: RET_TRACE,
  SCMP_ACT_LOG: RET_LOG,
  SCMP_ACT_ALLOW: RET_ALLOW,
};

export type Comparison = "NE" | "LT" | "LE" | "EQ" | "GE" | "GT" | "MASKED_EQ";

const comparisons: Readonly<Record<string, Comparison>> = {
  SCMP_CMP_NE: "NE",
  SCMP_CMP_LT: "LT",
  SCMP_CMP_LE: "LE",
  SCMP_CMP_EQ: "EQ",
  SCMP_CMP_GE: "GE",
  SCMP_CMP_GT: "GT",
  SCMP_CMP_MASKED_EQ: "MASKED_EQ",
};

const eperm = 1;
const errnoMax = 4095;
const argumentsMax = 6;
const eexist = 17;

export interface Condition {
  readonly argument: number;
  readonly comparison: Comparison;
  /** With MASKED_EQ the mask. */
  readonly value: bigint;
  readonly second: bigint;
}

export interface ConditionalRule {
  readonly conditions: readonly Condition[];
  readonly action: number;
}

/** What is said of one call: an answer whatever its arguments, or rules that are tried in order. */
export type CallRules = { readonly always: number } | { readonly rules: ConditionalRule[] };

export function invalid(message: string): KernelError {
  return new KernelError({
    errno: "EINVAL",
    op: "library",
    detail: message,
    message: `seccomp: ${message}`,
  });
}

export function lookUp<T>(
  table: Readonly<Record<string, T>>,
  name: string,
  what: string,
  where: string,
): T {
  const value = Object.hasOwn(table, name) ? table[name] : undefined;
  if (value !== undefined) return value;
  const known = Object.keys(table).join(", ");
  throw invalid(`${where} has the unknown ${what} ${JSON.stringify(name)} (known: ${known})`);
}

/** The SECCOMP_RET_* value of an action and its errnoRet. */
export function actionOf(name: string, errnoRet: number | undefined, where: string): number {
  const action = lookUp(actions, name, "action", where);
  if (action !== RET_ERRNO && action !== RET_TRACE) return action;
  const errno = errnoRet ?? eperm;
  if (!Number.isInteger(errno) || errno < 0 || errno > errnoMax) {
    throw invalid(`${where} has the errnoRet ${errno}, which is none`);
  }
  return (action | errno) >>> 0;
}

/** JSON has no 64 bits: what a double does not hold exactly would be another condition than the one meant. */
function operand(value: number, where: string): bigint {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw invalid(`${where} compares with ${value}, which is no whole number from 0 to 2^53`);
  }
  return BigInt(value);
}

type Rule = NonNullable<SeccompProfile["syscalls"]>[number];

function conditionsOf(rule: Rule, where: string): readonly Condition[] {
  return (rule.args ?? []).map(({ index, op, value, valueTwo }) => {
    if (!(Number.isInteger(index) && index >= 0 && index < argumentsMax)) {
      throw invalid(`${where} compares argument ${index}; a system call has six, from 0`);
    }
    const comparison = lookUp(comparisons, op, "comparison", where);
    return {
      argument: index,
      comparison,
      value: operand(value, where),
      second: operand(valueTwo ?? 0, where),
    };
  });
}

function sameCondition(a: Condition | undefined, b: Condition | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    a.argument === b.argument &&
    a.comparison === b.comparison &&
    a.value === b.value &&
    (a.comparison !== "MASKED_EQ" || a.second === b.second)
  );
}

/** True when whatever fulfils `longer` fulfils `shorter` because it begins with it. */
function beginsWith(longer: readonly Condition[], shorter: readonly Condition[]): boolean {
  return shorter.every((condition, index) => sameCondition(condition, longer[index]));
}

const precedence: readonly Comparison[] = ["EQ", "MASKED_EQ", "NE", "GE", "GT", "LE", "LT"];

/** libseccomp tries the narrower first: later arguments, then equality, then the larger value. */
function before(a: ConditionalRule, b: ConditionalRule): number {
  const [x, y] = [a.conditions[0], b.conditions[0]];
  if (x === undefined || y === undefined) return 0;
  return (
    y.argument - x.argument ||
    precedence.indexOf(x.comparison) - precedence.indexOf(y.comparison) ||
    (x.value === y.value ? 0 : x.value > y.value ? -1 : 1)
  );
}

function addConditional(
  rules: ConditionalRule[],
  added: ConditionalRule,
  name: string,
  where: string,
): void {
  for (const { conditions, action } of rules) {
    const contradicts = beginsWith(conditions, added.conditions);
    if (contradicts && (conditions.length > added.conditions.length || action !== added.action)) {
      throw invalid(`${where}: libseccomp refused ${name} (error ${eexist})`);
    }
    if (beginsWith(added.conditions, conditions)) return;
  }
  rules.push(added);
  rules.sort(before);
}

/** Conditions on one argument twice are alternatives, as in runc; else all of them have to hold. */
function alternativesOf(conditions: readonly Condition[]): readonly (readonly Condition[])[] {
  const used = new Set(conditions.map((condition) => condition.argument));
  if (used.size < conditions.length) return conditions.map((condition) => [condition]);
  return [conditions.toSorted((a, b) => a.argument - b.argument)];
}

/** A rule without conditions counts whatever else is said of the call; the first of them wins. */
function addToCall(
  calls: Map<number, CallRules>,
  nr: number,
  name: string,
  rule: Rule,
  where: string,
) {
  const action = actionOf(rule.action, rule.errnoRet, where);
  const conditions = conditionsOf(rule, where);
  let call = calls.get(nr);
  if (call !== undefined && "always" in call) return;
  if (conditions.length === 0) {
    calls.set(nr, { always: action });
    return;
  }
  if (call === undefined) {
    call = { rules: [] };
    calls.set(nr, call);
  }
  for (const one of alternativesOf(conditions)) {
    addConditional(call.rules, { conditions: one, action }, name, where);
  }
}

/** Rules by call number. Names x86-64 does not have are left out, and rules that say what the default says. */
export function rulesOf(profile: SeccompProfile, fallback: number): Map<number, CallRules> {
  const calls = new Map<number, CallRules>();
  profile.syscalls?.forEach((rule, index) => {
    const where = `syscalls[${index}]`;
    if (actionOf(rule.action, rule.errnoRet, where) === fallback) return;
    conditionsOf(rule, where);
    for (const name of rule.names) {
      const nr = syscallNumbers.get(name);
      if (nr !== undefined) addToCall(calls, nr, name, rule, where);
    }
  });
  return calls;
}
