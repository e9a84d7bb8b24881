/** The architecture, checked: arrows, bans, names, sizes. */
import { expect, test } from "vitest";
import { importBreaks, nameBreaks, policyBreaks, sourceFiles, webBreaks } from "./check-arch.ts";
import { cFileLinesMax, fileLinesMax, fileLinesMedianMax } from "./rules.ts";

test("imports go down the ranks and pure folders stay pure", () => {
  expect(importBreaks()).toEqual([]);
});

test("the page reaches the runtime through its exports only", () => {
  expect(webBreaks()).toEqual([]);
});

test("file names say what is inside", () => {
  expect(nameBreaks()).toEqual([]);
});

test("no policy in C", () => {
  expect(policyBreaks()).toEqual([]);
});

test("files are small", () => {
  const files = sourceFiles("{apps,scripts,test}/**/*.{ts,tsx}");
  expect(files.filter((file) => file.lines > fileLinesMax).map((file) => file.path)).toEqual([]);
  const sorted = files
    .filter((file) => !file.path.endsWith(".test.ts"))
    .map((file) => file.lines)
    .sort((a, b) => a - b);
  expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(fileLinesMedianMax);
});

test("C files are small", () => {
  const files = sourceFiles("native/**/*.{c,h}");
  expect(files.filter((file) => file.lines > cFileLinesMax).map((file) => file.path)).toEqual([]);
});
