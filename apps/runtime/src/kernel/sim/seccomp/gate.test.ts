import { beforeEach, describe, expect, test } from "vitest";
import type { SeccompProfile } from "../../kernel.ts";
import { SIGSYS } from "../abi.ts";
import type { KernelEvent } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { becomeUser, once, outcome, type ProcessBed, processBed } from "../process/process-bed.ts";
import { seccomp, setNoNewPrivs } from "../syscall/credential.ts";
import {
  clone3,
  getpid,
  kill,
  nanosleep,
  setsid,
  sigaction,
  unshare,
  wait4,
} from "../syscall/process.ts";
import { compileProfile } from "./compile-profile.ts";

let bed: ProcessBed;
beforeEach(() => {
  bed = processBed();
});

const log = { log: false };

function allowing(...syscalls: NonNullable<SeccompProfile["syscalls"]>): Uint8Array {
  return compileProfile({
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86_64"],
    syscalls,
  });
}
const on = (name: string, action: string, errnoRet?: number) =>
  allowing({
    names: [name],
    action: `SCMP_ACT_${action}`,
    ...(errnoRet === undefined ? {} : { errnoRet }),
  });

/** How a child ends that has the filters and then calls getpid. */
function ending(...filters: readonly Uint8Array[]): unknown {
  let child: Process | undefined;
  let answer = "did not come back";
  bed.run(function* (self) {
    child = clone3(self, {
      namespaces: [],
      body: once((me) => {
        for (const filter of filters) seccomp(me, filter, log);
        answer = outcome(() => getpid(me));
      }, 9),
    });
    yield* wait4(self, -1);
  });
  return `${answer}, ${JSON.stringify(child?.exitStatus)}`;
}

const exited = '{"kind":"exited","code":9}';
const killed = `{"kind":"signaled","signal":${SIGSYS}}`;

const table: readonly (readonly [what: string, filters: readonly Uint8Array[], end: string])[] = [
  ["ERRNO", [on("getpid", "ERRNO", 38)], `ENOSYS, ${exited}`],
  ["TRACE without a tracer", [on("getpid", "TRACE")], `ENOSYS, ${exited}`],
  ["KILL_PROCESS", [on("getpid", "KILL_PROCESS")], `did not come back, ${killed}`],
  ["KILL_THREAD", [on("getpid", "KILL")], `did not come back, ${killed}`],
  ["TRAP", [on("getpid", "TRAP")], `did not come back, ${killed}`],
  ["LOG", [on("getpid", "LOG")], `ok, ${exited}`],
  [
    "the strictest: ERRNO before LOG",
    [on("getpid", "LOG"), on("getpid", "ERRNO", 5), on("getpid", "LOG")],
    `EIO, ${exited}`,
  ],
  [
    "the strictest: KILL before ERRNO",
    [on("getpid", "KILL_PROCESS"), on("getpid", "ERRNO", 5)],
    `did not come back, ${killed}`,
  ],
  [
    "of equals the newest",
    [on("getpid", "ERRNO", 5), on("getpid", "ERRNO", 7)],
    `E2BIG, ${exited}`,
  ],
];
describe("actions", () => {
  for (const [what, filters, end] of table) {
    test(what, () => expect(ending(...filters)).toBe(end));
  }

  test("USER_NOTIF without a listener is ENOSYS", () => {
    const program = new Uint8Array(8);
    const view = new DataView(program.buffer);
    view.setUint16(0, 0x06, true);
    view.setUint32(4, 0x7fc00000, true);
    expect(ending(program)).toBe(`ENOSYS, ${exited}`);
  });

  test("TRAP runs a handler of SIGSYS", () => {
    bed.run((self) => {
      const caught: number[] = [];
      sigaction(self, SIGSYS, (signal) => caught.push(signal));
      seccomp(self, on("getpid", "TRAP"), log);
      expect([outcome(() => getpid(self)), caught]).toEqual(["ENOSYS", [SIGSYS]]);
    });
  });
});

test("an errno without a name keeps its number", () => {
  bed.run((self) => {
    seccomp(self, on("getpid", "ERRNO", 77), log);
    let thrown: unknown;
    try {
      getpid(self);
    } catch (refusal) {
      thrown = refusal;
    }
    expect(thrown).toMatchObject({ number: 77, detail: "seccomp" });
  });
});

test("arguments are looked at again each time", () => {
  bed.run(function* (self) {
    const args = [{ index: 1, op: "SCMP_CMP_EQ", value: 9 }];
    seccomp(self, allowing({ names: ["kill"], action: "SCMP_ACT_ERRNO", errnoRet: 13, args }), log);
    const me = getpid(self);
    expect([0, 9, 0].map((signal) => outcome(() => kill(self, me, signal)))).toEqual([
      "ok",
      "EACCES",
      "ok",
    ]);
    yield* nanosleep(self, 1n);
  });
});

test("a filter that hides clone3 with ENOSYS is offered clone, whose flags it sees", () => {
  bed.run((self) => {
    const args = [{ index: 0, op: "SCMP_CMP_MASKED_EQ", value: 0x7e020000, valueTwo: 0 }];
    const filter = compileProfile({
      defaultAction: "SCMP_ACT_ERRNO",
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [
        { names: ["clone"], action: "SCMP_ACT_ALLOW", args },
        { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
      ],
    });
    seccomp(self, filter, log);
    const body = once(() => undefined);
    expect(outcome(() => clone3(self, { namespaces: [], body }))).toBe("ok");
    expect(outcome(() => clone3(self, { namespaces: ["user"], body }))).toBe("EPERM");
    expect(outcome(() => unshare(self, ["user"]))).toBe("EPERM");
  });
});

test("filters are inherited; they need no_new_privs or CAP_SYS_ADMIN: EACCES; bad ones are EINVAL", () => {
  const events: KernelEvent[] = [];
  bed.machine.observe = (event) => events.push(event);
  bed.run(function* (self) {
    expect(outcome(() => seccomp(self, new Uint8Array(8), log))).toBe("EINVAL");
    becomeUser(self, 1000);
    const filter = on("setsid", "ERRNO", 1);
    expect(outcome(() => seccomp(self, filter, log))).toBe("EACCES");
    setNoNewPrivs(self);
    seccomp(self, filter, log);
    clone3(self, {
      namespaces: [],
      body: once((me) => expect(outcome(() => setsid(me))).toBe("EPERM")),
    });
    yield* wait4(self, -1);
  });
  expect(events.filter((event) => event.name === "seccomp").map((event) => event.detail)).toEqual([
    "setsid: errno",
  ]);
});

test("32768 instructions in all, counted as eBPF: three times 4096 RETs, the fourth is ENOMEM", () => {
  bed.run((self) => {
    const program = new Uint8Array(4096 * 8);
    const view = new DataView(program.buffer);
    for (let at = 0; at < program.length; at += 8) {
      view.setUint16(at, 0x06, true);
      view.setUint32(at + 4, 0x7fff0000, true);
    }
    for (let count = 0; count < 3; count++) seccomp(self, program, log);
    expect(outcome(() => seccomp(self, program, log))).toBe("ENOMEM");
  });
});
