/** The encoder against plan.h itself, and what it must refuse. That C reads it is native/test's part. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { KernelError } from "../errors.ts";
import { everyOp } from "../fixture/every-op.ts";
import type { Op } from "../op.ts";
import { encodePlan } from "./encode.ts";
import * as numbers from "./wire-numbers.ts";

const repository = new URL("../../../../../", import.meta.url);
const header = readFileSync(new URL("native/include/plan.h", repository), "utf8");

/** Every "NAME = number" and "#define NAME number" of the header; a product counts as its value. */
function constants(): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name, value] of header.matchAll(
    /^\s*(?:#define )?([A-Z][A-Z0-9_]+)\s*=?\s*(\(?[0-9x][^,/\n]*)/gm,
  )) {
    const factors = (value ?? "")
      .replace(/[()u\s]/g, "")
      .split("*")
      .map(Number);
    found.set(
      name ?? "",
      factors.reduce((a, b) => a * b),
    );
  }
  for (const [, name, value] of header.matchAll(
    /\b(NODE_[A-Z]+|WRITE_[A-Z]+|CREATE_[A-Z]+) = (\d+)/g,
  )) {
    found.set(name ?? "", Number(value));
  }
  return found;
}

const upper = (name: string) => name.replace(/([A-Z])/g, "_$1").toUpperCase();

describe("the numbers of the binary form", () => {
  const inHeader = constants();
  const sets = {
    OP_: numbers.opcodes,
    PLAN_NS_: numbers.namespaceBits,
    PLAN_ATTR_: numbers.mountAttrBits,
    PLAN_OPEN_: numbers.openFlagBits,
    PROPAGATION_: numbers.propagationNumbers,
    NODE_: numbers.nodeTypes,
    WRITE_: numbers.writeHows,
    CREATE_: numbers.createKinds,
    PLAN_SECCOMP_: numbers.seccompFlagBits,
  };

  it.each(Object.entries(sets))("%s are those of plan.h", (prefix, table) => {
    const names = Object.entries(table).map(([name, value]) => [prefix + upper(name), value]);
    const others = new Set(["_ALL", "_NONE", "_NOTHING"]);
    const expected = [...inHeader].filter(
      ([name]) => name.startsWith(prefix) && ![...others].some((suffix) => name.endsWith(suffix)),
    );
    expect(Object.fromEntries(names)).toEqual(Object.fromEntries(expected));
  });

  it("and so are the bounds", () => {
    expect(inHeader.get("PLAN_MAGIC")).toBe(numbers.planMagic);
    expect(inHeader.get("PLAN_VERSION")).toBe(numbers.planVersion);
    expect(inHeader.get("PLAN_SIZE_MAX")).toBe(numbers.planBytesMax);
    expect(inHeader.get("PLAN_OPS_MAX")).toBe(numbers.planOpsMax);
    expect(inHeader.get("PLAN_SLOT_NONE")).toBe(numbers.slotNone);
    expect(inHeader.get("PLAN_SLOT_FIRST")).toBe(numbers.slotFirst);
    expect(inHeader.get("PLAN_SLOTS_MAX")).toBe(numbers.slotsMax);
    expect(inHeader.get("PLAN_BARRIERS_MAX")).toBe(numbers.barriersMax);
    for (const [name, number] of Object.entries(numbers.fixedSlots)) {
      expect(inHeader.get(`PLAN_SLOT_${name.toUpperCase()}`)).toBe(number);
    }
  });
});

const encode = (...ops: readonly Op[]) =>
  encodePlan({ name: "test", steps: ops.map((op) => ({ process: "init" as const, op })) });

describe("encodePlan", () => {
  it("writes a mkdir as plan.h says, byte for byte", () => {
    const bytes = encodePlan({
      name: "unsaid",
      steps: [
        {
          process: "oci",
          ignore: ["EEXIST"],
          op: { op: "mkdir", at: "rootfs", path: "/ä", mode: 0o755, parents: true, gid: 7 },
        },
      ],
    });
    const hex = Buffer.from(bytes).toString("hex").match(/.{2}/g)?.join(" ");
    expect(hex).toBe(
      [
        "56 50 4c 4e 01 00 01 00 2d 00 00 00", // VPLN, version, count of ops, length
        "16 00 01 01 17 00 00 00 11 00", // mkdir, oci, one ignored errno, length of body, EEXIST
        "08 00 03 00 00 00 2f c3 a4 00", // the first named slot, the path
        "ed 01 00 00 01 ff ff ff ff 07 00 00 00", // mode, parents, owner left, group
      ].join(" "),
    );
  });

  it("gives a slot one number wherever it is named, and fixed ones to stdio", () => {
    const bytes = encode(
      { op: "close", fd: "a" },
      { op: "close", fd: "b" },
      { op: "close", fd: "a" },
      { op: "close", fd: "stderr" },
      { op: "close", fd: "start" },
    );
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const slots = [0, 1, 2, 3, 4].map((index) => view.getUint16(12 + index * 10 + 8, true));
    expect(slots).toEqual([8, 9, 8, 2, 3]);
  });

  it("loses nothing where its buffer grows, at whatever field that is", () => {
    for (let shift = 0; shift < 24; shift++) {
      const filler: Op = { op: "chdir", path: "x".repeat(shift) };
      const one: Op = { op: "rlimit", type: "nofile", soft: 0x0102030405, hard: 0x0a0b0c0d0e };
      const bytes = encode(filler, ...Array.from({ length: 1500 }, () => one));
      const size = encode(one).length - 12;
      const expected = encode(one).subarray(12);
      const first = bytes.length - 1500 * size;
      for (let at = first; at < bytes.length; at += size) {
        expect(Buffer.compare(bytes.subarray(at, at + size), expected)).toBe(0);
      }
    }
  });

  it("takes every op", () => {
    expect(encode(...everyOp).length).toBeGreaterThan(everyOp.length * 8);
  });

  const refused: readonly (readonly [string, Op, RegExp])[] = [
    ["a NUL in a path", { op: "chdir", path: "/a\0b" }, /NUL/],
    ["a NUL in an argument", { op: "execve", path: "a", argv: ["a", "\0"], env: [] }, /NUL/],
    ["a negative id", { op: "setresuid", uid: -1 }, /-1 is not a whole number/],
    ["an id of 33 bits", { op: "setresuid", uid: 2 ** 32 }, /4294967296/],
    ["half a number", { op: "umask", mask: 0.5 }, /0\.5/],
    ["an unknown capability", { op: "capBounding", keep: ["CAP_NOTHING"] }, /CAP_NOTHING/],
    [
      "an unknown flag",
      { op: "open", path: "/", flags: ["toString" as never], as: "x" },
      /toString/,
    ],
    ["an unknown op", { op: "reboot" } as never, /reboot/],
    ["an unknown process", { op: "clone3", child: "nobody" as never, namespaces: [] }, /nobody/],
    ["an rlimit below -1", { op: "rlimit", type: "nofile", soft: -2, hard: 1 }, /-2/],
    [
      "too much data",
      { op: "writeFile", path: "/x", data: new Uint8Array(5 << 20), mode: 0, how: "create" },
      /larger/,
    ],
  ];

  it.each(refused)("refuses %s, naming the op", (_what, op, message) => {
    expect(() => encode(op)).toThrow(KernelError);
    expect(() => encode(op)).toThrow(message);
    expect(() => encode({ op: "setsid" }, op)).toThrow(/op 1 of "test"/);
  });

  it("refuses more ops, slots and barriers than there may be", () => {
    const many = (count: number, make: (index: number) => Op) =>
      encode(...Array.from({ length: count }, (_, index) => make(index)));
    expect(() => many(numbers.planOpsMax + 1, () => ({ op: "setsid" }))).toThrow(/more than 2048/);
    expect(() => many(249, (index) => ({ op: "close", fd: `s${index}` }))).toThrow(
      /too many slots/,
    );
    expect(() => many(9, (index) => ({ op: "await", barrier: `b${index}` }))).toThrow(/barriers/);
  });
});
