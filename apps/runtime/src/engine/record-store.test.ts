import { describe, expect, it } from "vitest";
import type { Records } from "../kernel/world.ts";
import { RecordStore, type StoredRecord } from "./record-store.ts";

interface ThingRecord extends StoredRecord {
  readonly colour: string;
  readonly data?: unknown;
}

function isThing(value: unknown): value is ThingRecord {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as ThingRecord).id === "string" &&
    typeof (value as ThingRecord).name === "string" &&
    typeof (value as ThingRecord).colour === "string"
  );
}

/** What a durable store does to a value: nothing but JSON comes back. */
class JsonRecords implements Records {
  readonly byKind = new Map<string, Map<string, string>>();
  get<T>(kind: string, id: string): T | undefined {
    const text = this.byKind.get(kind)?.get(id);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }
  put<T>(kind: string, id: string, value: T): void {
    const records = this.byKind.get(kind) ?? new Map<string, string>();
    this.byKind.set(kind, records.set(id, JSON.stringify(value)));
  }
  delete(kind: string, id: string): void {
    this.byKind.get(kind)?.delete(id);
  }
  list<T>(kind: string): readonly (readonly [id: string, value: T])[] {
    return [...(this.byKind.get(kind) ?? [])].map(([id, text]) => [id, JSON.parse(text) as T]);
  }
  transaction<T>(work: () => T): T {
    return work();
  }
}

function storeOver(records: Records): RecordStore<ThingRecord> {
  return new RecordStore<ThingRecord>(records, "thing", "thing", isThing);
}

function thing(id: string, name: string, data?: unknown): ThingRecord {
  return { version: 1, id, name, colour: "red", ...(data === undefined ? {} : { data }) };
}

describe("record store", () => {
  it("reserves a name for as long as its record lives, across a restart", () => {
    const records = new JsonRecords();
    const first = storeOver(records);
    first.create(thing("a1", "box"));
    const second = storeOver(records);
    expect(second.load()).toEqual([]);
    expect(() => second.create(thing("b2", "box"))).toThrow("thing name box is reserved for a1");
    second.delete("a1");
    second.create(thing("b2", "box"));
    expect(second.get("b2")?.name).toBe("box");
  });

  it("finds by a whole id and by the beginning of one, and refuses to guess", () => {
    const store = storeOver(new JsonRecords());
    store.create(thing("abc1", "one"));
    store.create(thing("abd2", "two"));
    expect(store.need("abc").id).toBe("abc1");
    expect(() => store.need("ab")).toThrow("id ab is ambiguous");
    expect(() => store.need("")).toThrow("thing id is missing");
    expect(() => store.need("x")).toThrow("thing x not found");
    expect(store.find("")).toBeUndefined();
  });

  it("brings bytes back as bytes, and never takes a client's own words for them", () => {
    const records = new JsonRecords();
    const data = {
      bytes: new Uint8Array([0, 255, 16]),
      labels: { $hex: "00ff", $$twice: "x", plain: "y", constructor: "z" },
      list: [{ value: new Uint8Array() }],
    };
    storeOver(records).create(thing("a", "a", data));
    const loaded = storeOver(records);
    loaded.load();
    expect(loaded.get("a")?.data).toEqual(data);
  });

  it("sets a broken record aside and goes on", () => {
    const records = new JsonRecords();
    storeOver(records).create(thing("good", "good"));
    records.put("thing", "bad", { id: "bad", name: 7 });
    records.put("thing", "other", thing("notother", "n"));
    const store = storeOver(records);
    expect([...store.load()].sort()).toEqual(["bad", "other"]);
    expect(store.all().map(({ id }) => id)).toEqual(["good"]);
    expect(records.get("quarantine", "thing-bad")).toEqual({ id: "bad", name: 7 });
    expect(records.get("thing", "bad")).toBeUndefined();
  });

  it("survives two records of one name: the first keeps it", () => {
    const records = new JsonRecords();
    records.put("thing", "a", thing("a", "same"));
    records.put("thing", "b", thing("b", "same"));
    const store = storeOver(records);
    store.load();
    store.delete("b");
    expect(() => store.create(thing("c", "same"))).toThrow("reserved for a");
  });
});
