/** Generated cases about cgroups v1: directories, joins and values, read back at the end. */
import fc from "fast-check";
import { one, sequences, type Theme } from "./generated-theme.ts";
import { mkdir, write } from "./op-words.ts";

const group = fc.constantFrom("", "/a", "/a/b", "/c");
const values: readonly (readonly [controller: string, file: string, ...values: string[]])[] = [
  ["pids", "pids.max", "0", "1", "max", "100", "-1", "4194305", "x", ""],
  ["cpu", "cpu.shares", "0", "1", "2", "1024", "262145", "-1", "x"],
  ["cpu", "cpu.cfs_period_us", "999", "1000", "100000", "1000001", "x"],
  ["cpu", "cpu.cfs_quota_us", "-1", "999", "1000", "50000", "0", "x"],
  // Not less: the kernel charges its own memory, too, which the model does not have.
  ["memory", "memory.limit_in_bytes", "1m", "64M", "-1", "1g", "x", "5000001"],
  ["memory", "memory.soft_limit_in_bytes", "1m", "-1", "x"],
  ["memory", "memory.swappiness", "0", "60", "100", "201", "x"],
  ["freezer", "freezer.state", "FROZEN", "THAWED", "FREEZING", "x"],
];
const controller = fc.constantFrom("pids", "cpu", "memory", "freezer");
const setting = fc
  .constantFrom(...values)
  .chain(([name, file, ...texts]) =>
    fc
      .tuple(group, fc.constantFrom(...texts))
      .map(([at, text]) => one(write(`#${name}${at}/${file}`, text))),
  );

const draws = sequences(
  {
    weight: 4,
    arbitrary: fc.tuple(controller, group).map(([name, at]) => one(mkdir(`#${name}${at}`))),
  },
  {
    weight: 2,
    // Not of the freezer: its parent is FREEZING until the removed group is gone for good, some time later.
    arbitrary: fc
      .tuple(fc.constantFrom("pids", "cpu", "memory"), group)
      .map(([name, at]) => one({ op: "rmdir", path: `#${name}${at}` })),
  },
  { weight: 6, arbitrary: setting },
);

export const cgroupThemes: readonly Theme[] = [
  {
    name: "cgroups",
    draws,
    scenario: (ops) => async (run) => {
      const tops = ["pids", "cpu", "memory", "freezer"];
      await run.host([
        ...tops.map((name) => mkdir(`#${name}`)),
        mkdir("#pids/a"),
        mkdir("#cpu/a"),
        ...ops,
      ]);
      for (const [name, file] of values) {
        for (const at of ["", "/a", "/a/b", "/c"]) await run.sayFile(`#${name}${at}/${file}`);
      }
    },
  },
];
