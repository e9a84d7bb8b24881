import { describe, expect, it } from "vitest";
import { WireWriter } from "./wire-writer.ts";

describe("a writer whose buffer is full to a few bytes", () => {
  const full = (free: number): WireWriter =>
    new WireWriter().bytes(new Uint8Array(8192 - 4 - free));
  const writes: readonly (readonly [string, number, (writer: WireWriter) => WireWriter, string])[] =
    [
      ["a byte", 0, (writer) => writer.u8(0x12), "12"],
      ["16 bits", 1, (writer) => writer.u16(0x1234), "3412"],
      ["32 bits", 3, (writer) => writer.u32(0x12345678), "78563412"],
      ["a negative number", 2, (writer) => writer.i32(-2), "feffffff"],
      ["64 bits", 7, (writer) => writer.u64(0x123456789abcdef0n), "f0debc9a78563412"],
      ["a string", 2, (writer) => writer.string("ab"), "02000000616200"],
    ];

  it.each(writes)(
    "grows before %s, and writes it behind what was there",
    (_what, free, write, hex) => {
      const bytes = write(full(free)).finish();
      expect(Buffer.from(bytes.subarray(8192 - free)).toString("hex")).toBe(hex);
      expect(Buffer.from(bytes.subarray(0, 4)).readUInt32LE()).toBe(8188 - free);
    },
  );
});
