/** Answers of compiled profiles; the expectations about several rules of one call were taken from libseccomp 2.5. */
import { describe, expect, test } from "vitest";
import { KernelError } from "../../errors.ts";
import type { SeccompProfile } from "../../kernel.ts";
import { checkProgram, decodeProgram } from "./bpf.ts";
import { compileProfile } from "./compile-profile.ts";
import { runFilter } from "./run-filter.ts";
import { syscallNumbers } from "./syscall-numbers.ts";

const allow = 0x7fff0000;
const errno = (number: number) => 0x00050000 + number;
type Rules = NonNullable<SeccompProfile["syscalls"]>;

function answer(profile: SeccompProfile, name: string, args: readonly number[] = []): number {
  const program = decodeProgram(compileProfile(profile));
  checkProgram(program);
  return runFilter(program, syscallNumbers.get(name) as number, args).action;
}

const denying = (...syscalls: Rules): SeccompProfile => ({
  defaultAction: "SCMP_ACT_ERRNO",
  architectures: ["SCMP_ARCH_X86_64"],
  syscalls,
});
const when = (index: number, op: string, value: number, valueTwo?: number) => ({
  index,
  op: `SCMP_CMP_${op}`,
  value,
  ...(valueTwo === undefined ? {} : { valueTwo }),
});
const rule = (action: string, args?: Rules[number]["args"], errnoRet?: number): Rules[number] => ({
  names: ["socket"],
  action: `SCMP_ACT_${action}`,
  ...(args === undefined ? {} : { args }),
  ...(errnoRet === undefined ? {} : { errnoRet }),
});

describe("every call by its number", () => {
  test("the table is that of x86-64", () => {
    const some = {
      read: 0,
      execve: 59,
      personality: 135,
      openat2: 437,
      clone3: 435,
      pidfd_open: 434,
    };
    for (const [name, nr] of Object.entries(some)) expect(syscallNumbers.get(name)).toBe(nr);
    expect(syscallNumbers.size).toBeGreaterThan(380);
    expect(new Set(syscallNumbers.values()).size).toBe(syscallNumbers.size);
  });

  test("is found by the search, and what is not named gets the default", () => {
    const names = [...syscallNumbers.keys()];
    const odd = names.filter((_, index) => index % 2 === 1);
    const profile = { ...denying({ names: odd, action: "SCMP_ACT_ALLOW" }), defaultErrnoRet: 38 };
    for (const [index, name] of names.entries()) {
      expect(answer(profile, name)).toBe(index % 2 === 1 ? allow : errno(38));
    }
  });
});

const comparisons: readonly (readonly [string, number, number, boolean])[] = [
  ["EQ", 8, 8, true],
  ["EQ", 8, 2 ** 32 + 8, false],
  ["NE", 8, 8, false],
  ["NE", 8, 2 ** 32 + 8, true],
  ["LT", 8, 7, true],
  ["LT", 8, 8, false],
  ["LT", 2 ** 33, 2 ** 32 + 9, true],
  ["LE", 8, 8, true],
  ["LE", 8, 2 ** 32, false],
  ["GT", 8, 8, false],
  ["GT", 8, 2 ** 32, true],
  ["GT", 2 ** 32 + 1, 2 ** 32 + 2, true],
  ["GE", 8, 8, true],
  ["GE", 2 ** 32, 7, false],
];
for (const [op, value, argument, matches] of comparisons) {
  test(`${argument} ${op} ${value} is ${matches}`, () => {
    const profile = denying(rule("ALLOW", [when(2, op, value)]));
    expect(answer(profile, "socket", [0, 0, argument])).toBe(matches ? allow : errno(1));
  });
}

test("a mask is the value, what is compared with it the second", () => {
  const profile = denying(rule("ALLOW", [when(0, "MASKED_EQ", 0x7e020000, 0)]));
  expect(answer(profile, "socket", [0x10000000])).toBe(errno(1));
  expect(answer(profile, "socket", [0x01200011])).toBe(allow);
});

const merged: readonly (readonly [
  what: string,
  rules: Rules,
  args: readonly number[],
  action: number,
])[] = [
  [
    "all conditions of a rule have to hold",
    [rule("ALLOW", [when(0, "EQ", 1), when(1, "EQ", 2)])],
    [1, 3],
    errno(1),
  ],
  ["one argument twice: either", [rule("ALLOW", [when(0, "EQ", 1), when(0, "EQ", 2)])], [2], allow],
  [
    "without condition wins, before",
    [rule("ALLOW"), rule("ERRNO", [when(0, "EQ", 1)], 5)],
    [1],
    allow,
  ],
  [
    "without condition wins, after",
    [rule("ERRNO", [when(0, "EQ", 1)], 5), rule("ALLOW")],
    [1],
    allow,
  ],
  ["the first without condition counts", [rule("ALLOW"), rule("ERRNO", undefined, 5)], [1], allow],
  [
    "equality before order",
    [rule("ALLOW", [when(0, "GE", 1)]), rule("ERRNO", [when(0, "EQ", 5)], 5)],
    [5],
    errno(5),
  ],
  [
    "later arguments first",
    [rule("ALLOW", [when(0, "EQ", 1)]), rule("ERRNO", [when(1, "EQ", 2)], 5)],
    [1, 2],
    errno(5),
  ],
  [
    "the broader one swallows",
    [rule("ALLOW", [when(0, "EQ", 1)]), rule("ERRNO", [when(0, "EQ", 1), when(1, "EQ", 2)], 5)],
    [1, 2],
    allow,
  ],
  [
    "what says the default is left out",
    [rule("ERRNO", undefined, 1), rule("ALLOW", [when(0, "EQ", 1)])],
    [1],
    allow,
  ],
];
describe("several rules of one call", () => {
  for (const [what, rules, args, action] of merged) {
    test(what, () => expect(answer(denying(...rules), "socket", args)).toBe(action));
  }
});

const broken: readonly (readonly [what: string, profile: SeccompProfile, message: string])[] = [
  ["default action", { defaultAction: "SCMP_ACT_NONE" }, "defaultAction has the unknown action"],
  [
    "architecture",
    { ...denying(), architectures: ["PDP11"] },
    "architectures has the unknown architecture",
  ],
  ["action", denying({ names: ["read"], action: "x" }), 'syscalls[0] has the unknown action "x"'],
  ["errno", denying(rule("ERRNO", undefined, 5000)), "syscalls[0] has the errnoRet 5000"],
  ["argument", denying(rule("ALLOW", [when(6, "EQ", 1)])), "compares argument 6"],
  ["comparison", denying(rule("ALLOW", [when(0, "XX", 1)])), "unknown comparison"],
  ["operand", denying(rule("ALLOW", [when(0, "EQ", -1)])), "compares with -1"],
  [
    "contradiction",
    denying(rule("ALLOW", [when(0, "EQ", 1)]), rule("ERRNO", [when(0, "EQ", 1)], 5)),
    "libseccomp refused socket (error 17)",
  ],
];
describe("a profile that makes no sense is EINVAL and says where", () => {
  for (const [what, profile, message] of broken) {
    test(what, () => {
      let thrown: unknown;
      try {
        compileProfile(profile);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(KernelError);
      expect(thrown).toMatchObject({ errno: "EINVAL" });
      expect((thrown as KernelError).message).toContain(message);
    });
  }
});

test("names this machine does not have are skipped; the same profile is compiled once", () => {
  const profile = denying({
    names: ["socketcall", "no_such_call", "read"],
    action: "SCMP_ACT_ALLOW",
  });
  expect(answer(profile, "read")).toBe(allow);
  expect(compileProfile(profile)).toBe(compileProfile(structuredClone(profile)));
});
