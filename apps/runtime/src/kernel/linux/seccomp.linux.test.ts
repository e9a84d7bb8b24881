import { expect, test } from "vitest";
import type { SeccompProfile } from "../kernel.ts";
import { compileSeccomp } from "./seccomp.ts";

const x86_64 = 0xc000_003e;
const i386 = 0x4000_0003;
const kill = 0;
const allow = 0x7fff_0000;
const errno = (number: number) => 0x0005_0000 + number;
/** System call numbers of x86-64. */
const nr = { read: 0, clone: 56, socket: 41, personality: 135, clone3: 435, mount: 165 };

/** Runs a filter on one call as the kernel does (bpf(4), seccomp(2)): the action it returns. */
function run(
  filter: Uint8Array,
  arch: number,
  number: number,
  args: readonly bigint[] = [],
): number {
  const code = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const data = new DataView(new ArrayBuffer(64));
  data.setInt32(0, number, true);
  data.setUint32(4, arch, true);
  for (const [i, value] of args.entries()) data.setBigUint64(16 + 8 * i, value, true);
  let a = 0;
  const scratch = new Uint32Array(16);
  for (let pc = 0; pc * 8 < filter.length; pc += 1) {
    const opcode = code.getUint16(pc * 8, true);
    const [jt, jf] = [code.getUint8(pc * 8 + 2), code.getUint8(pc * 8 + 3)];
    const k = code.getUint32(pc * 8 + 4, true);
    const jump = (condition: boolean) => {
      pc += condition ? jt : jf;
    };
    if (opcode === 0x20) a = data.getUint32(k, true);
    else if (opcode === 0x06) return k;
    else if (opcode === 0x05) pc += k;
    else if (opcode === 0x15) jump(a === k);
    else if (opcode === 0x25) jump(a > k);
    else if (opcode === 0x35) jump(a >= k);
    else if (opcode === 0x54) a = (a & k) >>> 0;
    else if (opcode === 0x02) scratch[k] = a;
    else if (opcode === 0x60) a = scratch[k] ?? 0;
    else throw new Error(`opcode ${opcode.toString(16)}`);
  }
  throw new Error("the filter has no end");
}

function profile(changed: Partial<SeccompProfile> = {}): SeccompProfile {
  return { defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_X86_64"], ...changed };
}

function rule(names: readonly string[], action: string, more: object = {}) {
  return { syscalls: [{ names, action, ...more }] };
}

const isX86 = process.arch === "x64";

test.skipIf(!isX86)("what is named passes, everything else gets the default and its errno", () => {
  const filter = compileSeccomp(
    profile({ defaultErrnoRet: 38, ...rule(["read"], "SCMP_ACT_ALLOW") }),
  );
  expect(run(filter, x86_64, nr.read)).toBe(allow);
  expect(run(filter, x86_64, nr.mount)).toBe(errno(38));
  expect(run(compileSeccomp(profile()), x86_64, nr.mount)).toBe(errno(1));
});

const actions: readonly (readonly [string, number | undefined, number])[] = [
  ["SCMP_ACT_KILL", undefined, 0],
  ["SCMP_ACT_KILL_THREAD", undefined, 0],
  ["SCMP_ACT_KILL_PROCESS", undefined, 0x8000_0000],
  ["SCMP_ACT_TRAP", undefined, 0x0003_0000],
  ["SCMP_ACT_ERRNO", 38, errno(38)],
  ["SCMP_ACT_ERRNO", 0, errno(0)],
  ["SCMP_ACT_TRACE", 7, 0x7ff0_0007],
  ["SCMP_ACT_LOG", undefined, 0x7ffc_0000],
  ["SCMP_ACT_ALLOW", undefined, allow],
];

for (const [name, errnoRet, expected] of actions) {
  test.skipIf(!isX86)(`${name} ${errnoRet ?? ""} is ${expected.toString(16)}`, () => {
    const more = errnoRet === undefined ? {} : { errnoRet };
    const filter = compileSeccomp(
      profile({ defaultErrnoRet: 99, ...rule(["clone3"], name, more) }),
    );
    expect(run(filter, x86_64, nr.clone3)).toBe(expected);
  });
}

test.skipIf(!isX86)(
  "an architecture that is not named kills, also where the default allows",
  () => {
    const deny = profile({ defaultAction: "SCMP_ACT_ALLOW", ...rule(["mount"], "SCMP_ACT_ERRNO") });
    const filter = compileSeccomp(deny);
    expect(run(filter, x86_64, nr.mount)).toBe(errno(1));
    expect(run(filter, i386, 21)).toBe(kill);
    const both = compileSeccomp({ ...deny, architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"] });
    expect(run(both, i386, 21)).toBe(errno(1));
    expect(run(both, i386, 3)).toBe(allow);
  },
);

const comparisons: readonly (readonly [string, bigint, boolean])[] = [
  ["SCMP_CMP_EQ", 8n, true],
  ["SCMP_CMP_EQ", 9n, false],
  ["SCMP_CMP_NE", 9n, true],
  ["SCMP_CMP_LT", 7n, true],
  ["SCMP_CMP_LT", 8n, false],
  ["SCMP_CMP_LE", 8n, true],
  ["SCMP_CMP_GT", 8n, false],
  ["SCMP_CMP_GT", 0x1_0000_0000n, true],
  ["SCMP_CMP_GE", 8n, true],
];

for (const [op, argument, matches] of comparisons) {
  test.skipIf(!isX86)(`${argument} ${op} 8 is ${matches}`, () => {
    const args = [{ index: 0, value: 8, op }];
    const filter = compileSeccomp(profile(rule(["personality"], "SCMP_ACT_ALLOW", { args })));
    expect(run(filter, x86_64, nr.personality, [argument])).toBe(matches ? allow : errno(1));
  });
}

test.skipIf(!isX86)("masked comparison: clone without namespace flags", () => {
  const args = [{ index: 0, value: 0x7e02_0000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }];
  const filter = compileSeccomp(profile(rule(["clone"], "SCMP_ACT_ALLOW", { args })));
  expect(run(filter, x86_64, nr.clone, [0x11n])).toBe(allow);
  expect(run(filter, x86_64, nr.clone, [0x1000_0011n])).toBe(errno(1));
});

test.skipIf(!isX86)(
  "conditions on different arguments hold together, on the same one alternatively",
  () => {
    const both = [
      { index: 0, value: 1, op: "SCMP_CMP_EQ" },
      { index: 1, value: 2, op: "SCMP_CMP_EQ" },
    ];
    const together = compileSeccomp(profile(rule(["socket"], "SCMP_ACT_ALLOW", { args: both })));
    expect(run(together, x86_64, nr.socket, [1n, 2n])).toBe(allow);
    expect(run(together, x86_64, nr.socket, [1n, 3n])).toBe(errno(1));
    const either = both.map((argument) => ({ ...argument, index: 0 }));
    const alternatives = compileSeccomp(
      profile(rule(["socket"], "SCMP_ACT_ALLOW", { args: either })),
    );
    expect([1n, 2n, 3n].map((family) => run(alternatives, x86_64, nr.socket, [family]))).toEqual([
      allow,
      allow,
      errno(1),
    ]);
  },
);

test.skipIf(!isX86)("names the kernel or the library does not know are passed over", () => {
  const filter = compileSeccomp(
    profile(rule(["no_such_call", "socketcall", "read"], "SCMP_ACT_ALLOW")),
  );
  expect(run(filter, x86_64, nr.read)).toBe(allow);
});

const broken: readonly (readonly [string, Partial<SeccompProfile>, RegExp])[] = [
  [
    "default action",
    { defaultAction: "SCMP_ACT_MAYBE" },
    /defaultAction has the unknown action "SCMP_ACT_MAYBE"/,
  ],
  ["action", rule(["read"], "allow"), /syscalls\[0\] has the unknown action "allow"/],
  [
    "inherited name",
    rule(["read"], "constructor"),
    /syscalls\[0\] has the unknown action "constructor"/,
  ],
  [
    "operator",
    rule(["read"], "SCMP_ACT_ALLOW", { args: [{ index: 0, value: 1, op: "==" }] }),
    /syscalls\[0\] has the unknown comparison "=="/,
  ],
  [
    "argument",
    rule(["read"], "SCMP_ACT_ALLOW", { args: [{ index: 6, value: 1, op: "SCMP_CMP_EQ" }] }),
    /syscalls\[0\] compares argument 6/,
  ],
  [
    "negative argument",
    rule(["read"], "SCMP_ACT_ALLOW", { args: [{ index: -1, value: 1, op: "SCMP_CMP_EQ" }] }),
    /compares argument -1/,
  ],
  [
    "architecture",
    { architectures: ["SCMP_ARCH_VAX"] },
    /architectures has the unknown architecture "SCMP_ARCH_VAX"/,
  ],
  [
    "errno",
    rule(["read"], "SCMP_ACT_ERRNO", { errnoRet: 70_000 }),
    /syscalls\[0\] has the errnoRet 70000/,
  ],
  [
    "fraction",
    rule(["read"], "SCMP_ACT_ALLOW", { args: [{ index: 0, value: 1.5, op: "SCMP_CMP_EQ" }] }),
    /syscalls\[0\] compares with 1.5/,
  ],
  [
    "negative value",
    rule(["read"], "SCMP_ACT_ALLOW", { args: [{ index: 0, value: -1, op: "SCMP_CMP_EQ" }] }),
    /syscalls\[0\] compares with -1/,
  ],
];

for (const [name, changed, message] of broken) {
  test(`an unknown ${name} is EINVAL and names the entry`, () => {
    expect(() => compileSeccomp(profile(changed))).toThrow(
      expect.objectContaining({ errno: "EINVAL", message: expect.stringMatching(message) }),
    );
  });
}
