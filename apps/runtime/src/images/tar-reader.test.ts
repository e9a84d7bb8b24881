import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RuntimeError } from "../kernel/errors.ts";
import { type TarEntry, TarReader } from "./tar-reader.ts";
import { type TarFile, writeTar } from "./tar-writer.ts";

interface Read {
  readonly entries: readonly (TarEntry & { readonly data: Buffer })[];
}

function readAll(archive: Uint8Array, chunkBytes = archive.length || 1): Read {
  const reader = new TarReader();
  const entries: (TarEntry & { data: Buffer })[] = [];
  for (let at = 0; at < archive.length; at += chunkBytes) {
    for (const event of reader.push(Buffer.from(archive.subarray(at, at + chunkBytes)))) {
      if (event.kind === "entry") entries.push({ ...event.entry, data: Buffer.alloc(0) });
      const last = entries.at(-1);
      if (event.kind === "data" && last !== undefined)
        last.data = Buffer.concat([last.data, event.bytes]);
    }
  }
  reader.finish();
  return { entries };
}

const refuses = (archive: Uint8Array, why: RegExp) =>
  expect(() => readAll(archive)).toThrow(
    expect.objectContaining({ code: "FAILED_PRECONDITION", message: expect.stringMatching(why) }),
  );

/** Changes bytes of the first header and mends its checksum. */
function patched(file: TarFile, offset: number, text: string): Buffer {
  const archive = writeTar([file]);
  archive.write(text, offset, "latin1");
  archive.write(" ".repeat(8), 148, "latin1");
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return archive;
}

const pax = (records: string): Buffer => {
  const archive = writeTar([
    { name: "x", pax: { key: "v".repeat(Math.max(records.length - 7, 1)) } },
    { name: "y" },
  ]);
  archive.fill(0, 512, 1024);
  archive.write(records, 512, "latin1");
  archive.write(`${records.length.toString(8).padStart(11, "0")}\0`, 124, "latin1");
  archive.write(" ".repeat(8), 148, "latin1");
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return archive;
};

describe("TarReader", () => {
  test("reads back what was written, in chunks of any size", () => {
    const name = fc
      .stringMatching(/^[a-z0-9\xff/ ._-]{1,300}$/)
      .filter((text) => !text.endsWith("/"));
    const file = fc.record({
      name,
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 0xfffffffe }),
      gid: fc.integer({ min: 0, max: 0xfffffffe }),
      mtime: fc.integer({ min: 0, max: 2 ** 33 - 1 }),
      data: fc.uint8Array({ maxLength: 1500 }),
    });
    fc.assert(
      fc.property(
        fc.array(file, { maxLength: 5 }),
        fc.integer({ min: 1, max: 2000 }),
        (files, chunkBytes) => {
          const { entries } = readAll(writeTar(files), chunkBytes);
          expect(
            entries.map(({ name, mode, uid, gid, mtimeSeconds, data }) => ({
              name,
              mode,
              uid,
              gid,
              mtime: mtimeSeconds,
              data: Uint8Array.from(data),
            })),
          ).toEqual(files);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("extended attributes keep their bytes", () => {
    const value = "\x01\0\0\x02\xff\xfe\n=";
    const [entry] = readAll(
      writeTar([{ name: "ping", pax: { "SCHILY.xattr.security.capability": value } }]),
    ).entries;
    expect(entry?.xattrs.get("security.capability")).toBe(value);
  });

  test("names of GNU's long form", () => {
    const long = `${"d/".repeat(120)}f`;
    const parts = [
      patched({ name: "././@LongLink", data: Buffer.from(`${long}\0`) }, 156, "L").subarray(
        0,
        1024,
      ),
      writeTar([{ name: "short" }]),
    ];
    expect(readAll(Buffer.concat(parts)).entries[0]?.name).toBe(long);
  });

  test("times with fractions, before 1970 too", () => {
    const time = (mtime: string) => {
      const [entry] = readAll(writeTar([{ name: "x", pax: { mtime } }])).entries;
      return [entry?.mtimeSeconds, entry?.mtimeNanoseconds];
    };
    expect(time("12.5")).toEqual([12, 500_000_000]);
    expect(time("-1.25")).toEqual([-2, 750_000_000]);
    expect(time("nonsense")).toEqual([0, 0]);
  });

  test("a pax path of digits only is a name like any other", () => {
    expect(readAll(writeTar([{ name: "x", pax: { path: "12345" } }])).entries[0]?.name).toBe(
      "12345",
    );
  });

  test("an archive without an end mark is whole; a global header is passed over", () => {
    const archive = writeTar([{ name: "x", data: Buffer.from("abc") }]);
    expect(readAll(archive.subarray(0, 1024)).entries).toHaveLength(1);
    const global = patched(
      { name: "pax_global_header", data: Buffer.from("11 path=zz\n") },
      156,
      "g",
    ).subarray(0, 1024);
    expect(readAll(Buffer.concat([global, archive])).entries[0]?.name).toBe("x");
  });

  test("negative, base-256 and impossible numbers", () => {
    refuses(patched({ name: "x" }, 124, `\xff${"\xff".repeat(11)}`), /size is negative/);
    refuses(patched({ name: "x" }, 124, `\x80${"\xff".repeat(11)}`), /too large/);
    refuses(patched({ name: "x" }, 124, "99999999999\0"), /no octal number/);
    refuses(patched({ name: "x" }, 108, "\xff\xff\xff\xff\xff\xff\xff\xff"), /uid -1/);
    refuses(writeTar([{ name: "x", pax: { uid: "4294967295" } }]), /uid 4294967295/);
    refuses(writeTar([{ name: "x", pax: { size: "-5" } }]), /size "-5"/);
    refuses(writeTar([{ name: "x", pax: { size: "9".repeat(30) } }]), /is no number/);
  });

  test("NUL bytes in names, sparse files, unknown types", () => {
    refuses(writeTar([{ name: "x", pax: { path: "a\0b" } }]), /NUL/);
    refuses(
      writeTar([{ name: "x", type: "symlink", link: "y", pax: { linkpath: "a\0b" } }]),
      /NUL/,
    );
    refuses(writeTar([{ name: "x", pax: { "GNU.sparse.major": "1" } }]), /sparse/);
    refuses(patched({ name: "x" }, 156, "S"), /sparse/);
    refuses(patched({ name: "x" }, 156, "V"), /unknown/);
  });

  test.each([
    "-10 path=ab\n",
    "0 path=ab\n",
    "99 path=ab\n",
    "12 path=abc",
    "9 nokey\n",
    "5 =x\n",
    "path=abcde\n",
    "99999999999 a=b\n",
  ])("a broken pax record %j", (records) => refuses(pax(records), /pax record/));

  test("cut off anywhere but between entries", () => {
    const archive = writeTar([{ name: "x", data: Buffer.alloc(700, "a") }]);
    for (const length of [1, 511, 513, 1100])
      refuses(archive.subarray(0, length), /middle of an entry|checksum/);
  });

  test("something that is no tar archive", () => {
    refuses(Buffer.alloc(2048, "<html>"), /checksum/);
  });

  test("more entries, and longer headers, than allowed", () => {
    const reader = new TarReader({ entriesMax: 2, headerBytesMax: 512 });
    const many = writeTar([{ name: "a" }, { name: "b" }, { name: "c" }]);
    expect(() => [...reader.push(many)]).toThrow(/more than 2 entries/);
    const long = writeTar([{ name: "a", pax: { key: "v".repeat(600) } }]);
    expect(() => [...new TarReader({ entriesMax: 2, headerBytesMax: 512 }).push(long)]).toThrow(
      /too large/,
    );
  });

  test("any bytes at all end in entries or in a refusal", () => {
    const archive = writeTar([
      { name: "a", pax: { k: "v" }, data: Buffer.from("hello") },
      { name: "l", type: "symlink", link: "a" },
    ]);
    const change = fc.record({
      at: fc.integer({ min: 0, max: archive.length - 1 }),
      byte: fc.integer({ min: 0, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const copy = Buffer.from(archive);
        for (const { at, byte } of changes) copy[at] = byte;
        try {
          readAll(copy, 100);
        } catch (error) {
          expect(error).toBeInstanceOf(RuntimeError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
