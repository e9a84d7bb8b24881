import { describe, expect, it } from "vitest";
import { catalogue } from "../trace/catalogue.ts";
import { everyOp } from "./fixture/every-op.ts";
import { opAttributes } from "./op-attributes.ts";

describe("attributes of an op", () => {
  it("never hold environment values, file contents or programs", () => {
    const text = JSON.stringify(everyOp.map(opAttributes));
    expect(text).not.toContain("hunter2");
    expect(opAttributes(everyOp.find(({ op }) => op === "execve") as never)).toMatchObject({
      "vitrine.op.env": ["PATH", "TOKEN", "BARE"],
    });
    expect(
      opAttributes({
        op: "writeFile",
        path: "/x",
        data: new TextEncoder().encode("hunter2"),
        mode: 0o600,
        how: "create",
      }),
    ).toEqual({
      "vitrine.op.path": "/x",
      "vitrine.op.data": 7,
      "vitrine.op.mode": 0o600,
      "vitrine.op.how": "create",
    });
    expect(opAttributes({ op: "seccomp", filter: new Uint8Array(24), flags: ["log"] })).toEqual({
      "vitrine.op.filter": 3,
      "vitrine.op.flags": ["log"],
    });
  });

  it("say structured fields as lists of text", () => {
    expect(
      opAttributes({
        op: "idMap",
        child: "init",
        uid: [{ containerId: 0, hostId: 100000, size: 65536 }],
        gid: [],
      }),
    ).toEqual({
      "vitrine.op.child": "init",
      "vitrine.op.uid": ["0:100000:65536"],
      "vitrine.op.gid": [],
    });
  });

  it("are all documented by the op's catalogue entry, which documents no others", () => {
    for (const op of everyOp) {
      const entry = catalogue[`op.${op.op}`];
      expect(entry.level).toBe(3);
      expect(Object.keys(entry.attributes).sort(), op.op).toEqual(
        Object.keys(opAttributes(op)).sort(),
      );
      // A placeholder may say how its number is written: {vitrine.op.mode|octal}.
      for (const [, name] of entry.label.matchAll(/\{([^}|]+)(?:\|octal)?\}/g)) {
        expect(Object.keys(entry.attributes), op.op).toContain(name);
      }
    }
  });

  it("and the catalogue has an entry for every op and for nothing else", () => {
    const inCatalogue = Object.keys(catalogue).filter((id) => id.startsWith("op."));
    expect(inCatalogue.sort()).toEqual(everyOp.map(({ op }) => `op.${op}`).sort());
  });
});
