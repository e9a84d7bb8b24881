import { expect, test } from "vitest";
import { faultText, parseFault } from "../../runtime/src/kernel/sim/fault/grammar.ts";
import { faultForms, faultsOf, withFault } from "./fault-forms.ts";

test("every example is one that the simulation reads, and every kind of fault has one", () => {
  const examples = faultForms.flatMap((form) => form.examples);
  for (const text of examples) expect(faultText(parseFault(text))).toBe(text);
  const kinds = new Set(examples.map((text) => parseFault(text).kind));
  expect([...kinds].sort()).toEqual([
    "cni",
    "crash",
    "named",
    "oom",
    "op",
    "record",
    "registry",
    "shim",
  ]);
});

test("faults stand side by side, none twice", () => {
  expect(faultsOf(" a=1,  b=2\n")).toEqual(["a=1", "b=2"]);
  expect(withFault("", "a=1")).toBe("a=1");
  expect(withFault("a=1", "b=2")).toBe("a=1 b=2");
  expect(withFault("a=1 b=2", "a=1")).toBe("a=1 b=2");
});
