import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256Hex } from "../../kernel/sha256.ts";
import { chainIdsOf } from "./chain-id.ts";

const native = (text: string): string => createHash("sha256").update(text).digest("hex");

test("sha256Hex is SHA-256, at every length around a block too", () => {
  for (let length = 0; length < 200; length++) {
    expect(sha256Hex("x".repeat(length))).toBe(native("x".repeat(length)));
  }
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(sha256Hex(text)).toBe(native(text));
    }),
  );
});

test("the chain id of one layer is its diff id, of more the hash of the chain so far and the next", () => {
  const ids = ["a", "b", "c"].map((text) => `sha256:${native(text)}`);
  const [first = "", second = "", third = ""] = chainIdsOf(ids);
  expect(first).toBe(ids[0]);
  expect(second).toBe(`sha256:${native(`${ids[0]} ${ids[1]}`)}`);
  expect(third).toBe(`sha256:${native(`${second} ${ids[2]}`)}`);
  expect(chainIdsOf([])).toEqual([]);
});
