import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openRecords } from "./records.ts";

let folder = "";
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vt-records-"));
  path = join(folder, "records.db");
});

afterEach(() => rmSync(folder, { recursive: true }));

function fill(count: number): void {
  const records = openRecords(path);
  for (let i = 0; i < count; i += 1) records.put("pod", `id-${i}`, { name: `pod ${i}`, n: i });
  records.close();
}

test("values come back as they were put, by kind, in order of id", () => {
  fill(3);
  const records = openRecords(path);
  expect(records.list("pod").map(([id]) => id)).toEqual(["id-0", "id-1", "id-2"]);
  expect(records.get("pod", "id-1")).toEqual({ name: "pod 1", n: 1 });
  expect(records.get("container", "id-1")).toBeUndefined();
  records.delete("pod", "id-1");
  expect(records.get("pod", "id-1")).toBeUndefined();
  records.close();
});

test("a transaction is all or nothing", () => {
  const records = openRecords(path);
  expect(() =>
    records.transaction(() => {
      records.put("pod", "a", 1);
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(records.get("pod", "a")).toBeUndefined();
  records.close();
});

const damages: readonly (readonly [string, () => void])[] = [
  ["zeroed", () => writeFileSync(path, Buffer.alloc(readFileSync(path).length))],
  ["cut in the middle of a page", () => truncateSync(path, 5000)],
  ["overwritten with text", () => writeFileSync(path, "this was a database once\n".repeat(900))],
  ["a header without pages", () => truncateSync(path, 100)],
];

for (const [name, damage] of damages) {
  test(`a file that is ${name} is set aside and a fresh one begun`, () => {
    fill(200);
    damage();
    const records = openRecords(path);
    expect(records.quarantined.join()).toContain("kept as");
    expect(records.list("pod")).toEqual([]);
    records.put("pod", "new", 1);
    expect(records.get("pod", "new")).toBe(1);
    records.close();
    expect(readdirSync(folder).some((file) => file.includes(".corrupt-1"))).toBe(true);
  });
}

test("a database of another program is set aside, as is a directory in its place", () => {
  const other = new DatabaseSync(path);
  other.exec("CREATE TABLE record (something TEXT)");
  other.close();
  const first = openRecords(path);
  expect(first.quarantined.join()).toContain("corrupt-1");
  first.close();
  rmSync(path);
  mkdirSync(path);
  const second = openRecords(path);
  expect(second.quarantined.join()).toContain("corrupt-2");
  second.put("pod", "a", 1);
  second.close();
});

test("a journal with garbage behind its last whole transaction loses nothing that was committed", () => {
  const records = openRecords(path);
  records.put("pod", "a", 1);
  records.put("pod", "b", 2);
  // As a process that was killed in the middle of a write leaves it: no checkpoint, no clean end.
  cpSync(path, join(folder, "copy.db"));
  cpSync(`${path}-wal`, join(folder, "copy.db-wal"));
  records.close();
  appendFileSync(join(folder, "copy.db-wal"), Buffer.alloc(3000, 0xa5));
  const again = openRecords(join(folder, "copy.db"));
  expect(again.quarantined).toEqual([]);
  expect(again.list("pod")).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
  again.close();
});

test("one damaged row is set aside, the others stay", () => {
  fill(3);
  const raw = new DatabaseSync(path);
  raw.exec(`UPDATE record SET value = replace(value, 'pod 1', 'pod 9') WHERE id = 'id-1'`);
  raw.close();
  const records = openRecords(path);
  expect(records.list("pod").map(([id]) => id)).toEqual(["id-0", "id-2"]);
  expect(records.quarantined.join()).toContain("id-1");
  records.close();
});
