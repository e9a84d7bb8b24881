import { expect, it } from "vitest";
import { supportTable } from "../kernel/sim/index.ts";
import { supportPage } from "./support-page.ts";

it("docs/simulator-support.md is what the code says", async () => {
  await expect(supportPage()).toMatchFileSnapshot("../../../../docs/simulator-support.md");
});

it("says each thing once, and what is missing with what a caller meets instead", () => {
  const features = supportTable.map(({ area, feature }) => `${area}: ${feature}`);
  expect(features.filter((one, index) => features.indexOf(one) !== index)).toEqual([]);
  const silent = supportTable.filter(({ level, note }) => level !== "full" && note === "");
  expect(silent.map(({ feature }) => feature)).toEqual([]);
});
