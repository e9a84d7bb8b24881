/** The golden traces, made again and compared byte for byte. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { goldenTraces, recordGolden } from "./golden-traces.ts";

const folder = join(import.meta.dirname, "../../../../traces/golden");
const host = { turn: () => setImmediate() };
const bytesMax = 3_000_000;

describe("golden traces", () => {
  it.each(goldenTraces)(
    "$name is as it was; if it should not be: npm run sim -- --golden",
    async (trace) => {
      const kept = readFileSync(join(folder, `${trace.name}.jsonl`), "utf8");
      const now = await recordGolden(trace, host);
      if (now === kept) return;
      const lines = kept.split("\n");
      const differing = now.split("\n").findIndex((line, index) => line !== lines[index]);
      expect
        .soft(`line ${differing + 1}: ${now.split("\n")[differing] ?? "(end)"}`)
        .toBe(`line ${differing + 1}: ${lines[differing] ?? "(end)"}`);
      expect(now.length, "bytes").toBe(kept.length);
    },
  );

  it("are these files and no others, and small", () => {
    const files = readdirSync(folder).sort();
    expect(files).toEqual(goldenTraces.map(({ name }) => `${name}.jsonl`).sort());
    const bytes = files.map((file) => statSync(join(folder, file)).size);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(bytesMax);
  });
});
