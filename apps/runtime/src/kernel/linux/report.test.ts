import { describe, expect, it } from "vitest";
import type { Plan } from "../plan.ts";
import { decodeRecords, decodeReports, execReport, failureOf } from "./report.ts";

interface Fields {
  readonly kind?: number;
  readonly process?: number;
  readonly index?: number;
  readonly flags?: number;
  readonly errno?: number;
  readonly result?: number;
  readonly start?: bigint;
  readonly end?: bigint;
  readonly detail?: string;
}

function record(fields: Fields): Uint8Array {
  const detail = new TextEncoder().encode(fields.detail ?? "");
  const bytes = new Uint8Array(32 + detail.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, bytes.length, true);
  view.setUint8(2, fields.kind ?? 1);
  view.setUint8(3, fields.process ?? 1);
  view.setUint16(4, fields.index ?? 0, true);
  view.setUint16(6, fields.flags ?? 0, true);
  view.setInt32(8, fields.errno ?? 0, true);
  view.setInt32(12, fields.result ?? 0, true);
  view.setBigUint64(16, fields.start ?? 1n, true);
  view.setBigUint64(24, fields.end ?? 2n, true);
  bytes.set(detail, 32);
  return bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const plan: Plan = {
  name: "create",
  steps: [
    { process: "oci", op: { op: "clone3", child: "init", namespaces: [] } },
    { process: "init", op: { op: "sethostname", name: "web" } },
    { process: "init", op: { op: "awaitStart" } },
    { process: "init", op: { op: "execve", path: "sh", argv: ["sh"], env: [] } },
  ],
};

describe("decodeRecords", () => {
  it("reads a record and its detail", () => {
    const bytes = record({
      process: 2,
      index: 1,
      errno: 1,
      flags: 1,
      result: -5,
      detail: "name ä",
    });
    expect(decodeRecords(bytes)).toEqual({
      consumed: bytes.length,
      records: [
        {
          kind: "op",
          process: "init",
          index: 1,
          errno: 1,
          ignored: true,
          result: -5,
          startNs: 1n,
          endNs: 2n,
          detail: "name ä",
        },
      ],
    });
  });

  it("leaves a record that is cut, wherever it is cut", () => {
    const one = record({ detail: "abc" });
    const two = join(one, record({ index: 1 }));
    for (let length = one.length; length < two.length; length++) {
      const { records, consumed } = decodeRecords(two.subarray(0, length));
      expect(records.length).toBe(1);
      expect(consumed).toBe(one.length);
    }
    expect(() => decodeReports(two.subarray(0, two.length - 1))).toThrow(/cut/);
  });

  it.each([
    ["a length below the header", new Uint8Array(32)],
    ["a length above the bound", record({ detail: "x".repeat(481) })],
    ["an unknown kind", record({ kind: 4 })],
    ["an unknown process", record({ process: 4 })],
  ])("refuses %s", (_what, bytes) => {
    expect(() => decodeRecords(bytes)).toThrow(/broken/);
  });
});

describe("execReport", () => {
  const announced = record({ kind: 3, process: 2, index: 3, start: 10n, end: 10n });

  it("makes the report of an execve that succeeded", () => {
    const { records } = decodeRecords(join(record({}), announced));
    expect(execReport(records, 25n)).toMatchObject({
      index: 3,
      startNs: 10n,
      endNs: 25n,
      errno: 0,
    });
  });

  it("makes none of one that failed, or was never tried", () => {
    const failed = join(announced, record({ process: 2, index: 3, errno: 2 }));
    expect(execReport(decodeRecords(failed).records, 25n)).toBeUndefined();
    expect(execReport(decodeRecords(record({})).records, 25n)).toBeUndefined();
  });
});

describe("failureOf", () => {
  const failure = (...parts: readonly Uint8Array[]) =>
    failureOf(plan, decodeReports(join(...parts)));

  it("names op, argument, errno and place", () => {
    const error = failure(
      record({}),
      record({ process: 2, index: 1, errno: 1, detail: 'name "web"' }),
    );
    expect(error).toMatchObject({ op: "sethostname", errno: "EPERM", process: "init", index: 1 });
    expect(error?.message).toBe(
      'sethostname web: EPERM, operation not permitted: name "web" (op 1 of "create", in init)',
    );
  });

  it("prefers the cause to those who only heard that it failed", () => {
    const error = failure(
      record({ index: 0, errno: 125 }),
      record({ process: 2, index: 1, errno: 28 }),
    );
    expect(error?.errno).toBe("ENOSPC");
    expect(failure(record({ index: 0, errno: 125 }))?.errno).toBe("ECANCELED");
  });

  it("is undefined when errnos were ignored, and has no op when the Plan was refused", () => {
    expect(failure(record({ errno: 17, flags: 1 }))).toBeUndefined();
    expect(failure(record({ index: 0xffff, errno: 22, detail: "malformed" }))).toMatchObject({
      op: "library",
      index: -1,
      message: 'plan "create": EINVAL, invalid argument: malformed',
    });
  });
});
