import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { sha256OfBytes } from "./sha256.ts";

test.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 70_000])("%i bytes", (length) => {
  const bytes = Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 255);
  expect(sha256OfBytes(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
});
