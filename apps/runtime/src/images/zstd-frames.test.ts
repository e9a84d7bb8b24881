import { constants, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ZstdFrames } from "./zstd-frames.ts";

const frame = (bytes: Uint8Array, checksum = 0) =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: checksum } });
const skippable = (size: number) => {
  const header = Buffer.alloc(8 + size, "s");
  header.writeUInt32LE(0x184d2a57, 0);
  header.writeUInt32LE(size, 4);
  return header;
};

/** The pieces, glued together at every end that is no end of a frame. */
function cut(stream: Buffer, chunkBytes: number): readonly Buffer[] {
  const frames = new ZstdFrames();
  const pieces: Buffer[] = [];
  for (let at = 0; at < stream.length; at += chunkBytes) {
    pieces.push(...frames.push(stream.subarray(at, at + chunkBytes)));
  }
  frames.finish();
  return pieces;
}

test("frames of all kinds are cut at their ends, and nothing is lost", () => {
  const part = fc.oneof(
    fc
      .tuple(fc.uint8Array({ maxLength: 3000 }), fc.constantFrom(0, 1))
      .map(([bytes, checksum]) => frame(bytes, checksum)),
    fc.integer({ min: 0, max: 50 }).map(skippable),
    fc.constant(frame(Buffer.alloc(300_000, "run"))),
  );
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 5 }),
      fc.integer({ min: 1, max: 5000 }),
      (parts, chunkBytes) => {
        const stream = Buffer.concat(parts);
        const pieces = cut(stream, chunkBytes);
        expect(Buffer.concat(pieces).equals(stream)).toBe(true);
        const endsOf = (buffers: readonly Buffer[]) =>
          buffers.map((_, index) => Buffer.concat(buffers.slice(0, index + 1)).length);
        expect(endsOf(pieces)).toEqual(expect.arrayContaining(endsOf(parts)));
      },
    ),
    { numRuns: 60 },
  );
});

test("a stream that is cut off and one with something behind it are refused", () => {
  const whole = frame(Buffer.from("hello hello hello"), 1);
  for (let length = 1; length < whole.length; length++) {
    expect(() => cut(whole.subarray(0, length), 7)).toThrow(/cut off/);
  }
  expect(() => cut(Buffer.concat([whole, Buffer.from("garbage")]), 7)).toThrow(/no zstd frame/);
});
