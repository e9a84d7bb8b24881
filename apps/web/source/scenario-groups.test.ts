import { scenarios } from "@vitrine/runtime/simulation";
import { expect, test } from "vitest";
import { grouped, scenarioGroups } from "./scenario-groups.ts";

test("every scenario has a group, and every id of a group is one", () => {
  const groups = grouped(scenarios);
  expect(groups.map(({ title }) => title)).toEqual(scenarioGroups.map(({ title }) => title));
  expect(groups.flatMap((group) => group.scenarios)).toHaveLength(scenarios.length);
  for (const one of scenarioGroups.flatMap(({ ids }) => ids)) {
    expect(scenarios.some(({ id }) => id.startsWith(one))).toBe(true);
  }
});

test("one that nobody put anywhere is shown all the same", () => {
  expect(grouped([{ id: "demo-pod" }, { id: "new" }]).at(-1)).toEqual({
    title: "More",
    scenarios: [{ id: "new" }],
  });
});
